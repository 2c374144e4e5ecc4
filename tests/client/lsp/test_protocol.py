"""`elman lsp` as an editor meets it: questions, answers, alternatives, what is not shown, settings, figures."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from tests.client.sample import PYTHON

from elman.languages import PROSE

from .conftest import AUTOMATIC, INVOKED, URI, Editor, Start, items_of, message

TYPED, GHOST = "    print(len(nam", "es)"


async def test_what_is_typed_is_continued(editor: Editor) -> None:
    for character in TYPED:
        editor.type(character)
    (item,) = await editor.items()
    assert item.insert_text == GHOST
    place = types.Position(editor.line, len(TYPED))
    assert item.range == types.Range(place, place)
    assert item.command
    assert item.command.command == "elman.accepted"
    assert list(item.command.arguments or ()) == [URI, GHOST]


async def test_the_custom_request_and_the_menu_tell_the_same_ghost(start: Start) -> None:
    editor = await start(knows_ghosts=False)
    editor.open(PYTHON)
    editor.type(TYPED)
    params = {"textDocument": {"uri": URI}, "position": {"line": editor.line, "character": editor.unit}, "context": {}}
    ghost = (await editor.ask("elman/ghostText", params)).items[0]
    identifier, place = types.TextDocumentIdentifier(URI), types.Position(editor.line, editor.unit)
    context = types.CompletionContext(types.CompletionTriggerKind.Invoked)  # as for typing
    answer = await editor.client.text_document_completion_async(types.CompletionParams(identifier, place, context=context))
    assert isinstance(answer, types.CompletionList)
    (item,) = answer.items
    assert isinstance(item.text_edit, types.TextEdit)
    assert item.text_edit.new_text == ghost.insertText == GHOST
    assert item.filter_text == item.label == f"nam{GHOST}"


async def test_the_menu_is_offered_only_to_editors_that_know_no_ghosts_and_want_it(start: Start) -> None:
    for knows_ghosts, settings, is_offered in (True, None, False), (False, None, True), (False, {"completion": False}, False):
        editor = await start(knows_ghosts=knows_ghosts, settings=settings)
        offered = editor.offered
        assert (offered.completion_provider is not None) == is_offered
        assert offered.inline_completion_provider is not None


@pytest.mark.parametrize(
    ("encodings", "expected"),
    [(["utf-8", "utf-16"], "utf-8"), (["utf-32"], "utf-32"), (["utf-16"], "utf-16"), (None, "utf-16")],
)
async def test_places_are_counted_as_agreed(start: Start, encodings: list[Any] | None, expected: str) -> None:
    editor = await start(general=types.GeneralClientCapabilities(position_encodings=encodings))
    assert editor.offered.position_encoding == expected
    of = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[expected]
    unit = len(TYPED.replace("len", "ł😀n").encode(of)) // {"utf-8": 1, "utf-16": 2, "utf-32": 4}[expected]
    editor.open(PYTHON)
    editor.edit((editor.line, 0), (editor.line, 0), TYPED.replace("len", "ł😀n"))
    assert await editor.items(INVOKED, (editor.line, unit + 1)) == []  # there is no such place
    items = await editor.items(INVOKED, (editor.line, unit))
    assert items
    assert items[0].range
    assert items[0].range.start == types.Position(editor.line, unit)


async def test_alternatives_are_told_on_demand_and_differ(start: Start) -> None:
    editor = await start(settings={"alternatives": 4})
    editor.open(PYTHON)
    editor.type("    p")
    assert len(await editor.ghosts(AUTOMATIC)) == 1
    texts = await editor.ghosts(INVOKED)
    assert 2 <= len(texts) <= 4
    assert len(set(texts)) == len(texts)
    assert texts[0] == (await editor.ghosts(AUTOMATIC))[0]


@pytest.mark.parametrize("begun", ["import ", "    self.", "    foo(", "for name in ", "    n", "", "    return "])
async def test_who_asks_gets_all_alternatives_and_first_what_comes_unasked(editor: Editor, begun: str) -> None:
    editor.type(begun)
    unasked, asked = await editor.ghosts(), await editor.ghosts(INVOKED)
    assert len({text.strip()[0] for text in asked}) == len(asked) == (3 if begun else 1)
    assert asked[: len(unasked)] == unasked
    assert await editor.ghosts() == unasked


async def test_nothing_is_suggested_after_a_deletion_or_an_undo_before_the_next_key(editor: Editor) -> None:
    editor.type(TYPED)
    assert await editor.ghosts() == [GHOST]
    editor.type("x")
    editor.delete()
    assert await editor.ghosts() == []
    assert (await editor.ghosts(INVOKED))[0] == GHOST  # whoever asks is answered
    editor.delete(3)
    editor.type("nam")  # put back at once, as an undo does
    assert await editor.ghosts() == []
    editor.type("e")
    assert await editor.ghosts() == [GHOST[1:]]


async def test_who_types_a_ghost_along_has_undone_nothing_though_it_comes_as_one_edit(editor: Editor) -> None:
    editor.type(f"{TYPED}es")
    editor.delete(4)
    editor.type("a")
    (ghost,) = await editor.ghosts()
    assert ghost.startswith("mes")
    editor.type("mes")  # as Neovim tells it, which asks nothing meanwhile
    assert await editor.ghosts()


async def test_nothing_is_suggested_in_the_middle_of_a_word_unless_that_is_set(start: Start) -> None:
    for inside_words in False, True:
        editor = await start(settings={"insideWords": inside_words})
        editor.open(f"{PYTHON}    print(len(nxx")
        editor.unit -= 2
        editor.type("a")
        assert bool(await editor.ghosts()) == inside_words


async def test_what_the_rest_of_the_line_holds_is_not_shown(editor: Editor) -> None:
    editor.type("    names = Names(Path(sys.ar")
    editor.edit((editor.line, editor.unit), (editor.line, editor.unit), ")")
    editor.type("g")
    assert await editor.ghosts() == ["v[1])"]  # one of the two brackets is there
    editor.edit((editor.line, editor.unit), (editor.line, editor.unit), ")")
    editor.type("v[1]")
    assert await editor.ghosts() == []


async def test_what_was_dismissed_twice_at_a_place_is_not_shown_a_third_time(editor: Editor) -> None:
    editor.type(TYPED)
    params = {"textDocument": {"uri": URI}, "position": {"line": editor.line, "character": editor.unit}, "text": GHOST}
    for _ in range(2):
        assert await editor.ghosts() == [GHOST]
        editor.client.protocol.notify("elman/dismissed", params)
    assert await editor.ghosts() == []
    assert GHOST not in await editor.ghosts(INVOKED)
    editor.edit((0, 0), (0, 0), "# moves the text\n")
    editor.line += 1
    assert await editor.ghosts() == []
    editor.type("e")
    assert await editor.ghosts() == []  # the rest of the same


async def test_what_is_dismissed_and_comes_again_by_the_same_key_is_dismissed_again(editor: Editor) -> None:
    editor.type(TYPED)
    for _ in range(2):
        assert await editor.ghosts() == [GHOST]
        place = {"line": editor.line, "character": editor.unit}
        editor.client.protocol.notify("elman/dismissed", {"textDocument": {"uri": URI}, "position": place, "text": GHOST})
        editor.delete()
        editor.type(TYPED[-1])
    assert await editor.ghosts() == []


async def test_a_selection_in_a_menu_is_left_alone(editor: Editor) -> None:
    editor.type(TYPED)
    question = editor.question()
    place = types.Position(editor.line, editor.unit)
    question.context.selected_completion_info = types.SelectedCompletionInfo(types.Range(place, place), "names")
    assert items_of(await editor.client.text_document_inline_completion_async(question)) == []


async def test_a_document_that_indents_by_tabs_gets_tabs(editor: Editor) -> None:
    text = PYTHON.replace("    ", "\t")
    editor.open(f"{text}\n\nfor name in sys.argv:", uri="file:///texts/tabs.py")
    editor.edit((editor.line, editor.unit), (editor.line, editor.unit), "\n")
    editor.line, editor.unit = editor.line + 1, 0
    for ghost in await editor.ghosts(INVOKED):
        assert ghost.startswith("\t")
        assert "    " not in ghost


async def test_each_kind_of_text_has_its_model_or_none(editor: Editor) -> None:
    assert (await editor.status()).model == "python"
    editor.open("It was the best of tim", uri="file:///texts/tale.txt", language="plaintext")
    assert (await editor.ghosts(INVOKED))[0].startswith("e")
    assert (await editor.status()).model == PROSE
    editor.open("pub fn main() void {", uri="file:///texts/main.zig", language="zig")
    assert await editor.ghosts(INVOKED) == []
    assert (await editor.status()).state == "no model"
    editor.open("TOKEN=", uri="file:///texts/.env", language="python")
    assert await editor.ghosts(INVOKED) == []
    status = await editor.status()
    assert (status.state, status.message) == ("off", ".env is excluded: .env")


async def test_settings_are_asked_for_and_change_at_once(start: Start) -> None:
    changes = types.DidChangeConfigurationClientCapabilities(dynamic_registration=True)
    able = types.WorkspaceClientCapabilities(configuration=True, did_change_configuration=changes)
    editor = await start(workspace=able, settings={"alternatives": 2, "model": PROSE})
    editor.client.set_configuration({"enabled": False}, section="elman")
    editor.open(PYTHON)
    editor.type(TYPED)
    for values, state in ({"enabled": False}, "off"), ({"enabled": True}, "ready"), ({"models": {"*.py": ""}}, "no model"):
        editor.client.set_configuration(values, section="elman")
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        async with asyncio.timeout(60):
            while (await editor.status()).state != state:
                await editor.ghosts(INVOKED)
        assert bool(await editor.ghosts(INVOKED)) == (state == "ready")


async def test_an_editor_that_is_not_asked_tells_its_settings(editor: Editor) -> None:
    editor.type(TYPED)
    assert await editor.ghosts() == [GHOST]
    settings = {"elman": {"languages": {"python": False}}}
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))
    assert await editor.ghosts(INVOKED) == []
    assert (await editor.status()).message == "switched off for python: languages"


async def test_a_wrong_setting_is_told_once_and_the_old_value_stays(start: Start) -> None:
    editor = await start(settings={"alternatives": 99, "alternative": 1, "insideWords": True})
    editor.open(PYTHON)
    editor.type("    p")
    assert len(await editor.ghosts(INVOKED)) > 1
    assert len(editor.shown) == 2
    assert editor.shown[0] == "elman: alternatives: 99 is out of range; allowed: 1 to 16, whole"
    assert editor.shown[1].startswith("elman: alternative: no such setting; allowed: enabled")
    settings = {"elman": {"alternatives": 99}}
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))
    await editor.status()
    assert len(editor.shown) == 2


async def test_figures_are_of_this_session(editor: Editor) -> None:
    for character in TYPED:
        editor.type(character)
    assert await editor.ghosts() == [GHOST]
    editor.type(GHOST)
    command = types.ExecuteCommandParams("elman.accepted", [URI, GHOST])
    await editor.client.workspace_execute_command_async(command)
    params = {"textDocument": {"uri": URI}, "text": "x", "by": "character"}
    editor.type("x")
    editor.client.protocol.notify("elman/accepted", params)
    status = await editor.status()
    assert (status.state, status.model, len(status.modelDigest)) == ("ready", "python", 64)
    assert status.latencyMilliseconds > 0
    assert (status.shown, status.accepted, status.charactersAccepted) == (1, 2, len(GHOST) + 1)
    assert (status.charactersTyped, status.keysSaved) == (len(TYPED), len(GHOST) - 1)
    told: Any = await editor.client.workspace_execute_command_async(types.ExecuteCommandParams("elman.status"))
    assert told["shown"] == 1


async def test_an_accepted_ghost_is_followed_by_the_next(editor: Editor) -> None:
    editor.type(TYPED)
    assert await editor.ghosts() == [GHOST]
    editor.delete(3)
    editor.type("nam")
    command = types.ExecuteCommandParams("elman.accepted", [URI, "nam"])
    await editor.client.workspace_execute_command_async(command)
    assert await editor.ghosts() == [GHOST]


async def test_a_question_about_an_older_text_gets_nothing(editor: Editor) -> None:
    editor.type(TYPED)
    with editor.at_once():
        older = editor.send_question()
        editor.type("e")
    assert await editor.ghosts() == [GHOST[1:]]
    assert items_of(await older) == []
    with editor.at_once():
        older = editor.send_question()
        editor.edit((0, 3), (0, 3), "x")  # elsewhere: the place is still there, but it is another text
    assert items_of(await older) == []
    assert await editor.ghosts() == [GHOST[1:]]


async def test_while_a_long_document_is_read_everything_else_is_answered(start: Start) -> None:
    editor = await start(settings={"contextCharacters": 1 << 24})
    editor.open(f"{PYTHON * 300}{TYPED}")  # all of which is read
    asked = editor.send_question()
    for _ in range(3):
        await editor.status()
    assert not asked.done()
    assert items_of(await asked)[0].insert_text == f"{GHOST})"  # the text says it 300 times


async def test_a_cancelled_question_is_answered_as_cancelled(editor: Editor) -> None:
    with editor.at_once():
        asked = editor.send_question(INVOKED, "mine")
        editor.client.cancel_request(types.CancelParams("mine"))
    with pytest.raises(JsonRpcException, match="cancel"):
        await asked
    editor.type("    p")
    assert await editor.ghosts(INVOKED)


async def test_the_flags_and_the_configuration_file_hold_where_the_editor_says_nothing(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[models]\npython = "{PROSE}"\n')
    monkeypatch.setenv("ELMAN_CONFIG", str(file))
    editor = await start("--model", "shakespeare")
    editor.open(PYTHON)
    assert (await editor.status()).model == PROSE
    editor.open("", uri="file:///a.zig", language="zig")
    assert (await editor.status()).model == "shakespeare"


async def test_what_an_editor_says_no_longer_is_as_the_flags_say(start: Start) -> None:
    able = types.WorkspaceClientCapabilities(configuration=True)
    editor = await start("--model", "shakespeare", workspace=able, settings={"model": "python"})
    editor.open("", uri="file:///a.zig", language="zig")
    assert (await editor.status()).model == "python"
    editor.client.set_configuration({"model": None}, section="elman")
    editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    async with asyncio.timeout(60):
        while (await editor.status()).model != "shakespeare":
            await editor.ghosts(INVOKED)


def test_without_the_engine_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError('no numpy', name='numpy')")
    place = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 1}}
    talk = [
        message("initialize", {"capabilities": {}}, 1),
        message("textDocument/didOpen", {"textDocument": {"uri": URI, "languageId": "python", "version": 1, "text": "i"}}),
        message("elman/ghostText", place, 2),
        message("shutdown", None, 3),
        message("exit", None),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "elman", "lsp"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        input=b"".join(talk),
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"this needs numpy, which is not installed; type: ") == 1


def test_it_imports_what_it_uses_alone() -> None:
    code = "import sys, elman.lsp.server; print({'grpc', 'lsprotocol', 'numpy', 'pygls', 'torch'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"
