"""elman: autocompletion that fits in a megabyte. What a user imports; each name is loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.aio import AsyncClient, AsyncCompletion
    from elman.aio_document import AsyncDocument
    from elman.client import Client, Completion
    from elman.document import Document
    from elman.embedded import open_client as open  # noqa: A004 (elman.open reads like the built-in: a thing to close)
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
    from elman.results import Alternative, ModelDescription, Piece, Score, Usage
    from elman.retry import Retry
    from elman.suggestion import Suggestion

__all__ = [
    "AllowMoreTime",
    "Alternative",
    "AsyncClient",
    "AsyncCompletion",
    "AsyncDocument",
    "BackOff",
    "Client",
    "Completion",
    "Document",
    "ElmanError",
    "GoElsewhere",
    "InstallExtra",
    "LogIn",
    "MendRequest",
    "ModelDescription",
    "NeverRetry",
    "PickAnotherModel",
    "Piece",
    "ReportDefect",
    "Retry",
    "Score",
    "SendTextAgain",
    "Suggestion",
    "Usage",
    "open",
]

_PLACES = {
    "elman.aio": ("AsyncClient", "AsyncCompletion"),
    "elman.aio_document": ("AsyncDocument",),
    "elman.client": ("Client", "Completion"),
    "elman.document": ("Document",),
    "elman.results": ("Alternative", "ModelDescription", "Piece", "Score", "Usage"),
    "elman.retry": ("Retry",),
    "elman.suggestion": ("Suggestion",),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    if name == "open":
        return import_module("elman.embedded").open_client
    return getattr(import_module(_MODULES.get(name, "elman.errors")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
