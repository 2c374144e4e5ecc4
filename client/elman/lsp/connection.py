"""pygls's protocol, but for what comes with every key, which is taken as JSON, and for the documents, which are the service's.

One message after another is handled where it arrives; only questions wait, each in a task.
"""

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcInvalidRequest, JsonRpcServerNotInitialized
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
)

from elman.errors import MendRequest
from elman.lsp import messages

if TYPE_CHECKING:
    from cattrs import Converter

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


OWN: Final = (
    *(types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_CLOSE),
    types.EXIT,
)
"""What pygls would do by itself, and the server does otherwise."""

Message: TypeAlias = dict[str, Any]


class Protocol(LanguageServerProtocol):
    """One editor's."""

    def __init__(self, server: "Server", converter: "Converter") -> None:
        super().__init__(server, converter)
        self._asked = server
        builtin = cast("dict[str, object]", self.fm.builtin_features)  # pyright: ignore[reportUnknownMemberType] (a bare Dict)
        for method in OWN:
            del builtin[method]

    @property
    def is_over(self) -> bool:
        """Whether the editor has asked for the end."""
        return self._shutdown

    def take(self, body: bytes) -> None:
        """Handle a message. What cannot be understood is refused if it is a request, and noted otherwise."""
        try:
            data: Message = json.loads(body)
        except (ValueError, RecursionError):
            return self._asked.log("a message that is no JSON was passed over")
        if type(data) is not dict or data.get("jsonrpc") != VERSION:
            return self._asked.log("a message that is no JSON-RPC 2.0 was passed over")
        try:
            self._check_order(data)
            self.handle_message(self.structure_message(data))
        except (JsonRpcException, MendRequest, KeyError, TypeError) as error:
            self._refuse(data, error)
        return None

    def _check_order(self, data: Message) -> None:
        """Raise what the protocol has for a request before the start or after the end."""
        if "method" not in data or data["method"] in (types.INITIALIZE, types.EXIT):
            return
        if self._workspace is None:
            raise JsonRpcServerNotInitialized
        if self._shutdown:
            raise JsonRpcInvalidRequest

    def _refuse(self, data: Message, error: Exception) -> None:
        meant = error if isinstance(error, JsonRpcException) else JsonRpcInvalidParams(str(error))
        if "method" in data and "id" in data:
            self._send_response(data["id"], error=meant.to_response_error())
        else:
            self._asked.log(f"{data.get('method', 'a response')} was passed over: {meant.message}")

    def structure_message(self, data: Message) -> Any:
        """What a message is, as pygls handles it."""
        method, params = data.get("method"), data.get("params")
        if method in QUESTIONS:
            params = self._asked.arrived(messages.asked(params, by_menu=method == types.TEXT_DOCUMENT_COMPLETION))
        if method in PLAIN:
            if "id" in data:
                return JsonRPCRequestMessage(data["id"], method, VERSION, params)
            return JsonRPCNotification(method, VERSION, params)
        if method is None and "result" in data:
            self._result_types.pop(data["id"], None)
            return JsonRPCResponseMessage(data["id"], VERSION, data["result"])
        return super().structure_message(data)
