"""Ghost text in a real Neovim: what stands in the screen's cells, and what the keys take into the buffer."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from tests.editors.nvim_typist import CALL, GROUP, PLUGIN, TEXT, Typist, needs_neovim

pytestmark = needs_neovim

BEFORE = "measure_the_distance"
"""After this, the rest of CALL is suggested."""
REST = CALL.removeprefix(BEFORE).rstrip()


@pytest.fixture(autouse=True)
def text(typist: Typist) -> None:
    """A text to type at the end of."""
    typist.open()


def test_the_ghost_stands_in_the_cells_after_the_cursor(typist: Typist) -> None:
    ghost = typist.type_until_ghost(BEFORE)
    frame = typist.frame
    row, column = frame.cursor
    assert REST.startswith(ghost)
    assert (row, column) == (TEXT.count("\n"), len(BEFORE))
    assert frame.line(row) == BEFORE + ghost
    assert typist.line() == BEFORE  # nothing of it is in the buffer


def test_text_after_the_cursor_makes_room_for_the_ghost(typist: Typist) -> None:
    typist.press("  # later<C-o>0")
    ghost = typist.type_until_ghost(BEFORE)
    frame = typist.frame
    assert frame.line(frame.cursor[0]) == f"{BEFORE}{ghost}  # later"
    typist.press("<Tab>")
    assert typist.line() == f"{BEFORE}{ghost}  # later"


def test_a_bracket_that_was_closed_already_is_not_doubled(typist: Typist) -> None:
    typist.open(text="open_the_window(first)[floor]\n" * 4)
    typist.press("open_the_window()<Left>")
    ghost = typist.type_until_ghost("f")
    frame = typist.frame
    assert frame.line(frame.cursor[0]) == "open_the_window(first)[floor]"
    assert ghost == "irst[floor]"  # around the bracket that is there
    typist.press("<M-f>")
    assert typist.line() == "open_the_window(first)"
    assert typist.ghost() == "[floor]"
    typist.press("<Tab>!")
    assert typist.line() == "open_the_window(first)[floor]!"


def test_wide_characters_before_the_ghost_leave_it_at_the_cursor(typist: Typist) -> None:
    typist.type("日本 = ")
    ghost = typist.type_until_ghost(BEFORE)
    frame = typist.frame
    assert frame.cursor[1] == len("日本 = " + BEFORE) + 2  # two of them take two cells
    typist.press("<Tab>")
    assert typist.line() == f"日本 = {BEFORE}{ghost}"


def test_tab_accepts_all_of_it(typist: Typist) -> None:
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("<Tab>")
    assert typist.line() == BEFORE + ghost


@pytest.mark.parametrize("key", ["<C-Right>", "<M-f>"])
def test_a_key_accepts_a_word_and_the_rest_stays_in_every_frame(typist: Typist, key: str) -> None:
    ghost = typist.type_until_ghost(BEFORE + "(")
    frames = len(typist.screen.frames)
    typist.press(key)
    assert typist.line() == BEFORE + "(from_here"
    assert typist.ghost() == ghost.removeprefix("from_here")
    assert_steady(typist, frames)


def test_a_key_accepts_a_character(typist: Typist) -> None:
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("<M-l>")
    assert typist.line() == BEFORE + ghost[0]
    assert typist.ghost() == ghost[1:]


def test_typing_what_the_ghost_says_keeps_it_in_every_frame_without_a_request(typist: Typist) -> None:
    ghost = typist.type_until_ghost(BEFORE)
    typist.lua("ASKED = 0; vim.api.nvim_create_autocmd('LspRequest', { callback = function() ASKED = ASKED + 1 end })")
    frames = len(typist.screen.frames)
    typist.type(ghost[:-1])
    assert typist.ghost() == ghost[-1]
    assert typist.lua("return ASKED") == 0
    assert_steady(typist, frames)


def test_a_key_that_the_ghost_does_not_say_takes_it_away_at_once(typist: Typist) -> None:
    typist.type_until_ghost(BEFORE)
    frames = len(typist.screen.frames)
    typist.type("!")
    row = typist.frame.cursor[0]
    assert next(frame.line(row) for frame in typist.seen(frames) if "!" in frame.line(row)) == BEFORE + "!"


def test_what_was_typed_ahead_is_never_mixed_with_an_older_ghost(typist: Typist) -> None:
    typist.command("setlocal expandtab shiftwidth=4")
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("?<Tab>x")  # at once: nothing is drawn in between
    assert typist.line().replace(" ", "") == BEFORE + "?x"
    typist.open()
    typist.type(BEFORE)
    assert typist.ghost() == ghost
    typist.press("(<Tab>x")
    assert typist.line() == BEFORE + ghost + "x"


def test_alternatives_are_distinct_and_the_previous_comes_back(typist: Typist) -> None:
    typist.open(text="import os\n")
    first = typist.type_until_ghost("import s")
    typist.press("<M-]>")
    second = typist.ghost()
    typist.press("<M-[>")
    assert typist.ghost() == first
    assert second not in {first, ""}
    typist.press("<M-]><Tab>")
    assert typist.line() == "import s" + second


def test_a_dismissed_ghost_goes_and_tab_is_tab_again(typist: Typist) -> None:
    typist.type_until_ghost(BEFORE)
    typist.press("<C-]>")
    assert typist.ghost() == ""
    typist.press("<Tab>")
    assert typist.line() == BEFORE + "\t" or typist.line().rstrip() == BEFORE


def test_what_was_dismissed_twice_at_a_place_is_not_shown_there_again(typist: Typist) -> None:
    ghost = typist.type_until_ghost(BEFORE)
    for times in (1, 2):
        typist.press("<C-]>")
        assert typist.ghost() == ""
        typist.lua("require('elman').ask()")
        assert (typist.ghost() == ghost) == (times == 1)


def test_what_was_accepted_is_undone_in_one_step_and_nothing_is_suggested_until_the_next_key(typist: Typist) -> None:
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("<Tab> # and more<Esc>u")
    assert typist.line() == BEFORE
    typist.press("<C-r>")
    assert typist.line() == BEFORE + ghost + " # and more"
    typist.press("uA")
    assert typist.ghost() == ""
    typist.press("<C-o>:silent undo<CR>")  # silent: Neovim stops for what is said here
    assert typist.ghost() == ""
    assert typist.lines() == [*TEXT.splitlines(), ""]


def test_a_dot_repeats_what_was_typed_with_what_was_accepted(typist: Typist) -> None:
    typist.press("<Esc>o")
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("<Tab> # more<Esc>.")
    assert typist.lines()[-2:] == [BEFORE + ghost + " # more"] * 2


def test_an_accepted_text_is_inserted_as_it_is_shown_whatever_the_options(typist: Typist) -> None:
    typist.command("setlocal textwidth=24 formatoptions+=t cindent cinkeys+=0) | iabbrev from_here there")
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("<Tab><Esc>")
    assert typist.lines()[-1] == BEFORE + ghost


def test_a_paste_is_inserted_whole_and_the_ghost_is_of_the_text_with_it(typist: Typist) -> None:
    typist.type_until_ghost(BEFORE)
    typist.call("nvim_paste", "\n" + CALL + BEFORE + "(", False, -1)
    ghost = typist.ghost()
    assert typist.lines()[-2:] == [CALL.rstrip(), BEFORE + "("]
    typist.press("<Tab>")
    assert typist.line() == BEFORE + "(" + ghost


def test_a_ghost_goes_with_insert_mode_and_with_the_cursor(typist: Typist) -> None:
    for keys in ("<Esc>", "<Left>", "<Up>", "<C-o>", "<C-o>v"):
        typist.open()
        typist.type_until_ghost(BEFORE)
        typist.press(keys)
        assert ghost_cells(typist) == "", keys


def test_a_plugin_folder_is_all_that_an_installation_needs(tmp_path: Path) -> None:
    shutil.copytree(PLUGIN, tmp_path / "site" / "pack" / "any" / "start" / "elman")
    with Typist(tmp_path, place=f"packpath^={tmp_path / 'site'}") as typist:
        typist.open()
        typist.type_until_ghost(BEFORE)
        typist.press("<Esc>")
        typist.command("Elman disable | helptags ALL | help elman")
        assert "elman.txt" in typist.call("nvim_buf_get_name", 0)
        assert typist.call("nvim_win_get_cursor", 0)[0] < 5


def ghost_cells(typist: Typist) -> str:
    """All that is shown of ghosts, in any row."""
    frame = typist.settle()
    return "".join(frame.shown(GROUP, row) for row in range(len(frame.rows)))


def assert_steady(typist: Typist, since: int) -> None:
    """Each frame shows the same text in the cursor's row, typed or not, and ever less of it is ghost."""
    row = typist.frame.cursor[0]
    frames = list(typist.seen(since))
    assert len({frame.line(row) for frame in frames}) == 1, [frame.line(row) for frame in frames]
    assert all(len(one.shown(GROUP, row)) >= len(next_.shown(GROUP, row)) for one, next_ in pairwise(frames))
