"""elman: autocompletion in two or three megabytes. What a user imports; each name is loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.aio.client import AsyncClient, AsyncCompletion
    from elman.aio.document import AsyncDocument
    from elman.credentials import Credentials
    from elman.errors import (
        AllowMoreTime,
        BackOff,
        ElmanError,
        GoElsewhere,
        InstallExtra,
        LogIn,
        MendRequest,
        NeverRetry,
        PickAnotherModel,
        ReportDefect,
        SendTextAgain,
    )
    from elman.protocol.results import Alternative, ModelDescription, ModelStatus, Piece, Score, ServerStatus, Usage
    from elman.protocol.retry import Retry
    from elman.protocol.suggestions import Suggestion
    from elman.sync.client import Client, Completion
    from elman.sync.document import Document
    from elman.sync.embedded import open_client as open  # noqa: A004 (elman.open reads like the built-in: a thing to close)
    from elman.text import fold

__all__ = [
    "AllowMoreTime",
    "Alternative",
    "AsyncClient",
    "AsyncCompletion",
    "AsyncDocument",
    "BackOff",
    "Client",
    "Completion",
    "Credentials",
    "Document",
    "ElmanError",
    "GoElsewhere",
    "InstallExtra",
    "LogIn",
    "MendRequest",
    "ModelDescription",
    "ModelStatus",
    "NeverRetry",
    "PickAnotherModel",
    "Piece",
    "ReportDefect",
    "Retry",
    "Score",
    "SendTextAgain",
    "ServerStatus",
    "Suggestion",
    "Usage",
    "fold",
    "open",
]

_PLACES = {
    "elman.aio.client": ("AsyncClient", "AsyncCompletion"),
    "elman.aio.document": ("AsyncDocument",),
    "elman.credentials": ("Credentials",),
    "elman.sync.client": ("Client", "Completion"),
    "elman.sync.document": ("Document",),
    "elman.protocol.results": ("Alternative", "ModelDescription", "ModelStatus", "Piece", "Score", "ServerStatus", "Usage"),
    "elman.protocol.retry": ("Retry",),
    "elman.protocol.suggestions": ("Suggestion",),
    "elman.text": ("fold",),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("elman")
    if name not in __all__:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    if name == "open":
        return import_module("elman.sync.embedded").open_client
    return getattr(import_module(_MODULES.get(name, "elman.errors")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
