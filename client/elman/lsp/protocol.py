"""pygls's protocol, but for what comes with every key, which is taken as JSON, and for the documents, which are the service's.

One message after another is handled where it arrives; only questions wait, each in a task.
"""

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcInvalidRequest, JsonRpcServerNotInitialized
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    lsp_method,
)

from elman.errors import MendRequest
from elman.lsp import messages

if TYPE_CHECKING:
    from elman.lsp.server import Server

GHOST_TEXT: Final = "elman/ghostText"
STATUS: Final = "elman/status"
ACCEPTED: Final = "elman/accepted"
DISMISSED: Final = "elman/dismissed"

QUESTIONS: Final = (types.TEXT_DOCUMENT_INLINE_COMPLETION, types.TEXT_DOCUMENT_COMPLETION, GHOST_TEXT)
PLAIN: Final = (
    *QUESTIONS,
    *(types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_CLOSE),
    *(types.WORKSPACE_DID_CHANGE_CONFIGURATION, STATUS, ACCEPTED, DISMISSED),
)
"""The methods whose parameters are taken as JSON."""

VERSION: Final = "2.0"


class Protocol(LanguageServerProtocol):
    """One editor's."""

    _server: "Server"

    def take(self, body: bytes) -> None:
        """Handle a message. What cannot be understood is refused if it is a request, and noted otherwise."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return self._server.log("a message that is no JSON was passed over")
        if not isinstance(data, dict) or data.get("jsonrpc") != VERSION:  # pyright: ignore[reportUnknownMemberType]
            return self._server.log("a message that is no JSON-RPC 2.0 was passed over")
        try:
            self._check_order(data)
            self.handle_message(self.structure_message(data))
        except (JsonRpcException, MendRequest, KeyError, TypeError) as error:
            self._refuse(data, error)
        return None

    def _check_order(self, data: dict[str, Any]) -> None:
        """Raise what the protocol has for a request before the start or after the end."""
        if "method" not in data or data["method"] in (types.INITIALIZE, types.EXIT):
            return
        if self._workspace is None:
            raise JsonRpcServerNotInitialized
        if self._shutdown:
            raise JsonRpcInvalidRequest

    def _refuse(self, data: dict[str, Any], error: Exception) -> None:
        meant = error if isinstance(error, JsonRpcException) else JsonRpcInvalidParams(str(error))
        if "method" in data and "id" in data:
            self._send_response(data["id"], error=meant.to_response_error())
        else:
            self._server.log(f"{data.get('method', 'a response')} was passed over: {meant.message}")

    def structure_message(self, data: dict[str, Any]) -> Any:
        """What a message is, as pygls handles it."""
        method, params = data.get("method"), data.get("params")
        if method in QUESTIONS:
            params = self._server.arrived(messages.asked(params))
        if method in PLAIN:
            if "id" in data:
                return JsonRPCRequestMessage(data["id"], method, VERSION, params)
            return JsonRPCNotification(method, VERSION, params)
        if method is None and "result" in data:
            self._result_types.pop(data["id"], None)
            return JsonRPCResponseMessage(data["id"], VERSION, data["result"])
        return super().structure_message(data)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: Any) -> None:
        """A document is open from now on."""
        self._server.open(messages.opened(params))

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: Any) -> None:
        """A document has been edited."""
        self._server.service.edit(*messages.edited(params))

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: Any) -> None:
        """A document is open no longer."""
        self._server.service.close(messages.closed(params))

    @lsp_method(types.EXIT)
    def lsp_exit(self, *arguments: Any) -> None:
        """The editor leaves."""
        sys.exit(0 if self._shutdown else 1)
