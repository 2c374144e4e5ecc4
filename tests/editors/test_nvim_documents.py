"""What the plugin tells of a buffer: whatever is done to it, its messages make of the old text the new one."""

from collections.abc import Iterator
from random import Random

import pytest
from tests.editors.nvim_typist import Typist, needs_neovim

pytestmark = needs_neovim

TEXT = "one = 'é日本😀'\ntwo = [one, one]\n\nfour(two)  # …\n" * 4

EDITS = (
    *("ggdd", "Gp", "ggyyP", "jddkP", "3J", "Gox = '日本'", "ggOé", "A😀😃", "0xx", "$x", "rx", "~", ">>", "i\u0301"),
    *("u", "uu", "<C-r>", "g-", ":earlier 9<CR>", ":later 3<CR>", "ggVGd", "ggdG", ":%d<CR>", "dap"),
    *("<C-v>jjld", "<C-v>jjIé日", ":%s/o/ö/ge<CR>", ":%s/日/日本/ge<CR>", ":g/two/d<CR>", ":%join<CR>"),
    *(":move 0<CR>", ":copy $<CR>", ":sort<CR>", "ggO1<CR>2<CR><CR>3", ":1put =range(3)<CR>"),
)

SPY = """
MESSAGES = {}
local documents = require('elman.documents')
local notify = documents.notify
documents.notify = function(method, params)
  MESSAGES[#MESSAGES + 1] = { method, params }
  notify(method, params)
end
"""

FLUSH = """
require('elman.documents').flush(vim.api.nvim_get_current_buf())
local messages = MESSAGES
MESSAGES = {}
return messages
"""


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    """Somebody who edits, with somebody who listens."""
    with Typist(tmp_path_factory.mktemp("nvim")) as typist:
        typist.lua(SPY)
        yield typist


@pytest.mark.parametrize("seed", range(4))
def test_the_server_has_the_buffers_text_after_any_edits(typist: Typist, seed: int) -> None:
    typist.open(text=TEXT)
    told = told_by(typist, b"")
    random, texts = Random(seed), {told}
    for _ in range(60):
        keys = "".join(f"<Esc>{random.choice(EDITS)}<Esc>" for _ in range(random.choice((1, 1, 1, 3))))
        typist.press(keys)
        told = told_by(typist, told)
        assert told.decode() == "\n".join(typist.lines()) + "\n", keys
        texts.add(told)
    assert len(texts) > 15


def test_a_reloaded_file_is_told_anew(typist: Typist) -> None:
    typist.open(text=TEXT)
    told = told_by(typist, b"")
    typist.press("<Esc>")
    (typist.folder / "measure.py").write_text("another = 1\n")
    typist.command("silent edit!")
    typist.attached()
    assert told_by(typist, told) == b"another = 1\n"


def test_line_ends_and_bytes_that_are_no_text_keep_their_places(typist: Typist) -> None:
    (typist.folder / "mixed.py").write_bytes(b"one\r\ntwo\r\n")
    (typist.folder / "broken.py").write_bytes(b"a\0b \xff\xed\xa0\x80 \xc3\xa9\n")
    typist.press("<Esc>")
    typist.command("silent edit ++enc=utf-8 ++bad=keep broken.py")
    typist.attached()
    assert told_by(typist, b"") in (b"a\0b ???? \xc3\xa9\n", b"a\0b ???? ??\n")
    typist.command("silent edit mixed.py")
    typist.attached()
    assert told_by(typist, b"") == b"one\ntwo\n"


def test_a_change_is_told_as_small_as_it_is(typist: Typist) -> None:
    typist.open(text=TEXT)
    told_by(typist, b"")
    typist.press("日")
    typist.settle()
    typist.lua("MESSAGES = {}")
    typist.press("x<CR>")
    typist.settle()
    changes: list[str] = [params["contentChanges"][0]["text"] for _, params in typist.lua(FLUSH) if "contentChanges" in params]
    assert "".join(changes) == "x\n"


def told_by(typist: Typist, text: bytes) -> bytes:
    """The text that messages since the last call make of this one."""
    for method, params in typist.lua(FLUSH):
        if method == "textDocument/didOpen":
            text = params["textDocument"]["text"].encode()
        for change in params.get("contentChanges", ()):
            start, end = (offset(text, change["range"][side]) for side in ("start", "end"))
            text = text[:start] + change["text"].encode() + text[end:]
            text.decode()  # no part of a character is left behind
    return text


def offset(text: bytes, position: dict[str, int]) -> int:
    """Where a position is, in bytes."""
    lines = text.split(b"\n")
    assert position["character"] <= len(lines[position["line"]])
    return sum(len(line) + 1 for line in lines[: position["line"]]) + position["character"]
