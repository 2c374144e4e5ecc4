"""Ghost text in a real zsh on a real screen, from a real model."""

import os
import select
import signal
from pathlib import Path

import pytest
from person import LINE, WORDS, Person, after
from screen import GHOST, Screen

from elman.sync.client import Client

QUIET = """
zmodload zsh/zselect
quiet() { while [[ -n $_elman_asked ]]; do zselect -r $_elman_fd; _elman_hear $_elman_fd; done; zle -M "nothing is asked" }
zle -N quiet
bindkey '^Xq' quiet
"""


@pytest.fixture
def zsh(person: Person) -> Screen:
    """A zsh whose daemon is there."""
    person.daemon()
    screen = person.shell("zsh", QUIET)
    screen.until(lambda screen: screen.line == ">")
    return screen


def ghost_of(zsh: Screen, line: str = LINE) -> str:
    """Type a line; returns the ghost that is then drawn."""
    zsh.type(line)
    zsh.until(lambda screen: screen.ghost, f"a ghost after {line!r}")
    return zsh.ghost


def test_the_ghost_is_what_the_engine_says_and_right_accepts_all_of_it(zsh: Screen, client: Client) -> None:
    ghost = ghost_of(zsh)
    assert ghost == after(client, LINE).rstrip()
    zsh.press("Right")
    zsh.until(lambda screen: screen.line.startswith(f"> {LINE}{ghost}") and screen.ghost != ghost)
    zsh.press("Enter")
    zsh.until(lambda screen: screen.line == ">")
    assert f"\n{LINE.removeprefix('echo ')}{ghost}" in zsh.text


@pytest.mark.parametrize("key", ["C-f", "C-e", "End"])
def test_other_keys_that_accept(key: str, zsh: Screen) -> None:
    ghost = ghost_of(zsh)
    zsh.press(key)
    zsh.until(lambda screen: screen.line.startswith(f"> {LINE}{ghost}") and screen.ghost != ghost)


def test_alt_f_accepts_a_word_and_the_rest_stays(zsh: Screen) -> None:
    zsh.type("echo the ki")
    zsh.until(lambda screen: screen.ghost.count(" ") >= 1, "a ghost of two words")
    word, _, rest = zsh.ghost.partition(" ")
    zsh.press("M-f")
    zsh.until(lambda screen: screen.ghost.strip().startswith(rest) or screen.ghost.startswith(rest))
    assert zsh.line.startswith(f"> echo the ki{word}")


def test_interrupting_leaves_an_empty_line_and_no_ghost(zsh: Screen) -> None:
    ghost_of(zsh)
    zsh.interrupt()
    assert zsh.text.splitlines()[0] == f"> {LINE}".rstrip()
    zsh.type(":")
    zsh.press("Enter")
    zsh.until(lambda screen: screen.text.endswith("> :\n>"))


@pytest.mark.parametrize("trap", ["TRAPINT() { print mine; return 130 }", "trap 'print mine' INT"])
def test_a_persons_own_trap_is_kept(trap: str, person: Person) -> None:
    person.daemon()
    zsh = person.shell("zsh", before=trap)
    zsh.until(lambda screen: screen.line == ">")
    ghost_of(zsh)
    zsh.press("C-c")
    zsh.until(lambda screen: "mine" in screen.text)


def test_who_types_what_the_ghost_says_keeps_it(zsh: Screen) -> None:
    ghost = ghost_of(zsh)
    zsh.type(ghost[0])
    zsh.until(lambda screen: screen.line.startswith(f"> {LINE}{ghost}") and screen.ghost.startswith(ghost[1:]))


def test_a_ghost_that_is_ignored_is_no_part_of_the_command(zsh: Screen) -> None:
    ghost_of(zsh)
    zsh.press("Enter")
    zsh.until(lambda screen: screen.line == ">")
    assert zsh.text.splitlines()[:2] == [f"> {LINE}".rstrip(), LINE.removeprefix("echo ").rstrip()]


def test_nothing_is_suggested_after_a_deletion_in_the_middle_after_history_or_paste(zsh: Screen, person: Person) -> None:
    ghost_of(zsh)
    zsh.press("BSpace")
    zsh.until(lambda screen: screen.line == f"> {LINE.rstrip()}")
    zsh.press("Space")
    zsh.until(lambda screen: screen.ghost)
    zsh.press("Left")
    zsh.until(lambda screen: screen.line == f"> {LINE.rstrip()}")
    (person.folder / "old").write_text(f"{WORDS}\n")
    zsh.press("C-u")
    zsh.type("fc -R ~/old")
    zsh.press("Enter")
    zsh.until(lambda screen: screen.line == ">")
    ghost_of(zsh, WORDS)  # typed, it has one
    for bring in (lambda: zsh.press("Up"), lambda: zsh.paste(WORDS)):
        zsh.press("C-u")
        zsh.until(lambda screen: screen.line == ">")
        bring()
        zsh.until(lambda screen: screen.line.startswith(f"> {WORDS}"))
        assert stays_bare(zsh)


def stays_bare(zsh: Screen) -> bool:
    """Whether no ghost is drawn once whatever the shell has asked is answered, which it says below its line."""
    zsh.press("C-x", "q")
    zsh.until(lambda screen: "nothing is asked" in screen.text)
    is_bare = not GHOST.search(zsh.styled())
    zsh.press("C-l")
    zsh.until(lambda screen: "nothing is asked" not in screen.text)
    return is_bare


def retype_until_ghost(shell: Screen) -> str:
    """Type the line again and again until the daemon is there; returns the ghost."""
    while not shell.ghost:
        shell.press("C-u")
        shell.until(lambda screen: screen.line == ">")
        shell.type(LINE)
        shell.until(lambda screen: screen.line.startswith(f"> {LINE.rstrip()}"))
    return shell.ghost


def test_a_line_that_begins_with_a_space_is_private(zsh: Screen, person: Person) -> None:
    zsh.type(f" {LINE}")
    zsh.until(lambda screen: screen.line == f">  {LINE.rstrip()}")
    assert stays_bare(zsh)


def test_nothing_is_suggested_beside_a_menu_of_completions(person: Person) -> None:
    person.daemon()
    menu = f"autoload -Uz compinit; compinit -D -u; zstyle ':completion:*' menu select; {QUIET}"
    zsh = person.shell("zsh", menu)
    zsh.until(lambda screen: screen.line == ">")
    zsh.type("touch oldman oldmen")
    zsh.press("Enter")
    zsh.until(lambda screen: screen.line == ">")
    zsh.type("echo the oldm")
    zsh.press("Tab")
    zsh.until(lambda screen: "oldman" in screen.line and "oldmen" in screen.line, "a menu")
    assert not zsh.ghost
    zsh.interrupt()
    assert not GHOST.search(zsh.styled().partition("oldman")[2])


def test_a_line_within_a_command_is_continued_after_those_before(zsh: Screen, client: Client) -> None:
    zsh.type("for word in the old man; do")
    zsh.press("Enter")
    zsh.until(lambda screen: "for>" in screen.line)
    zsh.type(LINE)
    zsh.until(lambda screen: screen.ghost)
    assert zsh.ghost == after(client, f"for word in the old man; do\n{LINE}").rstrip()


def test_it_can_be_turned_off_by_one_setting(zsh: Screen) -> None:
    zsh.type("ELMAN_SHELL=off")
    zsh.press("Enter")
    zsh.until(lambda screen: screen.line == ">")
    zsh.type(LINE)
    zsh.until(lambda screen: screen.line == f"> {LINE}".rstrip())
    assert stays_bare(zsh)


def test_sourced_twice_it_is_there_once(person: Person) -> None:
    person.daemon()
    zsh = person.shell("zsh", 'source =(sed "/^source/d" ~/.zshrc)')
    zsh.until(lambda screen: screen.line == ">")
    ghost = ghost_of(zsh)
    zsh.press("Right")
    zsh.until(lambda screen: screen.line.startswith(f"> {LINE}{ghost}") and screen.ghost != ghost)


def test_commands_of_this_session_are_recalled(zsh: Screen, client: Client) -> None:
    command = ": xylophone quartet zebra"
    zsh.type(command)
    zsh.press("Enter")
    zsh.until(lambda screen: screen.line == ">")
    ghost = ghost_of(zsh, ": xylo")
    assert ghost == after(client, ": xylo", command).rstrip() != after(client, ": xylo").rstrip()
    assert command.startswith(f": xylo{ghost}")


def test_typing_goes_on_when_the_daemon_is_killed_and_with_a_new_one(person: Person) -> None:
    daemon = person.daemon()
    zsh = person.shell("zsh")
    zsh.until(lambda screen: screen.line == ">")
    ghost = ghost_of(zsh)
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    zsh.type("x")
    zsh.until(lambda screen: screen.line.startswith(f"> {LINE}x") and not screen.ghost)
    assert retype_until_ghost(zsh) == ghost
    assert len(zsh.text.splitlines()) == 1  # nothing was said


def test_a_daemon_that_hangs_holds_up_nobody(person: Person) -> None:
    daemon = person.daemon()
    zsh = person.shell("zsh")
    zsh.until(lambda screen: screen.line == ">")
    ghost_of(zsh)
    daemon.send_signal(signal.SIGSTOP)
    zsh.press("C-u")
    for number in range(6):
        zsh.type(f": {number} {'x' * 900}")
        zsh.press("C-u")
        zsh.type(f"echo a{number}")
        zsh.press("Enter")
        zsh.until(lambda screen, number=number: screen.text.endswith(f"\na{number}\n>"))
    zsh.type("echo hangs $_elman_hangs, ${(t)_elman_fd} $_elman_fd")
    zsh.press("Enter")
    zsh.until(lambda screen: "hangs 1, integer 0" in screen.text)  # it is asked no more


def test_a_ghost_comes_with_the_daemon_and_without_another_key(person: Person, client: Client) -> None:
    zsh = person.shell("zsh")
    zsh.until(lambda screen: screen.line == ">")
    assert ghost_of(zsh) == after(client, LINE).rstrip()


def test_without_a_model_a_shell_is_as_it_is_without_elman(person: Person) -> None:
    zsh = person.shell("zsh", model="/nowhere/shell.safetensors")
    for _ in range(3):
        zsh.until(lambda screen: screen.line == ">")
        zsh.type(LINE)
        zsh.until(lambda screen: screen.line == f"> {LINE}".rstrip())
        zsh.press("Enter")
    zsh.until(lambda screen: screen.line == ">")
    assert zsh.text.splitlines() == 3 * [f"> {LINE}".rstrip(), LINE.removeprefix("echo ").rstrip()] + [">"]


def test_a_shell_within_a_shell_and_one_in_its_place_have_ghosts(zsh: Screen) -> None:
    for command in ("zsh", "exec zsh"):
        zsh.type(command)
        zsh.press("Enter")
        zsh.until(lambda screen, command=command: screen.text.endswith(f"> {command}\n>"))
        ghost_of(zsh)
        zsh.press("C-u")
        zsh.until(lambda screen: screen.line == ">")


def test_with_vis_keys_there_is_one_where_text_is_inserted(person: Person) -> None:
    person.daemon()
    zsh = person.shell("zsh", f"bindkey -v; KEYTIMEOUT=1; {QUIET} bindkey -a '^Xq' quiet; bindkey -v '^Xq' quiet")
    zsh.until(lambda screen: screen.line == ">")
    ghost_of(zsh)
    zsh.press("Escape")
    zsh.until(lambda screen: not screen.ghost)
    assert stays_bare(zsh)
    zsh.type("As")
    zsh.until(lambda screen: screen.ghost)
    ghost = zsh.ghost
    zsh.press("Right")
    zsh.until(lambda screen: screen.line.startswith(f"> {LINE}s{ghost}") and screen.ghost != ghost)
    zsh.press("Escape")
    zsh.until(lambda screen: not screen.ghost)
    zsh.type("yyp")
    zsh.until(lambda screen: screen.text.count(LINE.rstrip()) > 1)
    assert stays_bare(zsh)


def test_while_the_history_is_searched_there_is_none(zsh: Screen) -> None:
    ghost_of(zsh)
    zsh.press("C-r")
    zsh.until(lambda screen: "bck-i-search" in screen.text and not GHOST.search(screen.styled()))
    zsh.type("x")
    zsh.until(lambda screen: "bck-i-search: x" in screen.text and not GHOST.search(screen.styled()))
    zsh.press("C-g")
    zsh.until(lambda screen: "bck-i-search" not in screen.text)
    assert stays_bare(zsh)


@pytest.mark.parametrize("prompt", ["PS1=$'two lines\\n%~> '", "RPS1='to the right'"])
def test_prompts_of_two_lines_and_to_the_right_stay_as_they_are(prompt: str, person: Person, client: Client) -> None:
    person.daemon()
    zsh = person.shell("zsh", prompt)
    zsh.until(lambda screen: screen.text)
    first = "\n".join(zsh.text.splitlines()[:-1])
    ghost = ghost_of(zsh)
    assert ghost == after(client, LINE).rstrip()
    assert zsh.text.startswith(first)
    assert zsh.text.count("right") == prompt.count("right")
    zsh.press("Right")
    zsh.until(lambda screen: f"{LINE}{ghost}" in screen.line and screen.ghost != ghost)


def test_wide_and_combining_characters_and_another_width_move_nothing(person: Person, client: Client) -> None:
    person.daemon()
    zsh = person.shell("zsh", "setopt combining_chars")
    zsh.until(lambda screen: screen.line == ">")
    line = f"echo 日本語 e\u0301 🙂 {LINE}"
    ghost = ghost_of(zsh, line)
    assert ghost == after(client, line).rstrip()
    for width in (50, 24, 80):
        zsh.tell(f"resize-window -x {width}")
        zsh.until(lambda screen: "".join(screen.text.split()).endswith("".join(f">{line}{ghost}".split())))
    zsh.press("Right")
    zsh.until(lambda screen: f"{line}{ghost}" in screen.line and screen.ghost != ghost)


@pytest.mark.parametrize("highlighting", [False, True])
@pytest.mark.parametrize("is_first", [False, True])
def test_beside_zsh_autosuggestions_one_ghost_is_shown_and_right_accepts_it(
    is_first: bool, highlighting: bool, person: Person, client: Client
) -> None:
    names = ["zsh-autosuggestions", *(["zsh-syntax-highlighting"] if highlighting else [])]
    scripts = [Path(f"/usr/share/{name}/{name}.zsh") for name in names]
    if not all(script.exists() for script in scripts):
        pytest.skip(f"not installed: {', '.join(names)}")
    others = "".join(f"source {script}\n" for script in scripts)
    person.daemon()
    zsh = person.shell("zsh", *(("", others) if is_first else (others, "")))
    command = "echo the old house stands"
    zsh.until(lambda screen: screen.line == ">")
    zsh.type(command)
    zsh.press("Enter")
    zsh.until(lambda screen: screen.line == ">")
    for line, ghost in (("echo the old", " house stands"), (LINE, after(client, LINE, command).rstrip())):
        zsh.type(line)
        zsh.until(lambda screen, line=line, ghost=ghost: screen.ghost == ghost and screen.line == f"> {line}{ghost}", ghost)
        zsh.press("Right")
        zsh.until(lambda screen, line=line, ghost=ghost: screen.line == f"> {line}{ghost}" and not screen.ghost)
        zsh.press("C-u")
        zsh.until(lambda screen: screen.line == ">")


def test_the_shell_starts_its_daemon_and_none_is_left_when_it_has_ended(person: Person) -> None:
    zsh = person.shell("zsh")
    other = person.shell("zsh")
    for shell in (zsh, other):
        shell.until(lambda screen: screen.line == ">")
        retype_until_ghost(shell)
    daemon = person.listener()
    handle = os.pidfd_open(daemon)
    zsh.press("C-u", "C-d")
    other.type("x")
    other.until(lambda screen: screen.line.startswith(f"> {LINE}x"))
    assert person.listener() == daemon
    os.kill(other.process, signal.SIGKILL)
    assert select.select([handle], [], [], 20)[0]
    os.close(handle)
    assert not person.socket.exists()
    assert not person.daemons()
