"""Suggestions that a key asks for, in a real bash and a real fish."""

import os
import select
import signal

import pytest
from person import LINE, WORDS, Person, after
from screen import GHOST, Screen

from elman.sync.client import Client


@pytest.fixture(params=["bash", "fish"])
def shell(request: pytest.FixtureRequest, person: Person) -> Screen:
    """A shell whose daemon and bridge are there."""
    return ready(person, request.param)


@pytest.fixture
def bash(person: Person) -> Screen:
    """The same of bash, which shows what it suggests."""
    return ready(person, "bash")


def ready(person: Person, name: str) -> Screen:
    """A shell that says when its bridge is there."""
    person.daemon()
    wait = {
        "bash": "until [[ -p /proc/$_elman_bridge/fd/242 ]]; do read -rt 0.01 <> <(:); done",
        "fish": "while not test -p /proc/$__elman_bridge/fd/242; sleep 0.01; end",
    }
    screen = person.shell(name, wait[name])
    screen.until(lambda screen: screen.line == ">")
    return screen


def entered(shell: Screen, line: str) -> None:
    """Enter a command and wait for the next prompt."""
    shell.type(line)
    shell.press("Enter")
    shell.until(lambda screen: screen.line == ">" and line in screen.text)


def test_bash_shows_what_the_engine_says_dim_and_right_accepts_it(bash: Screen, client: Client) -> None:
    bash.type(LINE)
    bash.press("M-g")
    bash.until(lambda screen: screen.ghost)
    ghost = bash.ghost
    assert ghost == after(client, LINE).rstrip()
    bash.press("Right")
    bash.until(lambda screen: screen.line == f"> {LINE}{ghost}" and not screen.ghost)
    bash.press("Enter")
    bash.until(lambda screen: screen.line == ">")
    assert f"\n{LINE.removeprefix('echo ')}{ghost}\n" in bash.text


def test_the_style_in_bash_can_be_chosen_and_one_of_zsh_is_none(bash: Screen) -> None:
    for style, shown in (("90", "90"), ("fg=8", "2")):
        bash.type(f"ELMAN_SHELL_STYLE={style}; clear")
        bash.press("Enter")
        bash.until(lambda screen: screen.text == ">")
        bash.type(LINE)
        bash.press("M-g")
        bash.until(lambda screen: screen.ghost)
        assert f"\x1b[{shown}m{bash.ghost}" in bash.styled()
        bash.press("C-u")


def test_bash_accepts_a_word_and_shows_the_rest(bash: Screen, client: Client) -> None:
    word, space, rest = after(client, WORDS).partition(" ")
    bash.type(WORDS)
    bash.press("M-g")
    bash.until(lambda screen: screen.ghost == f"{word} {rest}".rstrip())
    bash.press("M-f")
    bash.until(lambda screen: screen.ghost == f"{space}{rest}".rstrip())
    assert bash.line == f"> {WORDS}{word} {rest}".rstrip()
    bash.press("M-f")
    bash.until(lambda screen: not screen.ghost)


@pytest.mark.parametrize(("key", "line"), [("x", f"{LINE}x"), ("Left", LINE), ("BSpace", LINE.rstrip()), ("'\"'", f'{LINE}"')])
def test_any_other_key_does_in_bash_what_it_does(key: str, line: str, bash: Screen) -> None:
    bash.type(LINE)
    bash.press("M-g")
    bash.until(lambda screen: screen.ghost)
    bash.press(key)
    bash.until(lambda screen: not screen.ghost and screen.line == f"> {line}".rstrip())
    bash.interrupt()
    entered(bash, "echo still here")


def test_enter_runs_the_line_without_what_is_shown(bash: Screen) -> None:
    bash.type(LINE)
    bash.press("M-g")
    bash.until(lambda screen: screen.ghost)
    bash.press("Enter")
    bash.until(lambda screen: screen.line == ">")
    assert bash.text.splitlines() == [f"> {LINE}".rstrip(), LINE.removeprefix("echo ").rstrip(), ">"]


def test_interrupting_bash_leaves_no_ghost(bash: Screen) -> None:
    for own in ("", "mine"):
        bash.type(LINE)
        bash.press("M-g")
        bash.until(lambda screen: screen.ghost)
        bash.press("C-c")
        bash.until(lambda screen: screen.line == ">")
        assert bash.text.splitlines()[0] == f"> {LINE}{own}".rstrip()
        bash.type("trap 'echo mine' INT; clear")
        bash.press("Enter")
        bash.until(lambda screen: screen.text == ">")


def test_a_line_that_goes_over_the_edge_is_drawn_once(bash: Screen, client: Client) -> None:
    for begin in ("", "日本語 e\u0301 "):
        bash.type(": " + "; " * 30)
        bash.press("Enter")
        for line in (f"echo {begin}{'the old man ' * 6}", f"echo {begin}{'the old man ' * 5}the "):
            bash.press("C-l")
            bash.until(lambda screen: screen.text == ">")
            bash.tell(f"send-keys {'C-j ' * 22}")  # to the last line of the screen
            bash.until(lambda screen: screen.text.count(">") == 23)
            bash.type(line)
            bash.press("M-g")
            bash.until(lambda screen: GHOST.search(screen.styled()))
            ghost = after(client, line, ": " + "; " * 30).rstrip()
            shown = "".join(f"{22 * '>'}>{line}{ghost}".split())
            assert "".join(bash.text.split()) == shown
            bash.press("Left")
            bash.until(lambda screen: not GHOST.search(screen.styled()))
            bash.press("C-e", "M-g")
            bash.until(lambda screen: GHOST.search(screen.styled()))
            bash.press("Right")
            bash.until(lambda screen, shown=shown: "".join(screen.text.split()) == shown and not GHOST.search(screen.styled()))
            bash.press("C-u")


def test_bash_suggests_nothing_within_a_command(bash: Screen, client: Client) -> None:
    assert after(client, LINE).rstrip()
    bash.type("for i in 1; do")
    bash.press("Enter")
    bash.type(LINE)
    bash.press("M-g", "Right", "x")  # which would accept one
    bash.until(lambda screen: screen.line == f"> {LINE}x")


def test_bash_pastes_beside_a_ghost(bash: Screen) -> None:
    bash.type(LINE)
    bash.press("M-g")
    bash.until(lambda screen: screen.ghost)
    bash.paste("and a woman")
    bash.until(lambda screen: screen.line == f"> {LINE}and a woman")


def test_bashs_prompt_stays_as_it_is(bash: Screen) -> None:
    bash.type(r"PS1='two lines\n\[\e[32m\]$?\[\e[m\]> '; set -o vi; false")
    bash.press("Enter")
    bash.until(lambda screen: screen.line == "1>")
    bash.type(LINE)
    bash.press("M-g")
    bash.until(lambda screen: screen.ghost)
    assert bash.line == f"1> {LINE}{bash.ghost}"
    bash.press("Escape")
    bash.until(lambda screen: not screen.ghost)
    bash.type("0iX")
    bash.until(lambda screen: screen.line == f"1> X{LINE}".rstrip())


def test_fish_inserts_what_the_engine_says_and_takes_it_back(person: Person, client: Client) -> None:
    fish = ready(person, "fish")
    fish.type(LINE)
    fish.press("M-g")
    fish.until(lambda screen: screen.line == f"> {LINE}{after(client, LINE)}".rstrip())
    fish.press("C-z")
    fish.until(lambda screen: screen.line == f"> {LINE}".rstrip())


def test_fish_has_the_key_among_vis_keys(person: Person, client: Client) -> None:
    fish = ready(person, "fish")
    keys = "fish_vi_key_bindings"
    fish.type(keys)
    fish.press("Enter")
    fish.until(lambda screen: screen.line.endswith("] >"))  # the mode
    fish.type(LINE)
    fish.press("M-g")
    fish.until(lambda screen: screen.line.endswith(f"> {LINE}{after(client, LINE, keys)}".rstrip()))


def test_fish_inserts_a_word(person: Person, client: Client) -> None:
    fish = ready(person, "fish")
    fish.type(WORDS)
    fish.press("M-G")
    fish.until(lambda screen: screen.line == f"> {WORDS}{after(client, WORDS).split()[0]}")


def test_what_was_entered_is_recalled(shell: Screen, client: Client) -> None:
    command = ": xylophone quartet zebra"
    assert after(client, ": xylo", command).rstrip() != after(client, ": xylo").rstrip()
    entered(shell, command)
    shell.type(": xylo")
    shell.press("M-g", "C-e")
    shell.until(lambda screen: screen.line == f"> : xylo{after(client, ': xylo', command)}".rstrip())


def test_a_line_that_begins_with_a_space_is_private(shell: Screen) -> None:
    shell.type(f" {LINE}")
    shell.press("M-g")
    shell.type("x")
    shell.until(lambda screen: screen.line == f">  {LINE}x")


def test_without_daemon_and_bridge_the_key_does_nothing_and_nothing_is_said(person: Person) -> None:
    for name in ("bash", "fish"):
        shell = ready(person, name)
        for process in (person.listener(), *person.daemons()):
            os.kill(process, signal.SIGKILL)
        shell.type("echo a")
        shell.press("M-g")
        shell.type("b")
        shell.until(lambda screen: screen.line == "> echo ab")
        shell.press("Enter")
        shell.until(lambda screen: screen.text.splitlines() == ["> echo ab", "ab", ">"])


def test_nothing_is_left_when_the_shell_has_ended(shell: Screen, person: Person) -> None:
    shell.type(LINE)
    shell.press("M-g")
    shell.until(lambda screen: len(screen.line) > len(f"> {LINE}"))  # so the daemon need not wait for its first shell
    handles = [os.pidfd_open(process) for process in person.daemons()]
    assert handles
    os.kill(shell.process, signal.SIGKILL)
    for handle in handles:
        assert select.select([handle], [], [], 30)[0]
        os.close(handle)
