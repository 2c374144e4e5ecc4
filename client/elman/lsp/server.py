"""`elman lsp` by pygls: which message means what. Standard output belongs to the protocol alone."""

import asyncio
from typing import Any, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from elman.lsp.engines import EngineHere
from elman.lsp.open_document import OpenDocument
from elman.lsp.open_text import Position
from elman.lsp.preferences import Preferences
from elman.lsp.service import Question, Service

GHOST_TEXT: Final = "elman/ghostText"


class Protocol(LanguageServerProtocol):
    """pygls's, but for the documents, which are kept here."""

    _server: "Server"

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        one = params.text_document
        self._server.service.documents[one.uri] = OpenDocument(
            one.uri, one.language_id, one.version, one.text, self.workspace.position_encoding
        )

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        document = self._server.service.documents.get(params.text_document.uri)
        if document is None:
            return
        for change in params.content_changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                document.change(place_of(change.range.start), place_of(change.range.end), change.text)
            else:
                document.replace(change.text)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self._server.service.documents.pop(params.text_document.uri, None)


class Server(LanguageServer):
    """A language server."""

    def __init__(self, preferences: Preferences) -> None:
        super().__init__("elman", "0.1.0", protocol_cls=Protocol)
        self.service = Service(EngineHere(), preferences)


def place_of(position: types.Position) -> Position:
    return Position(position.line, position.character)


def make_server(preferences: Preferences) -> Server:
    server = Server(preferences)

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline(params: types.InlineCompletionParams) -> types.InlineCompletionList:
        return await ghosts(params)

    @server.feature(GHOST_TEXT)
    async def ghost_text(params: Any) -> types.InlineCompletionList:
        return await ghosts(params)

    async def ghosts(params: Any) -> types.InlineCompletionList:
        service = server.service
        uri = params.text_document.uri if hasattr(params, "text_document") else params.textDocument.uri
        document = service.documents.get(uri)
        if document is None:
            return types.InlineCompletionList([])
        kind = getattr(params.context, "trigger_kind", getattr(params.context, "triggerKind", 2))
        is_asked_for = kind == 1
        position = Position(params.position.line, params.position.character)
        many = service.preferences.alternatives if is_asked_for else 1
        found = await service.ask(Question(document, position, many, is_asked_for))
        here = types.Position(position.line, position.unit)
        items = [
            types.InlineCompletionItem(
                each.text,
                range=types.Range(here, here),
                command=types.Command("accept", "elman.accepted", arguments=[uri, each.text]),
            )
            for each in found
        ]
        return types.InlineCompletionList(items)

    @server.command("elman.accepted")
    def accepted(*arguments: Any) -> None:
        pass

    return server


async def serve(preferences: Preferences) -> None:
    """Until the editor has gone."""
    await asyncio.sleep(0)
