"""An editor that speaks to the real `elman lsp`, in a process of its own with the models that come with elman."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient
from tests.client.sample import PYTHON

URI = "file:///texts/names.py"
KNOWS_GHOSTS = types.TextDocumentClientCapabilities(inline_completion=types.InlineCompletionClientCapabilities())
INVOKED, AUTOMATIC = types.InlineCompletionTriggerKind

Position: TypeAlias = tuple[int, int]


class Held:
    """Takes what is written, and sends nothing."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        """Nothing is open."""


class Editor:
    """One document after another, each with a cursor, in UTF-16 units."""

    def __init__(self, client: LanguageClient, offered: types.ServerCapabilities) -> None:
        self.client, self.offered = client, offered
        self.line = self.unit = 0
        self.uri, self.version = URI, 1
        self.statuses: asyncio.Queue[Any] = asyncio.Queue()
        """What the server told of how things stand, unasked."""

        def note_status(status: Any) -> None:
            self.statuses.put_nowait(status)

        client.feature("$/elman/status")(note_status)

    @property
    def shown(self) -> list[str]:
        """What the person was told."""
        return [each.message for each in self.client.messages]

    @property
    def logged(self) -> list[str]:
        """What was noted."""
        return [each.message for each in self.client.log_messages]

    @contextmanager
    def at_once(self) -> Generator[None]:
        """Have the server read all that is sent meanwhile before it answers any of it."""
        protocol = self.client.protocol
        writer, held = protocol.writer, Held()
        assert writer
        protocol.set_writer(held)
        try:
            yield
        finally:
            protocol.set_writer(writer)
            writer.write(held.data)

    def open(self, text: str, uri: str = URI, language: str = "python") -> None:
        """Open a document, with the cursor at its end."""
        self.uri, self.version = uri, 1
        self.go_to_end(text)
        item = types.TextDocumentItem(uri, language, self.version, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def go_to_end(self, text: str) -> None:
        lines = text.replace("\r\n", "\n").split("\n")
        self.line, self.unit = len(lines) - 1, len(lines[-1].encode("utf-16-le", "surrogatepass")) // 2

    def type(self, text: str) -> None:
        """Put text without a line's end at the cursor."""
        self.edit((self.line, self.unit), (self.line, self.unit), text)
        self.unit += len(text.encode("utf-16-le", "surrogatepass")) // 2

    def delete(self, units: int = 1) -> None:
        """Delete what is before the cursor."""
        self.unit -= units
        self.edit((self.line, self.unit), (self.line, self.unit + units), "")

    def edit(self, start: Position, end: Position, text: str, version: int | None = None) -> None:
        """Put text in place of what lies between two positions; the cursor stays."""
        self.send([types.TextDocumentContentChangePartial(types.Range(position(start), position(end)), text)], version)

    def send(self, changes: list[Any], version: int | None = None) -> None:
        """Tell of changes."""
        self.version = self.version + 1 if version is None else version
        identifier = types.VersionedTextDocumentIdentifier(self.version, self.uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, changes))

    async def ghosts(self, trigger: types.InlineCompletionTriggerKind = AUTOMATIC) -> list[str]:
        """What is suggested at the cursor."""
        return [str(item.insert_text) for item in await self.items(trigger)]

    async def items(
        self, trigger: types.InlineCompletionTriggerKind = AUTOMATIC, at: Position | None = None
    ) -> list[types.InlineCompletionItem]:
        return items_of(await self.client.text_document_inline_completion_async(self.question(trigger, at)))

    def question(
        self, trigger: types.InlineCompletionTriggerKind = AUTOMATIC, at: Position | None = None
    ) -> types.InlineCompletionParams:
        """The question about the cursor, or another place."""
        place = position(at or (self.line, self.unit))
        identifier = types.TextDocumentIdentifier(self.uri)
        return types.InlineCompletionParams(types.InlineCompletionContext(trigger), identifier, place)

    def send_question(
        self, trigger: types.InlineCompletionTriggerKind = AUTOMATIC, number: str | None = None
    ) -> "asyncio.Future[Any]":
        """Ask what is suggested at the cursor, and wait for nothing."""
        asked = self.client.protocol.send_request("textDocument/inlineCompletion", self.question(trigger), msg_id=number)
        return asyncio.wrap_future(asked)

    async def ask(self, method: str, params: Any = None) -> Any:
        """The result of another request."""
        return await self.client.protocol.send_request_async(method, params)

    async def status(self) -> Any:
        """What elman/status says."""
        return await self.ask("elman/status", {"textDocument": {"uri": self.uri}})


def position(one: Position) -> types.Position:
    return types.Position(*one)


def items_of(answer: Any) -> list[types.InlineCompletionItem]:
    return list(answer.items)


def message(method: Any, params: Any, number: int | None = None) -> bytes:
    """One as it is written, with its header."""
    return framed({"method": method, "params": params} | ({"id": number} if number else {}))


def framed(message: dict[str, Any]) -> bytes:
    """The same of whatever stands in it."""
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


Start: TypeAlias = Callable[..., Awaitable[Editor]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts the server for an editor, with flags, and with what the editor says at the start."""
    clients: list[LanguageClient] = []

    async def start(*flags: str, knows_ghosts: bool = True, settings: Any = None, **capabilities: Any) -> Editor:
        command = [sys.executable, "-m", "elman", "lsp", *flags]
        client = await ClientServerConfig(server_command=command).start()
        assert isinstance(client, LanguageClient)
        clients.append(client)
        able = types.ClientCapabilities(text_document=KNOWS_GHOSTS if knows_ghosts else None, **capabilities)
        begun = await client.initialize_session(types.InitializeParams(able, initialization_options=settings))
        return Editor(client, begun.capabilities)

    yield start
    for client in clients:
        if client.error is None:
            await client.shutdown_session()
        await client.stop()


@pytest.fixture
async def editor(start: Start) -> Editor:
    """An editor that knows ghosts, with a Python file."""
    editor = await start()
    editor.open(PYTHON)
    return editor
