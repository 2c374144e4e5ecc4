"""How the plugin lives beside all else in a real Neovim: other mappings, menus, modes, buffers, and its own commands."""

import pytest
from tests.editors.neovim import NeovimError
from tests.editors.nvim_typist import GROUP, TEXT, Typist, command_of, needs_neovim

pytestmark = needs_neovim

BEFORE = "measure_the_distance"


@pytest.fixture(autouse=True)
def text(typist: Typist) -> None:
    """A text to type at the end of."""
    typist.open()


MAPPINGS = {
    "global": "vim.keymap.set('i', '<Tab>', 'global')",
    "buffer": "vim.keymap.set('i', '<Tab>', 'buffer', { buffer = true })",
    "call": "vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({ 'call' }, 'c', false, true) end, { buffer = true })",
    "expression": "vim.keymap.set('i', '<Tab>', function() return 'expression' end, { expr = true, buffer = true })",
    "again": "vim.cmd('inoremap <buffer> <Plug>(x) again'); vim.cmd('imap <buffer> <Tab> <Plug>(x)')",
}
"""Each inserts its name."""


@pytest.mark.parametrize("kind", MAPPINGS)
def test_tab_does_what_it_did_before_wherever_no_ghost_is(typist: Typist, kind: str) -> None:
    typist.lua("BUILT_IN = vim.fn.maparg('<Tab>', 'i', false, true);" + MAPPINGS[kind])
    typist.press("<Tab>")
    assert typist.line() == kind
    typist.press("<C-u>")
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("<Tab>")
    assert typist.line() == BEFORE + ghost
    typist.press("<CR>?<Tab>")
    assert typist.line() == "?" + kind
    typist.lua("vim.fn.mapset('i', false, BUILT_IN)")


def test_a_ghost_has_a_colour_of_its_own_where_a_terminal_has_no_true_ones(typist: Typist) -> None:
    def colour() -> object:
        return typist.lua(f"return vim.api.nvim_get_hl(0, {{ name = '{GROUP}', link = false }}).ctermfg or 'none'")

    for scheme in "default", "habamax", "default":
        typist.command(f"colorscheme {scheme}")
        assert colour() != "none"
    typist.command(f"autocmd ColorScheme * highlight {GROUP} ctermfg=5 guifg=#808080")
    typist.command("colorscheme default")
    assert colour() == 5
    typist.command("autocmd! ColorScheme *")


def test_a_mapping_that_is_made_while_a_ghost_is_visible_stays(typist: Typist) -> None:
    typist.type_until_ghost(BEFORE)
    typist.lua("vim.keymap.set('i', '<Tab>', 'mine', { buffer = true })")
    typist.press("<C-]><Tab>")
    assert typist.line() == BEFORE + "mine"


def test_tab_jumps_in_a_snippet_and_accepts_a_ghost_in_it(typist: Typist) -> None:
    typist.lua("vim.snippet.expand('let ${1:name} = ${2:value};')")
    typist.mode("s")
    assert typist.ghost() == ""
    typist.press("x<Tab>")
    typist.mode("s")
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("<Tab>")
    assert typist.line() == f"let x = {BEFORE}{ghost};"
    typist.lua("vim.snippet.stop()")


def test_an_open_menu_hides_the_ghost_and_keeps_its_keys(typist: Typist) -> None:
    typist.type_until_ghost(BEFORE)
    typist.command("set completeopt=menuone,noinsert")
    typist.press("<C-x><C-n>")
    typist.settle()
    assert typist.call("nvim_call_function", "pumvisible", []) == 1
    assert typist.ghost() == ""
    typist.press("<C-e>")
    typist.wait(lambda frame: frame.shown(GROUP, frame.cursor[0]) != "", "the ghost, once the menu is closed")


def test_a_menu_that_a_plugin_draws_hides_the_ghost_until_it_closes(typist: Typist) -> None:
    typist.lua("IS_OPEN = false; package.loaded['blink.cmp'] = { is_visible = function() return IS_OPEN end }")
    ghost = typist.type_until_ghost(BEFORE)
    typist.lua("IS_OPEN = true; vim.api.nvim_exec_autocmds('User', { pattern = 'BlinkCmpMenuOpen' })")
    assert typist.ghost() == ""
    typist.type(ghost[0])
    assert typist.ghost() == ""
    typist.lua("IS_OPEN = false; vim.api.nvim_exec_autocmds('User', { pattern = 'BlinkCmpMenuClose' })")
    typist.wait(lambda frame: frame.shown(GROUP, frame.cursor[0]) == ghost[1:], "the ghost, once the menu is closed")
    typist.lua("package.loaded['blink.cmp'] = nil")


@pytest.mark.parametrize("keys", ["R", "gR"])
def test_what_replaces_has_no_ghost(typist: Typist, keys: str) -> None:
    typist.press(f"x<Esc>{keys}")
    typist.type(BEFORE)
    assert typist.ghost() == ""


def test_a_macro_is_recorded_without_ghosts_and_does_the_same_wherever_it_is_replayed(typist: Typist) -> None:
    typist.press("<Esc>qqo")
    typist.type(BEFORE)
    assert typist.ghost() == ""
    typist.press("<Tab>!<Esc>q@q")
    assert typist.lines()[-2] == typist.lines()[-1]
    assert typist.lines()[-1].startswith(BEFORE)
    assert "from_here" not in typist.lines()[-1]


def test_a_block_insertion_repeats_what_was_accepted_in_each_line(typist: Typist) -> None:
    typist.press("# 1<CR># 2<Esc>k0<C-v>jI")
    ghost = typist.type_until_ghost(BEFORE)
    typist.press("<Tab><Esc>")
    assert typist.lines()[-2:] == [f"{BEFORE}{ghost}# 1", f"{BEFORE}{ghost}# 2"]


def test_each_buffer_has_ghosts_of_its_own_text(typist: Typist) -> None:
    typist.type_until_ghost(BEFORE)
    (typist.folder / "other.py").write_text("open_the_window(first_floor)\n" * 4)
    typist.press("<Esc>")
    typist.command("silent edit other.py")
    assert typist.ghost() == ""
    typist.attached()
    typist.press("Go")
    assert typist.type_until_ghost("open_the_window") in "(first_floor)"
    typist.press("<Esc>")
    typist.command("silent! buffer! measure.py")
    typist.press("S")
    assert typist.type_until_ghost(BEFORE).startswith("(from_here")


def test_a_ghost_goes_with_its_window(typist: Typist) -> None:
    typist.type_until_ghost(BEFORE)
    typist.command("new")
    frame = typist.settle()
    assert not any(frame.shown(GROUP, row) for row in range(len(frame.rows)))
    typist.command("bwipeout!")


@pytest.mark.parametrize("setting", ["nomodifiable", "readonly", "buftype=nofile", "buftype=prompt", "buftype=quickfix"])
def test_a_read_only_or_special_buffer_is_never_sent(typist: Typist, setting: str) -> None:
    typist.press("<Esc>")
    typist.command(f"silent enew | setlocal {setting} | doautocmd BufEnter")
    typist.settle()
    assert not typist.is_known()
    if setting in {"readonly", "buftype=nofile"}:
        typist.press("i")
        typist.type(BEFORE)
        assert typist.ghost() == ""


def test_a_terminal_has_no_ghost(typist: Typist) -> None:
    typist.press("<Esc>")
    typist.command("terminal cat")
    typist.press("i")
    typist.type(BEFORE)
    assert typist.ghost() == ""
    assert not typist.is_known()
    typist.press("<C-\\><C-n>")
    typist.command("bwipeout!")


def test_a_buffer_that_became_read_only_has_no_ghost(typist: Typist) -> None:
    typist.command("setlocal readonly")
    typist.type(BEFORE)
    assert typist.ghost() == ""


def test_buffers_without_a_name_have_ghosts_of_their_own_text(typist: Typist) -> None:
    names = {"one": "open_the_window(first_floor)", "two": "close_the_door(second_floor)"}
    for text in names.values():
        typist.press("<C-\\><C-n>")
        typist.command("silent enew | setfiletype python | setlocal noautoindent indentexpr=")
        typist.call("nvim_buf_set_lines", 0, 0, -1, True, [text] * 4)
        typist.attached()
        before, rest = text.split("(")
        typist.press("Go")
        assert typist.type_until_ghost(before) in "(" + rest
    typist.press("<C-\\><C-n>")
    typist.command("silent bprevious")
    typist.attached()
    typist.press("Go")
    assert typist.type_until_ghost("open_the_window") in "(first_floor)"


def test_a_buffer_that_gets_a_name_and_another_type_goes_on(typist: Typist) -> None:
    typist.press("<C-\\><C-n>")
    typist.command("silent enew | setlocal noautoindent")
    typist.call("nvim_buf_set_lines", 0, 0, -1, True, TEXT.splitlines())
    typist.command(f"silent write! {typist.folder}/named.py")
    typist.command("filetype detect | setlocal noautoindent indentexpr=")
    typist.attached()
    typist.press("Go")
    assert typist.type_until_ghost(BEFORE)


def test_a_buffer_beyond_max_bytes_is_not_sent(typist: Typist) -> None:
    typist.lua("require('elman').setup({ cmd = LSP, max_bytes = 100 })")
    typist.press("<Esc>")
    typist.command("silent %bwipeout! | silent edit measure.py")
    typist.settle()
    assert not typist.is_known()
    typist.lua("require('elman').setup({ cmd = LSP })")


def test_one_command_turns_it_off_and_on(typist: Typist) -> None:
    process = typist.server_process()
    typist.command("Elman disable")
    typist.type(BEFORE)
    assert typist.ghost() == ""
    typist.lua("local it = ...; return vim.wait(9000, function() return vim.uv.kill(it, 0) ~= 0 end, 5)", process)
    assert command_of(process) == ""
    typist.command("Elman enable")
    typist.attached()
    assert typist.type_until_ghost("(")
    typist.command("Elman toggle")
    assert typist.ghost() == ""
    typist.command("Elman toggle")


def test_one_command_turns_it_off_in_a_buffer(typist: Typist) -> None:
    typist.command("Elman buffer disable")
    typist.type(BEFORE)
    assert typist.ghost() == ""
    typist.command("Elman buffer")
    typist.attached()
    assert typist.type_until_ghost("(")


def test_a_file_type_can_be_left_out(typist: Typist) -> None:
    typist.lua("require('elman').setup({ cmd = LSP, filetypes = { python = false } })")
    typist.type(BEFORE)
    assert typist.ghost() == ""
    typist.lua("require('elman').setup({ cmd = LSP, filetypes = { ['*'] = false, python = true } })")
    assert typist.type_until_ghost("(")
    typist.lua("require('elman').setup({ cmd = LSP })")


def test_the_status_says_why_there_is_no_model(typist: Typist) -> None:
    typist.open("a.zzz")
    typist.press("<Esc>")
    frames = len(typist.screen.frames)
    typist.command("Elman status")
    typist.wait(lambda frame: frame.line(-1).startswith("elman: no model: no model fits a.zzz"), "the reason", frames)


def test_the_ghost_is_said_on_demand_alone(typist: Typist) -> None:
    typist.command("messages clear")
    ghost = typist.type_until_ghost(BEFORE)
    assert typist.messages() == ""
    typist.command("inoremap <M-s> <Cmd>Elman say<CR>")
    frames = len(typist.screen.frames)
    typist.press("<M-s>")
    typist.wait(lambda frame: ghost in frame.line(-1), "the ghost in the last row", frames)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("{ cmds = {} }", "cmds"),
        ("{ menu = 'beside' }", "menu"),
        ("{ keys = { acept = '<Tab>' } }", "keys.acept"),
        ("{ keys = { accept = 1 } }", "keys.accept"),
        ("{ max_bytes = -1 }", "max_bytes"),
    ],
)
def test_a_wrong_option_is_named_and_the_old_ones_stay(typist: Typist, options: str, named: str) -> None:
    with pytest.raises(NeovimError, match=named):
        typist.lua(f"require('elman').setup({options})")
    assert typist.type_until_ghost(BEFORE)


def test_its_health_is_good(typist: Typist) -> None:
    typist.press("<Esc>")
    typist.command("checkhealth elman")
    report = "\n".join(typist.lines())
    assert "the language server is ready" in report
    assert "ERROR" not in report
    typist.command("bwipeout!")
