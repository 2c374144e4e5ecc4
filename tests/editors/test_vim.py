"""Ghost text in Vim: the real editor on a terminal, the real server, a shipped model."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.editors.conftest import Serve
from tests.editors.overheard import overheard, texts
from tests.editors.terminal import BEGUN, FOX, REST, is_running
from tests.editors.vim import ELMAN, Vim

from elman.languages import PROSE

pytestmark = pytest.mark.skipif(
    not (shutil.which("vim") and shutil.which("tmux")), reason="needs Vim 9 and tmux: apt install vim-nox tmux"
)


@pytest.fixture(scope="module")
def one_vim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vim]:
    """One for all tests that leave it and its server alive."""
    with Vim(tmp_path_factory.mktemp("vim")) as vim:
        yield vim


@pytest.fixture
def vim(one_vim: Vim) -> Vim:
    """Vim in a text that says a sentence three times, at the beginning of a line of its own."""
    one_vim.command("silent! %bwipeout!")
    return opened(one_vim)


def opened(vim: Vim, name: str = "notes.txt", before: str = f"{FOX}\n" * 3) -> Vim:
    """A file is opened, and typed into at its end."""
    (vim.folder / name).write_text(f"{before}\n")
    vim.command(f"edit! {name}")
    vim.command("$")
    vim.type("A")
    vim.wait_until(lambda: vim.state()["mode"] == "i")
    return vim


def test_what_is_suggested_stands_behind_the_cursor_and_is_not_in_the_text(vim: Vim) -> None:
    vim.begin()
    assert vim.cursor() == (3, len(BEGUN))
    assert vim.lines() == [FOX, FOX, FOX, BEGUN]
    vim.press("Escape")
    vim.wait_until(lambda: vim.ghost() == "")


def test_tab_accepts_all_control_right_a_word_right_a_character(vim: Vim) -> None:
    vim.begin()
    vim.press("Right")
    vim.wait_until(lambda: vim.ghost() == REST[1:])
    vim.press("C-Right")
    vim.wait_until(lambda: vim.ghost() == REST.removeprefix("own"))
    vim.press("C-Right")
    vim.wait_until(lambda: vim.ghost() == REST.removeprefix("own fox"))
    assert vim.lines()[-1] == "The quick brown fox"
    vim.press("Tab")
    assert vim.lines()[-1] == FOX


def test_who_types_what_is_suggested_keeps_the_rest_though_the_server_is_silent(vim: Vim) -> None:
    vim.begin()
    os.kill(vim.server(), signal.SIGSTOP)
    try:
        for count in range(1, 6):
            vim.type(REST[count - 1])
            vim.wait_until(lambda count=count: vim.ghost() == REST[count:])
        vim.type("!")
        vim.wait_until(lambda: vim.ghost() == "")
        assert vim.lines()[-1] == f"{BEGUN}{REST[:5]}!"
    finally:
        os.kill(vim.server(), signal.SIGCONT)


def test_other_alternatives_are_distinct_and_come_round(vim: Vim) -> None:
    opened(vim, "imports.py", "import os\n")
    vim.type("import s")
    seen = [vim.wait_for_ghost()]
    while not seen[1:] or seen[-1] != seen[0]:
        vim.press("C-Down")
        seen.append(vim.wait_for_ghost(other_than=seen[-1]))
    assert len(set(seen)) == len(seen) - 1 >= 2
    vim.press("C-Up")
    assert vim.wait_for_ghost(other_than=seen[0]) == seen[-2]
    vim.press("Tab")
    assert vim.lines()[-1] == f"import s{seen[-2]}"


def test_what_is_dismissed_is_gone_and_its_keys_do_what_they_did_before(vim: Vim) -> None:
    vim.begin()
    vim.press("C-]")
    vim.wait_until(lambda: vim.ghost() == "")
    vim.press("Tab")
    assert vim.lines()[-1] == f"{BEGUN}\t"


def test_what_is_dismissed_twice_at_a_place_is_not_shown_there_again(vim: Vim) -> None:
    vim.begin()
    for left in REST, "":
        vim.press("C-]")
        vim.wait_until(lambda: vim.ghost() == "")
        vim.press("BSpace")
        vim.type("r")
        assert vim.settled() == left


def test_what_a_keymap_composes_is_typed_text(vim: Vim) -> None:
    opened(vim, "coffee.txt", "Un café noir, merci.\n" * 3)
    vim.command("setlocal keymap=accents")
    vim.type("AUn caf'e noi")
    vim.wait_until(lambda: vim.ghost() == "r, merci.")
    assert vim.lines()[-1] == "Un café noi"


@pytest.mark.parametrize("buffer", ["", "<buffer> "])
def test_a_key_that_was_mapped_keeps_its_mapping_where_nothing_is_suggested(vim: Vim, buffer: str) -> None:
    vim.command(f"inoremap {buffer}<Tab> mapped")
    vim.begin("A")
    vim.press("Tab")
    assert vim.lines()[-1] == FOX
    vim.command("$")
    vim.type(f"o{BEGUN}")
    vim.wait_for_ghost()
    vim.press("C-]", "Tab")
    assert vim.lines()[-1] == f"{BEGUN}mapped"
    vim.command(f"iunmap {buffer}<Tab>")


def test_what_is_accepted_is_one_change_to_undo_and_to_redo(vim: Vim) -> None:
    vim.begin()
    vim.press("C-Right", "Tab", "Escape")
    assert vim.lines()[-1] == FOX
    for left in (f"{BEGUN}own", BEGUN, ""):
        vim.type("u")
        assert vim.lines()[-1] == left
        assert vim.settled() == ""
    vim.press("C-r", "C-r", "C-r")
    assert vim.lines()[-1] == FOX
    assert vim.settled() == ""


def test_undo_brings_no_ghost_text_back(vim: Vim) -> None:
    vim.begin()
    vim.press("Enter")
    vim.type("x")
    vim.press("Escape")
    vim.type("ddu")
    vim.type("kJu")
    vim.state()
    assert vim.settled() == ""
    vim.type("uu")
    vim.state()
    assert vim.settled() == ""


def test_a_repeated_change_inserts_what_was_accepted_and_suggests_nothing(vim: Vim) -> None:
    vim.begin()
    vim.press("Tab", "Escape")
    vim.type("o-")
    vim.press("Escape")
    vim.type("kA-")
    vim.press("Escape")
    vim.state()
    vim.type("u")
    vim.command("%d")
    before = "The quick brown fox."
    vim.type(f"i{before}\r{BEGUN}")
    accepted = f"{BEGUN}{vim.wait_for_ghost()}"
    vim.press("Tab", "Escape")
    vim.type(".")
    lines = vim.lines()
    assert vim.settled() == ""
    assert lines == [before, f"{accepted[:-1]}{before}", f"{accepted}{accepted[-1]}"]  # put in before the last character


def test_nothing_is_suggested_while_a_macro_is_recorded_or_run(vim: Vim) -> None:
    vim.press("Escape")
    vim.type(f"qqA{BEGUN}")
    assert vim.settled() == ""
    vim.press("Tab", "Escape")
    vim.type("q")
    assert vim.lines()[-1] == f"{BEGUN}\t"
    vim.type("o")
    vim.press("Escape")
    vim.type("@q")
    vim.wait_until(lambda: vim.lines()[-2:] == [f"{BEGUN}\t", f"{BEGUN}\t"])
    assert vim.settled() == ""


def test_pasted_text_arrives_as_it_is(vim: Vim) -> None:
    pasted = f"{BEGUN}\n\tif a:\n{BEGUN}"
    vim.paste(pasted)
    vim.wait_for_ghost()
    assert vim.lines()[3:] == pasted.split("\n")


def test_each_buffer_has_its_own_suggestions(vim: Vim) -> None:
    vim.begin()
    opened(vim, "other.txt", "The quick brick fell down.\n" * 3)
    assert vim.settled() == ""
    vim.type(BEGUN)
    vim.wait_until(lambda: vim.ghost() == "ick fell down.")
    vim.command("write | buffer notes.txt")
    vim.type("A")
    vim.press("BSpace")
    vim.type("r")
    vim.wait_until(lambda: vim.ghost() == REST)


def test_a_completion_menu_stands_alone(vim: Vim) -> None:
    vim.type(f"{FOX} quarter qu")
    vim.wait_for_ghost()
    vim.press("C-n")
    vim.wait_until(lambda: vim.state()["menu"])
    assert vim.settled() == ""
    vim.press("C-n")
    assert vim.state()["menu"]
    assert vim.settled() == ""


def test_nothing_is_suggested_after_a_deletion(vim: Vim) -> None:
    vim.begin()
    vim.press("BSpace")
    vim.wait_until(lambda: vim.ghost() == "")
    vim.type("r")
    vim.wait_until(lambda: vim.ghost() == REST)
    vim.press("Left")
    vim.wait_until(lambda: vim.ghost() == "")


@pytest.mark.parametrize(
    "setting",
    [
        "Elman disable",
        "Elman disable buffer",
        "let g:elman_max_bytes = 9",
        "let g:elman_filetypes = {'text': v:false}",
        "set readonly",
    ],
)
def test_nothing_is_suggested_where_it_is_switched_off(vim: Vim, setting: str) -> None:
    vim.command(setting)
    vim.type(f"A{BEGUN}")
    assert vim.lines()[-1] == BEGUN
    assert vim.settled() == ""
    vim.command("Elman status")
    vim.wait_for("elman: off")
    vim.command(
        "let g:elman_filetypes = {} | let g:elman_max_bytes = 99999 | set noreadonly | Elman enable | Elman enable buffer"
    )
    vim.command("s/br$/b")
    vim.type("Ar")
    vim.wait_until(lambda: vim.ghost() == REST)


def test_the_status_names_the_model(vim: Vim) -> None:
    vim.begin()
    vim.command("Elman status")
    vim.wait_for(PROSE)


def test_a_status_that_is_longer_than_the_line_is_shown_all_the_same(vim: Vim) -> None:
    opened(vim, f"{'long' * 20}.zzz")
    vim.press("Escape")
    vim.command("Elman status")
    vim.wait_for("no model fits")
    assert "null" not in " ".join(vim.rows())


def test_a_server_that_dies_is_started_again_a_few_times_and_typing_goes_on(tmp_path: Path) -> None:
    with Vim(tmp_path, settings="let g:elman_restarts = 2") as vim:
        opened(vim)
        for _ in range(3):
            vim.begin()
            server = vim.server()
            os.kill(server, signal.SIGKILL)
            vim.wait_until(lambda server=server: not is_running(server))
            vim.press("C-u")
            vim.wait_until(lambda: vim.ghost() == "")
        vim.type(BEGUN)
        assert vim.lines()[-1] == BEGUN
        assert vim.ghost() == ""
        vim.command("messages")
        vim.wait_for("ended once more")
        shown = "\n".join(vim.rows())
        assert shown.count("is started again") == 1


def test_a_server_that_dies_behind_the_language_server_is_said_once_and_its_ghost_comes_back_with_it(
    tmp_path: Path, serve: Serve
) -> None:
    process, address = serve(PROSE)
    with Vim(tmp_path, command=[*ELMAN, "--server", address], columns=120) as vim:
        opened(vim)
        vim.begin()
        process.kill()
        process.wait()
        for key in "!?":
            vim.type(key)
            assert vim.settled() == ""
        assert vim.lines()[-1] == f"{BEGUN}!?"
        vim.command("messages")
        vim.wait_for("no completion service at")
        assert "\n".join(vim.rows()).count("elman: nothing is suggested") == 1
        assert is_running(vim.server())
        vim.press("Enter")
        for keys in f"S{BEGUN[:-1]}", BEGUN[-1]:
            vim.type(keys)
            assert vim.settled() == ""
        serve(PROSE, address)
        vim.wait_until(lambda: vim.ghost() == REST)


def test_quitting_leaves_no_process(tmp_path: Path) -> None:
    with Vim(tmp_path) as vim:
        opened(vim)
        vim.begin()
        server = vim.server()
        vim.command("qall!")
        vim.wait_until(lambda: not is_running(server))


def test_a_server_that_is_not_installed_is_said_once(tmp_path: Path) -> None:
    with Vim(tmp_path, command=["elman-is-not-here"]) as vim:
        vim.wait_for("elman-is-not-here is not there")
        opened(vim)
        vim.type(BEGUN)
        assert vim.lines()[-1] == BEGUN
        vim.command("messages")
        assert "\n".join(vim.rows()).count("is not there") <= 1


def test_a_block_insertion_repeats_what_was_accepted_in_each_line(vim: Vim) -> None:
    vim.press("Escape")
    vim.type("ggO-\r-")
    vim.press("Escape", "g", "g", "C-v")
    vim.type("jA")
    vim.type(BEGUN)
    ghost = vim.settled()  # the first that is seen may be an earlier key's
    assert ghost
    accepted = f"-{BEGUN}{ghost}"
    vim.press("Tab", "Escape")
    assert vim.lines()[:2] == [accepted, accepted]


def test_what_is_accepted_is_neither_mapped_nor_abbreviated(vim: Vim) -> None:
    vim.command("iabbrev <buffer> fox FOX")
    vim.command("inoremap <buffer> o 0")
    vim.begin("A")
    vim.press("Tab")
    assert vim.lines()[-1] == FOX


def test_nothing_is_suggested_in_replace_mode_and_in_a_terminal(vim: Vim) -> None:
    vim.press("Escape")
    vim.type(f"R{BEGUN}")
    assert vim.lines()[-1] == BEGUN
    assert vim.settled() == ""
    vim.command("terminal ++curwin cat")
    vim.type(BEGUN)
    vim.wait_for(BEGUN)
    assert vim.ghost() == ""
    vim.press("C-c")
    vim.command("bwipeout!")


def test_what_was_typed_ahead_is_not_mixed_with_an_older_suggestion(vim: Vim) -> None:
    vim.begin()
    vim.type("own\t")
    assert vim.lines()[-1] == FOX
    vim.type(f"\r{BEGUN}")
    vim.wait_until(lambda: vim.ghost() == REST)
    vim.type("x\t")
    assert vim.lines()[-1] == f"{BEGUN}x\t"


def test_positions_count_utf_16_units_in_what_is_put_in_the_place_of_brackets(vim: Vim) -> None:
    opened(vim, "calls.py", 'show("😀", here)\n' * 4)
    vim.command('inoremap <buffer> " ""<Left>')
    vim.type('oshow("😀')
    vim.wait_until(lambda: vim.ghost().startswith('", here'))
    vim.press("Tab")
    assert vim.lines()[-1].startswith('show("😀", here')
    assert '"' not in vim.lines()[-1].removeprefix('show("😀"')


def test_a_tab_in_ghost_text_is_as_wide_as_in_the_text(vim: Vim) -> None:
    opened(vim, "tabs.py", "def same(one):\n\treturn one\n" * 4)
    vim.command("setlocal noautoindent indentexpr=")
    vim.type("Adef same(one):\r")
    assert vim.wait_for_ghost() == vim.rows()[1]
    vim.press("Tab")
    assert vim.lines()[-1].startswith("\treturn")


def test_what_is_suggested_is_said_on_demand(vim: Vim) -> None:
    vim.command("imap <C-g><C-g> <Plug>(elman-say)")
    vim.begin("A")
    vim.press("C-g", "C-g")
    vim.wait_until(lambda: REST in vim.rows()[0])


WIDE = "naïve 😀😀 日本 e\u0301 𝒳𝒴 \tend"
EDITS = [
    *("ggOtop", "Gobottom", "GA more", "ggx", "ggdd", "Gdd", "jp", "kP", "u", "u", "\x12", "3GJ", "3G>>", "2Gyyp", ":2,3m0\r"),
    *(":%s/o/ö/ge\r", ":%s/😀/𝒳!/ge\r", ":%s/$/ +/e\r", "u", "gg5lR😀😀\x1b", "4Gcc日本\x1b", ":sort\r", ":g/q/normal Aß\r"),
    *("ggVGy", "Gp", ":2,$d\r", "u", "\x12", "gg\x16jjI😀\x1b", ":1,3!rev\r", "ggi\r\r\x1b", "ggqaA😀\x1bjq2@a", ":%d\r", "u"),
    *("u", ":earlier 10\r", ":later 4\r", ":silent r notes.txt\r", "gg~~", "3G2x", "gg3.", ":edit! wide.txt\r", "GA again"),
    *("ggO\x16u00e9", "ggdG", "u"),
]


def test_the_server_knows_the_text_whatever_was_edited(tmp_path: Path) -> None:
    log = tmp_path / "told"
    (tmp_path / "notes.txt").write_text(f"{FOX}\n")
    with Vim(tmp_path, command=overheard(ELMAN, log)) as vim:
        opened(vim, "wide.txt", f"{WIDE}\n{FOX}\n{WIDE}\n\n{FOX}\n{WIDE}\n")
        for edit in EDITS:
            vim.press("Escape")
            vim.type(edit)
            vim.press("Escape")
            vim.type("A😀é")
            lines = vim.lines()
            assert lines
            expected = "\n".join([*lines, ""])
            vim.wait_until(lambda expected=expected: texts(log).get("wide.txt") == expected)
