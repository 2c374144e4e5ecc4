"""What must not be: each has a stated outcome, the server goes on, and a person is told at most once."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from tests.client.sample import PYTHON

from elman.lsp.streams import bodies

from .conftest import INVOKED, URI, Editor, framed, items_of, message

TYPED, GHOST = "    print(len(nam", "es)"
FAR = (1 << 31) - 1


async def is_well(editor: Editor) -> bool:
    """Whether a document that is opened now gets what belongs there, and nobody was bothered."""
    editor.open(f"{PYTHON}{TYPED}", uri="file:///texts/other.py")
    return await editor.ghosts() == [GHOST] and not editor.shown


async def test_an_edit_of_an_older_text_stops_suggestions_until_the_text_is_known_again(editor: Editor) -> None:
    editor.edit((editor.line, 0), (editor.line, 0), TYPED, version=7)
    editor.unit = len(TYPED)
    editor.edit((0, 0), (0, 0), "late", version=6)
    assert await editor.ghosts(INVOKED) == []
    editor.edit((0, 0), (0, 0), "", version=9)
    assert await editor.ghosts(INVOKED) == []
    editor.send([types.TextDocumentContentChangeWholeDocument(f"{PYTHON}{TYPED}")], version=12)  # some are skipped
    assert await editor.ghosts(INVOKED) != []
    assert await is_well(editor)


async def test_documents_that_are_closed_twice_or_were_never_open_are_passed_over(editor: Editor) -> None:
    for uri in URI, URI, "file:///texts/never.py":
        closed = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
        editor.client.text_document_did_close(closed)
    for uri in URI, "file:///texts/never.py":
        editor.uri = uri
        editor.type("x")
        assert await editor.ghosts(INVOKED) == []
        editor.client.protocol.notify("elman/accepted", {"textDocument": {"uri": uri}, "text": "x"})
        editor.client.protocol.notify(
            "elman/dismissed", {"textDocument": {"uri": uri}, "text": "x", "position": {"line": 0, "character": 0}}
        )
    assert await is_well(editor)


async def test_places_outside_the_text_get_nothing_and_edits_there_mean_the_nearest(editor: Editor) -> None:
    for place in (999, 0), (0, 999), (editor.line, FAR):
        assert await editor.items(INVOKED, place) == []
    editor.edit((FAR, 0), (FAR, 7), TYPED)  # at the end
    editor.unit = len(TYPED)
    assert await editor.ghosts() == [GHOST]
    editor.edit((editor.line, 999), (editor.line, len(TYPED) - 3), "NAM")  # reversed
    assert await editor.ghosts() != [GHOST]
    editor.edit((editor.line, len(TYPED) - 3), (editor.line, 999), "nam")
    assert await editor.ghosts(INVOKED) != []
    assert await is_well(editor)


@pytest.mark.parametrize("ends", [["\r\n"], ["\r"], ["\r\n", "\n"], ["\n", "\n", "\r\n"]])
async def test_every_kind_of_line_end_gives_the_same_ghost_at_the_same_place(editor: Editor, ends: list[str]) -> None:
    lines = PYTHON.split("\n")
    text = "".join(f"{line}{ends[number % len(ends)]}" for number, line in enumerate(lines[:-1]))
    editor.open(text, uri="file:///texts/ends.py")
    editor.line, editor.unit = len(lines) - 1, 0
    for character in TYPED:
        editor.type(character)
    assert await editor.ghosts() == [GHOST]
    editor.edit((2, 0), (4, 0), "import os\n")
    editor.line -= 1
    editor.type("e")
    assert await editor.ghosts() == [GHOST[1:]]


async def test_lone_surrogates_are_counted_and_read_as_what_cannot_be_read(editor: Editor) -> None:
    editor.edit((0, 3), (0, 3), "\ud83d")
    editor.edit((0, 4), (0, 4), "\ude00\U0001f600")
    for within in 4, 6:
        assert await editor.items(INVOKED, (0, within)) == []
    editor.type(TYPED)
    assert await editor.ghosts() == [GHOST]
    editor.edit((editor.line, editor.unit), (editor.line, editor.unit), "\udc00")
    assert isinstance(await editor.items(INVOKED, (editor.line, editor.unit + 1)), list)
    assert await is_well(editor)


async def test_a_binary_file_and_a_very_long_line_are_texts_like_others(editor: Editor) -> None:
    binary = bytes(random.Random(1).randbytes(100_000)).decode("utf-8", "replace")
    editor.open(binary, uri="file:///texts/image", language="plaintext")
    editor.line, editor.unit = 0, 3
    editor.type("x")
    assert isinstance(await editor.items(INVOKED), list)
    editor.open("x = [" + "1, " * (10_000_000 // 3), uri="file:///texts/long.py")
    editor.line, editor.unit = 0, 5
    for character in "10, ":
        editor.type(character)
    assert isinstance(await editor.items(), list)
    assert await is_well(editor)


async def test_two_hundred_open_documents_are_all_answered_and_few_are_followed(editor: Editor) -> None:
    for number in range(200):
        editor.open(f"{PYTHON}{TYPED}", uri=f"file:///texts/{number}.py")
        assert await editor.ghosts() == [GHOST]
    editor.uri = "file:///texts/0.py"
    editor.version = 1
    editor.type("e")
    assert await editor.ghosts() == [GHOST[1:]]
    assert await is_well(editor)


async def test_a_thousand_edits_in_one_notification_are_one_text(editor: Editor) -> None:
    at = types.Position(0, 0)
    changes: list[Any] = [types.TextDocumentContentChangePartial(types.Range(at, at), f"# {n}\n") for n in range(1000)]
    editor.send([*changes, types.TextDocumentContentChangePartial(types.Range(at, types.Position(1000, 0)), "")])
    editor.type(TYPED)
    assert await editor.ghosts() == [GHOST]


async def test_an_editor_that_cancels_everything_is_answered_each_time(editor: Editor) -> None:
    asked: list[Any] = []
    with editor.at_once():
        for number, character in enumerate(TYPED * 4):
            editor.type(character)
            asked.append(editor.send_question(number=f"n{number}"))
            editor.client.cancel_request(types.CancelParams(f"n{number}"))
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(answer, JsonRpcException) or items_of(answer) == []
    editor.client.cancel_request(types.CancelParams("never asked"))
    assert await is_well(editor)


@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        {},
        {"textDocument": {"uri": 3}, "position": {"line": 0, "character": 0}},
        {"textDocument": {"uri": URI}, "position": {"line": "0", "character": 0}},
        {"textDocument": {"uri": URI}, "position": {"line": 0.5, "character": 0}},
        {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}, "context": 3},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_what_is_wrong(editor: Editor, params: Any) -> None:
    with pytest.raises(JsonRpcException, match=r"(params|textDocument|uri|position|line|context): .* is out of range"):
        await editor.ask("elman/ghostText", params)
    editor.client.protocol.notify("elman/dismissed", params)
    assert await is_well(editor)


async def test_an_unknown_method_is_refused(editor: Editor) -> None:
    with pytest.raises(JsonRpcException, match="Method Not Found"):
        await editor.ask("elman/nothing", {})
    editor.client.protocol.notify("elman/nothing", {})
    with pytest.raises(JsonRpcException):
        await editor.client.workspace_execute_command_async(types.ExecuteCommandParams("elman.nothing"))
    assert await is_well(editor)


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    """A server whose pipes a test holds by hand."""
    command = [sys.executable, "-m", "elman", "lsp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        yield process
        process.kill()


INITIALIZE = message("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)


def test_what_is_no_message_is_passed_over_and_the_rest_is_answered(process: "subprocess.Popen[bytes]") -> None:
    bodies = [b"no JSON", b"[]", b"3", b'{"jsonrpc": "1.0", "id": 3, "method": "shutdown"}', b"[" * 100_000, b"\xff\xfe"]
    broken = b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies)
    header = b"Content-Type: x\r\n\r\n" + b"x" * 200_000 + b"\r\n\r\nContent-Length: -3\r\n\r\n"
    early = message("elman/status", {}, 4)
    talk = early + INITIALIZE + broken + header + message("shutdown", None, 2) + message("elman/status", {}, 5)
    written, noted = process.communicate(talk + message("exit", None), timeout=60)
    answers = {number: b'"id": %d' % number in written for number in (1, 2, 3, 4, 5)}
    assert answers == {1: True, 2: True, 3: False, 4: True, 5: True}
    assert written.count(b"was passed over") == len(bodies)
    assert b"Traceback" not in noted
    assert process.returncode == 0


NUMBERS: list[Any] = ["nobody's", 1, None, []]
CANCELS: list[Any] = [None, {}, {"id": []}, {"id": 99}]


def test_what_makes_no_sense_in_a_message_is_refused_or_passed_over(process: "subprocess.Popen[bytes]") -> None:
    refused: dict[int, tuple[Any, Any]] = {
        2: ("initialize", {}),
        3: ("workspace/executeCommand", {"command": "elman.accepted", "arguments": ["file:///a.py"]}),
        4: ("workspace/executeCommand", {"command": []}),
        5: (["elman/status"], {}),
        6: ("elman/status", 7),
    }
    talk = [
        INITIALIZE,
        message("initialized", {}),
        *(framed({"id": number, "result": 1}) for number in NUMBERS),
        *(message("$/cancelRequest", params) for params in CANCELS),
        *(message(method, params, number) for number, (method, params) in refused.items()),
        message("textDocument/didSave", {}),
        message("elman/status", {}, 7),
        message("shutdown", None, 8),
        message("exit", None),
    ]
    written, noted = process.communicate(b"".join(talk), timeout=60)
    answers = [json.loads(part.partition(b"Content-Length")[0]) for part in written.split(b"\r\n\r\n")[1:]]
    by_number = {answer["id"]: answer for answer in answers if "method" not in answer}
    assert {number for number, answer in by_number.items() if "error" in answer} == refused.keys()
    assert {number for number, answer in by_number.items() if "result" in answer} == {1, 7, 8}
    assert not [answer for answer in answers if answer.get("method") == "window/showMessage"]
    assert (noted, process.returncode) == (b"", 0)


def test_an_editor_that_refuses_what_it_is_asked_gets_suggestions_all_the_same(process: "subprocess.Popen[bytes]") -> None:
    able = {"workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}}}
    assert process.stdin
    assert process.stdout
    process.stdin.write(message("initialize", {"capabilities": able}, 1) + message("initialized", {}))
    process.stdin.flush()
    heard = b""
    while not (b"client/registerCapability" in heard and b"workspace/configuration" in heard):
        heard += os.read(process.stdout.fileno(), 1 << 16)
    place = {"textDocument": {"uri": URI}, "position": {"line": PYTHON.count("\n"), "character": len(TYPED)}}
    talk = [
        *(framed({"id": number, "error": {"code": -32603, "message": "no"}}) for number in (1, 2)),
        message("textDocument/didOpen", {"textDocument": {"uri": URI, "languageId": "python", "text": f"{PYTHON}{TYPED}"}}),
        message("elman/ghostText", place, 7),
    ]
    process.stdin.write(b"".join(talk))
    process.stdin.flush()
    while b'"id": 7' not in heard:
        heard += os.read(process.stdout.fileno(), 1 << 16)
    assert json.dumps(GHOST).encode() in heard
    assert heard.count(b"the editor does not tell") == 2
    assert b"window/showMessage" not in heard


def test_it_ends_with_its_editor(process: "subprocess.Popen[bytes]") -> None:
    process.communicate(INITIALIZE, timeout=60)
    assert process.returncode == 1


@pytest.mark.parametrize("closed", ["2>&- </dev/null", "</dev/null", "<&-", "<&- 2>&-"])
def test_it_ends_where_there_is_nobody_to_read_from(closed: str) -> None:
    command = f'exec "$0" -m elman lsp {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_with_standard_error_closed_the_protocol_is_spoken_alone() -> None:
    code = "import os, sys; from elman.lsp.streams import Output; o = Output.take(); os.write(2, b'stray'); o.write(b'meant')"
    command = 'exec "$0" -c "$1" 2>&-'
    done = subprocess.run(["sh", "-c", command, sys.executable, code], capture_output=True, check=True, timeout=60)
    assert done.stdout == b"meant"


async def test_a_message_that_is_too_long_is_passed_over_and_the_next_is_read() -> None:
    reader = asyncio.StreamReader()
    for body in b"short", b"x" * 100_000, b"next":
        reader.feed_data(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    reader.feed_eof()
    assert [body async for body in bodies(reader, most_bytes=99_999)] == [b"short", b"next"]


def test_it_waits_for_an_editor_that_does_not_read_and_then_answers_all(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin
    assert process.stdout
    pipe = process.stdin.fileno()
    os.set_blocking(pipe, False)
    process.stdin.write(INITIALIZE)
    process.stdin.flush()
    heard = b""
    while b'"id": 1' not in heard:
        heard += os.read(process.stdout.fileno(), 1 << 16)
    question = message("elman/status", {}, 7)
    sent = 0
    while sent < 100_000:  # until both pipes are full
        try:
            assert os.write(pipe, question) == len(question)
        except BlockingIOError:
            break
        sent += 1
    assert 100 < sent < 100_000
    os.set_blocking(pipe, True)
    while heard.count(b'"id": 7') < sent:
        heard += os.read(process.stdout.fileno(), 1 << 16)
    assert heard.count(b'"id": 7') == sent


def test_what_is_printed_goes_to_standard_error() -> None:
    code = "import sys; from elman.lsp.streams import Output; o = Output.take(); print('stray'); o.write(b'meant')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"meant", b"stray\n")
