"""What is answered: which document, which model, and what is shown. Knows neither pygls nor JSON."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from elman.lsp.engines import Engine
from elman.lsp.ghosts import Ghost, distinct, shown
from elman.lsp.open_document import Followed, OpenDocument
from elman.lsp.open_text import Position
from elman.lsp.preferences import Preferences
from elman.protocol.languages import model_for

MOST_FOLLOWED: Final = 8


class Question:
    """Somebody waits for what is suggested at a position."""

    def __init__(self, document: OpenDocument, position: Position, alternatives: int, is_asked_for: bool) -> None:
        self.document, self.position, self.alternatives, self.is_asked_for = document, position, alternatives, is_asked_for


class Service:
    """All documents of a session."""

    def __init__(self, engine: Engine, preferences: Preferences) -> None:
        self.engine, self.preferences = engine, preferences
        self.documents: dict[str, OpenDocument] = {}
        self._followed: OrderedDict[str, OpenDocument] = OrderedDict()
        self._newest: Question | None = None

    async def ask(self, question: Question) -> Sequence[Ghost]:
        """What is to be shown."""
        self._newest = question
        document = question.document
        cursor = document.text.offset(question.position)
        model = self.model_of(document)
        if cursor is None or model is None or (document.is_quiet and not question.is_asked_for):
            return ()
        await self.engine.load(model)
        if self._newest is not question:
            return ()
        followed = self._follow(document, model)
        followed.catch_up(document.text, cursor)
        suggestions = await self.engine.suggestions(followed.document)
        if self._newest is not question:
            return ()
        return distinct((Ghost(shown(one.text, one.finish_reason == "length")) for one in suggestions), question.alternatives)

    def model_of(self, document: OpenDocument) -> str | None:
        """The model for a document; None if nothing is suggested for it."""
        path = document.uri.rpartition("/")[2]
        otherwise = self.preferences.model or None
        return model_for(path, self.preferences.models, otherwise, text=document.text.line(0), language=document.language)

    def _follow(self, document: OpenDocument, model: str) -> Followed:
        if document.followed is None or document.followed.model != model:
            fields: dict[str, Any] = {
                "alternatives": self.preferences.alternatives,
                "max_characters": self.preferences.max_characters,
            }
            opened = self.engine.open(document.text.text, model, fields)
            document.followed = Followed(opened, model, document.text.length)
        self._followed[document.uri] = document
        self._followed.move_to_end(document.uri)
        while len(self._followed) > MOST_FOLLOWED:
            self._followed.popitem(last=False)[1].followed = None
        return document.followed
