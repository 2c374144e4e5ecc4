"""Which model suggests in a document, or why none does. Pure: knows neither the protocol nor a model."""

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from elman.languages import fit_of
from elman.lsp.preferences import Preferences


class Choice(NamedTuple):
    """A model, or the state of a document for which there is none, and why."""

    model: str = ""
    state: str = "ready"
    reason: str = ""


def choose(preferences: Preferences, uri: str, language: str, beginning: str) -> Choice:
    """The model for a document, by what its editor calls its language, its name and how it begins."""
    path = path_of(uri)
    if not preferences.enabled:
        return Choice(state="off", reason="switched off: enabled is false")
    if not preferences.speaks(language):
        return Choice(state="off", reason=f"switched off for {language}: languages")
    if pattern := preferences.excluding(path):
        return Choice(state="off", reason=f"{name_of(path)} is excluded: {pattern}")
    model = fit_of(name_of(path), preferences.models, preferences.model or None, text=beginning, language=language).model
    if model is None:
        kind = language or name_of(path) or "this text"
        return Choice(state="no model", reason=f"no model fits {kind}; name one in the setting models or model")
    return Choice(model)


def path_of(uri: str) -> str:
    """The path that a URI names."""
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:  # no URI at all
        return uri


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]
