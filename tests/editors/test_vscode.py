"""Ghost text in VS Code: the real editor as `code-server` serves it, in a browser, the real server, a shipped model."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.editors.conftest import Serve
from tests.editors.overheard import messages, overheard
from tests.editors.terminal import BEGUN, FOX, REST, is_running
from tests.editors.vscode import ELMAN, EXTENSION, Code, browsing, chromium, code_server, is_built, wait_until

from elman.languages import PROSE
from elman.lsp.preferences import NAMES, RANGES, Preferences

pytestmark = pytest.mark.timeout(300)  # the editor itself takes its time to start
in_the_editor = pytest.mark.skipif(
    not (code_server() and chromium() and is_built()),
    reason="needs chromium, and code-server: tests/editors/code_server.sh installs it",
)

BEFORE = f"{FOX}\n" * 3 + "\n"
SNIPPET = {"key": "f8", "command": "editor.action.insertSnippet", "args": {"snippet": "${1:place}\n$0!"}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all."""
    with browsing() as one:
        yield one


@pytest.fixture(scope="module")
def one_code(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Code]:
    """One for all tests that leave it and its server alive. What its server is told is written down."""
    folder = tmp_path_factory.mktemp("code")
    with Code(browser, folder, command=overheard(ELMAN, folder / "told"), keys=[SNIPPET]) as code:
        yield code


@pytest.fixture
def code(one_code: Code, request: pytest.FixtureRequest) -> Code:
    """VS Code in a text that says a sentence three times, at the beginning of a line of its own."""
    one_code.open(f"{request.node.name[5:30]}.txt", BEFORE)
    return one_code


def told(code: Code, method: str) -> list[dict[str, object]]:
    """What the language server was told by a method."""
    log = code.folder.parent / "told"
    return [message["params"] for message in messages(log.read_bytes()) if message.get("method") == method]


def show_status(code: Code) -> str:
    """Have it say how things stand, which it asks of its server after all else; return what is said."""
    asked = len(told(code, "elman/status"))
    code.command("Elman: Show Status")
    code.wait_until(lambda: len(told(code, "elman/status")) > asked and code.notes())
    return "\n".join(code.notes())


def begin(code: Code) -> None:
    """Begin the sentence, and wait until its rest is suggested."""
    code.type_anew(BEGUN)
    code.wait_for_ghost(REST)


@in_the_editor
def test_tab_accepts_what_is_shown_after_the_cursor_and_is_not_in_the_text(code: Code) -> None:
    begin(code)
    assert code.last_line() == BEGUN
    code.press("Tab")
    code.wait_until(lambda: code.last_line() == FOX)
    code.wait_until(lambda: told(code, "elman/accepted"))
    accepted = told(code, "elman/accepted")[-1]
    assert (accepted["text"], accepted["by"]) == (REST, "all")


@in_the_editor
def test_a_word_is_accepted_and_the_rest_stays(code: Code) -> None:
    begin(code)
    code.press("Control+ArrowRight")
    code.wait_for_ghost(REST.removeprefix("own"))
    code.wait_until(lambda: code.last_line() == "The quick brown")
    code.wait_until(lambda: (told(code, "elman/accepted") or [{}])[-1].get("by") == "word")
    code.command("Elman: Accept a Character")
    code.wait_for_ghost(REST.removeprefix("own "))
    code.wait_until(lambda: code.last_line() == "The quick brown ")


@in_the_editor
def test_who_types_what_is_suggested_keeps_the_rest_without_a_question(code: Code) -> None:
    begin(code)
    asked = len(told(code, "textDocument/inlineCompletion"))
    for count in range(1, 6):
        code.type(REST[count - 1])
        code.wait_for_ghost(REST[count:])
    assert len(told(code, "textDocument/inlineCompletion")) == asked
    code.type("!")
    code.wait_until(lambda: code.ghost() == "" or not FOX.endswith(code.ghost()))


@in_the_editor
def test_other_alternatives_are_distinct_and_come_round(code: Code) -> None:
    code.open("imports.py", "import os\n")
    code.type_anew("import s")
    seen = [code.wait_for_ghost()]
    while not seen[1:] or seen[-1] != seen[0]:
        code.press("Alt+]")
        code.wait_until(lambda: code.ghost() not in ("", seen[-1]))
        seen.append(code.ghost())
    assert len(set(seen)) == len(seen) - 1 >= 2


@in_the_editor
def test_what_is_dismissed_twice_is_not_shown_a_third_time(code: Code) -> None:
    for _ in range(2):
        begin(code)
        code.press("Escape")
        code.wait_until(lambda: code.ghost() == "")
        code.press("Shift+Home", "Delete")
    dismissed = len(told(code, "elman/dismissed"))
    asked = len(told(code, "textDocument/inlineCompletion"))
    code.type_anew(BEGUN)
    code.wait_until(lambda: len(told(code, "textDocument/inlineCompletion")) > asked)
    assert "keys saved" in show_status(code)
    assert dismissed >= 2
    assert code.ghost() == ""


@in_the_editor
def test_what_was_accepted_is_undone_and_nothing_is_shown_then(code: Code) -> None:
    begin(code)
    code.press("Tab")
    code.wait_until(lambda: code.last_line() == FOX)
    for key, left in ("Control+z", BEGUN), ("Control+y", FOX), ("Control+z", BEGUN):
        code.press(key)
        code.wait_until(lambda left=left: code.last_line() == left)
        show_status(code)
        assert code.ghost() == ""


@in_the_editor
def test_a_paste_is_inserted_whole_and_the_next_key_asks(code: Code) -> None:
    code.type(BEGUN)
    code.press("Shift+Home", "Control+c", "End", "Enter")
    code.wait_until(lambda: code.lines()[4:] == [BEGUN, ""])
    code.press("Control+v")
    code.wait_until(lambda: code.lines()[4:] == [BEGUN, BEGUN])
    code.type_anew("o")
    code.wait_for_ghost(REST[1:])
    assert code.lines()[4:] == [BEGUN, f"{BEGUN}o"]


@in_the_editor
def test_what_an_input_method_composes_is_typed_text(code: Code) -> None:
    code.open("house.txt", "Das schöne Haus.\n" * 3)
    code.type("Das sch")
    code.compose("¨", "ö")
    code.type_anew("ne H")
    code.wait_for_ghost("aus.")
    code.press("Tab")
    code.wait_until(lambda: code.last_line() == "Das schöne Haus.")


@in_the_editor
def test_each_editor_has_suggestions_of_its_own_text(code: Code) -> None:
    begin(code)
    code.open("brick.txt", "The quick brick fell down.\n" * 3)
    assert code.ghost() == ""
    code.type_anew(BEGUN)
    code.wait_for_ghost("ick fell down.")
    code.press("Control+PageUp")
    code.wait_until(lambda: code.last_line() == BEGUN and "brick" not in code.lines()[0])
    code.press("Backspace")
    code.type("r")
    code.wait_for_ghost(REST)


@in_the_editor
def test_nothing_is_asked_in_a_read_only_editor(code: Code) -> None:
    code.open("fox.readonly.txt", BEFORE)
    asked = len(told(code, "textDocument/inlineCompletion"))
    code.type(BEGUN)
    show_status(code)
    assert code.last_line() == ""
    assert code.ghost() == ""
    assert len(told(code, "textDocument/inlineCompletion")) == asked


@in_the_editor
def test_it_is_switched_off_and_on(code: Code) -> None:
    code.command("Elman: Turn Off in This Language")
    code.wait_until(lambda: "off" in code.status())
    code.type(BEGUN)
    code.wait_until(lambda: code.last_line() == BEGUN)
    assert code.ghost() == ""
    code.command("Elman: Turn On in This Language")
    code.wait_until(lambda: PROSE in code.status())
    code.type("o")
    assert FOX.startswith(f"{BEGUN}o{code.wait_for_ghost()}")


@in_the_editor
def test_brackets_that_the_editor_has_closed_are_not_doubled(code: Code) -> None:
    call = 'print(distance("😀", here))'
    code.open("calls.py", f"{call}\n" * 4)
    code.type_anew('print(distance("😀", h')
    code.wait_for_ghost()
    code.press("Tab")
    code.wait_until(lambda: code.last_line() == call)


@in_the_editor
def test_several_cursors_are_left_alone(code: Code) -> None:
    code.press("Shift+Alt+ArrowUp")
    code.wait_until(lambda: "2 selections" in code.bar("status.editor.selection"))
    asked = len(told(code, "textDocument/inlineCompletion"))
    code.type(BEGUN)
    code.wait_until(lambda: code.last_line() == BEGUN)
    show_status(code)
    assert len(told(code, "textDocument/inlineCompletion")) == asked
    assert code.ghost() == ""
    code.press("Escape", "Escape")


@in_the_editor
def test_the_list_of_completions_keeps_its_keys(code: Code) -> None:
    code.type("quarter qu")
    code.press("Control+Space")
    chosen = code.page.wait_for_selector(".suggest-widget.visible .monaco-list-row.focused")
    assert chosen
    word = (chosen.get_attribute("aria-label") or "").split(",")[0].split()[0]
    code.press("Tab")
    code.wait_until(lambda: code.last_line() == f"quarter {word}")


@in_the_editor
def test_tab_accepts_in_a_snippet_what_is_shown_and_goes_to_the_next_place_where_nothing_is(code: Code) -> None:
    code.press("F8")
    code.wait_until(lambda: code.lines()[4:] == ["place", "!"])
    code.type_anew(BEGUN)
    code.wait_for_ghost(REST)
    code.press("Tab")
    code.wait_until(lambda: code.lines()[4:] == [FOX, "!"] and code.ghost() == "")
    code.press("Tab")
    code.type("Stop")
    code.wait_until(lambda: code.lines()[4:] == [FOX, "Stop!"])


@in_the_editor
def test_a_server_that_dies_is_started_again_a_few_times_and_typing_goes_on(browser: Browser, tmp_path: Path) -> None:
    with Code(browser, tmp_path, settings={"elman.restarts": 1}) as code:
        code.open("notes.txt", BEFORE)
        code.type(BEGUN)
        code.wait_for_ghost()
        (server,) = code.servers()
        os.kill(server, signal.SIGKILL)
        code.wait_until(lambda: code.servers() not in ([], [server]) and PROSE in code.status())
        code.type("ox")
        code.press("Enter")
        code.type_until_ghost(BEGUN)
        (server,) = code.servers()
        os.kill(server, signal.SIGKILL)
        code.wait_until(lambda: "failed" in code.status())
        code.type("!")
        code.wait_until(lambda: code.last_line() == f"{BEGUN}!")
        assert code.ghost() == ""
        assert sorted(note for note in code.all_notes() if note.startswith("elman: ")) == [
            "elman: the language server has ended once more, and is not started again",
            "elman: the language server has ended, and is started again",
        ]


@in_the_editor
def test_a_server_that_dies_behind_the_language_server_is_said_once_and_its_ghost_comes_back_with_it(
    browser: Browser, tmp_path: Path, serve: Serve
) -> None:
    process, address = serve(PROSE)
    with Code(browser, tmp_path, command=[*ELMAN, "--server", address]) as code:
        code.open("notes.txt", BEFORE)
        begin(code)
        assert PROSE in code.status()
        process.kill()
        process.wait()
        code.press("Tab", "Enter")
        code.type("!?")  # nothing that was suggested, for that is known without a server
        code.wait_until(lambda: "failed" in code.status())
        code.press("Enter")
        code.type(BEGUN)
        code.wait_until(lambda: code.last_line() == BEGUN)
        assert code.ghost() == ""
        (server,) = code.servers()
        serve(PROSE, address)
        assert REST.startswith(code.wait_for_ghost())
        code.wait_until(lambda: PROSE in code.status())
        assert code.servers() == [server]
        assert sum("elman: nothing is suggested" in note for note in code.all_notes()) == 1  # their list takes the focus


@in_the_editor
def test_a_server_that_is_not_installed_is_said_once_can_be_started_later_and_ends_with_its_editor(
    browser: Browser, tmp_path: Path
) -> None:
    missing = tmp_path / "elman-is-not-here"
    with Code(browser, tmp_path, command=[str(missing)]) as code:
        code.open("notes.txt", BEFORE)
        code.wait_until(lambda: "failed" in code.status())
        code.type(BEGUN)
        code.wait_until(lambda: code.last_line() == BEGUN)
        assert ["elman-is-not-here cannot be started" in note for note in code.all_notes()] == [True]
        missing.write_text(f"#!/bin/sh\nexec {shlex.join(ELMAN)}\n")
        missing.chmod(0o755)
        code.command("Elman: Start the Language Server Again")
        code.wait_until(lambda: PROSE in code.status())
        code.type_until_ghost("o")
        (server,) = code.servers()
    wait_until(lambda: not is_running(server))


def test_settings_are_the_servers_with_its_defaults_and_ranges() -> None:
    properties = json.loads((EXTENSION / "package.json").read_text())["contributes"]["configuration"]["properties"]
    own = {"elman.command", "elman.restarts"}
    expected = {f"elman.{name}": getattr(Preferences(), field) for name, field in NAMES.items() if name != "completion"}
    found = {name: one["default"] for name, one in properties.items() if name not in own}
    assert found == json.loads(json.dumps(expected))
    for field, allowed in RANGES.items():
        one = properties[next(f"elman.{name}" for name, each in NAMES.items() if each == field)]
        assert (one["minimum"], one["maximum"]) == (allowed.least, allowed.most)


@pytest.mark.skipif(not (is_built() and shutil.which("npx")), reason="needs npm, and `npm ci` in editors/vscode")
def test_the_package_is_made_offline_and_holds_what_runs(tmp_path: Path) -> None:
    place = tmp_path / "elman.vsix"
    made = subprocess.run(
        ["npx", "--offline", "vsce", "package", "--out", str(place)], cwd=EXTENSION, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    listed = subprocess.run(["python3", "-m", "zipfile", "-l", str(place)], capture_output=True, text=True, check=True).stdout
    for name in ("extension.js", "lib/ghosts.js", "node_modules/vscode-languageclient/node.js", "readme.md", "LICENSE.txt"):
        assert f"extension/{name}" in listed
