"""What is suggested in the documents of a session, and what became of it. Knows no JSON.

ask: is anything to be suggested there? -> the model -> bring what follows the text up to date -> wait -> what is shown

Whoever asks ends the question before, which is answered at once, with nothing: no ghost is for an older text than the newest.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from elman.errors import ElmanError, PickAnotherModel
from elman.languages import absence_of
from elman.lsp.dismissals import Spot
from elman.lsp.encodings import Encoding
from elman.lsp.engines import Engine
from elman.lsp.figures import Figures
from elman.lsp.followed import Followed, Key, Shelf
from elman.lsp.ghosts import Ghost, Place, distinct, ghost_at
from elman.lsp.models import Choice, choose
from elman.lsp.open_document import Edit, OpenDocument
from elman.lsp.open_text import Position
from elman.lsp.opinions import asked_for, with_opinions
from elman.lsp.preferences import Preferences
from elman.lsp.troubles import AGAIN_SECONDS, Troubles
from elman.protocol.suggestions import LENGTH, Suggestion
from elman.words import ends_in_word, last_word

OpenEngine: TypeAlias = Callable[[Sequence[str]], Engine]
"""Makes what suggests: servers at addresses or, without any, engines in this process."""


class Question(NamedTuple):
    """Somebody wants to know what is suggested at a position: by a key of its own, if it is invoked, otherwise by typing."""

    uri: str
    position: Position
    is_invoked: bool = False
    revision: int | None = None  # the document's when it was asked; None: as it is


@dataclass(slots=True)
class Waiting:
    """The question that is to be answered, and the task that waits for that."""

    question: Question
    task: "asyncio.Task[Any] | None"
    is_over: bool = False


class Service:
    """All of a session. Edits and questions come in their order, in one event loop."""

    def __init__(self, preferences: Preferences, open_engine: OpenEngine, troubles: Troubles) -> None:
        self.preferences, self.encoding = preferences, Encoding.UTF_16
        self.figures = Figures()
        self.latency_seconds: float | None = None
        """From the last question that was answered with something to its answer."""
        self._open_engine, self._troubles = open_engine, troubles
        self._engine = open_engine(preferences.server)
        self._documents: dict[str, OpenDocument] = {}
        self._choices: dict[str, tuple[str, Choice]] = {}
        """The model for each open document, and the first line that it was chosen by."""
        self._shelf = Shelf()
        self._waiting: Waiting | None = None
        self._looking: asyncio.Task[None] | None = None  # whether servers that failed are back
        self._last = ""  # the document that was asked about last

    def open(self, uri: str, language: str, version: int | None, text: str) -> None:
        """A document is open from now on; if it was, it is replaced."""
        self.close(uri)
        self._documents[uri] = OpenDocument(uri, language, version, text, self.encoding)

    async def prepare(self, uri: str) -> None:
        """Load the model for a document before it is asked."""
        if (document := self._documents.get(uri)) and (model := self._choice(document).model):
            self._load_or_another(model)

    def edit(self, uri: str, version: int | None, edits: Iterable[Edit]) -> None:
        """A document has been edited. Nothing is known of one that is not open."""
        if (document := self._documents.get(uri)) is None:
            return
        self._answer_nothing()
        for change, length in document.apply(version, edits):
            self.figures.note_inserted(len(change.inserted))
            for followed in self._shelf.of(uri):
                followed.note(change, length)

    def revision(self, uri: str) -> int | None:
        """How often a document has been edited."""
        return self._documents[uri].revision if uri in self._documents else None

    def word_before(self, uri: str, position: Position) -> str:
        """What stands of a word before a position."""
        document = self._documents.get(uri)
        cursor = document.cursor_at(position) if document else None
        before = document.place(position, cursor).before if document and cursor is not None else ""
        return before[len(before) - last_word(before) :] if ends_in_word(before) else ""

    def close(self, uri: str) -> None:
        """A document is open no longer."""
        if self._documents.pop(uri, None):
            self._answer_nothing()
            self._choices.pop(uri, None)
            self._shelf.drop(uri)

    async def ask(self, question: Question) -> Sequence[Ghost]:
        """What is to be shown, best first: at most one unless it is invoked. Nothing once there is a newer question or edit."""
        self._answer_nothing()
        waiting = self._waiting = Waiting(question, asyncio.current_task())
        try:
            return await self._ask(question)
        except asyncio.CancelledError:
            if not waiting.is_over:
                self._let_rest(question.uri)
                raise
            return ()
        finally:
            if self._waiting is waiting:
                self._waiting = None

    def _answer_nothing(self) -> None:
        """End the question that is waited for."""
        waiting, self._waiting = self._waiting, None
        if waiting and waiting.task:
            waiting.is_over = True
            waiting.task.cancel()
            waiting.task.uncancel()

    def _let_rest(self, uri: str) -> None:
        for followed in self._shelf.of(uri):
            followed.follower.document.dismiss()

    async def _ask(self, question: Question) -> Sequence[Ghost]:
        asked_at = time.perf_counter()
        document = self._documents.get(question.uri)
        if document is None or question.revision not in (None, document.revision):
            return ()
        cursor = document.cursor_at(question.position)
        if cursor is None or (document.is_quiet and not question.is_invoked):
            return ()
        place = document.place(question.position, cursor)
        model = self._choice(document).model
        if not model or (place.is_in_word and not self.preferences.inside_words):
            return ()
        if question.uri != self._last:
            self._let_rest(self._last)
            self._last = question.uri
        suggestions = await self._suggestions(document, cursor, model, question)
        found = self._shown(document, document.spot(question.position, cursor), place, suggestions, question)
        if found:
            self.latency_seconds = time.perf_counter() - asked_at
            self.figures.shown += 1
            document.offer(cursor, [ghost.text for ghost in found])
        return found

    def _shown(
        self, document: OpenDocument, spot: Spot, place: Place, suggestions: Sequence[Suggestion], question: Question
    ) -> Sequence[Ghost]:
        ghosts = (ghost_at(place, one.text, one.finish_reason == LENGTH) for one in suggestions)
        allowed = (ghost for ghost in ghosts if not document.dismissals.forbid(spot, ghost.text))
        return distinct(allowed, self.preferences.alternatives if question.is_invoked else 1)

    async def _suggestions(self, document: OpenDocument, cursor: int, model: str, question: Question) -> Sequence[Suggestion]:
        model = self._load_or_another(model)
        if not model:
            return ()
        try:
            suggestions = await self._suggested(document, cursor, model)
            if question.is_invoked:
                unsure = await self._suggested(document, cursor, model, is_invoked=True)
                suggestions = list(with_opinions(suggestions, unsure))
        except PickAnotherModel as error:
            self._shelf.drop(document.uri)
            other = self._another(model, error)
            return await self._suggestions(document, cursor, other, question) if other else ()
        except Exception as error:
            self._shelf.drop(document.uri)
            self._troubles.note(model, error)
            self._look_for_servers()
            return ()
        self._troubles.end(model)
        return suggestions

    def _another(self, model: str, error: ElmanError) -> str:
        """A model is not there: the one for unknown texts takes its place; otherwise whoever named it is told."""
        preferences = self.preferences
        if preferences.model not in ("", model):
            self._troubles.substitutes[model] = preferences.model
            return preferences.model
        if model in (preferences.model, *preferences.models.values()):
            self._troubles.note(model, error)
        else:
            self._troubles.lacking[model] = f"{absence_of(model)} ({error})"
        return ""

    def _look_for_servers(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._until_servers_are_back())

    async def _until_servers_are_back(self) -> None:
        """Look for servers that failed though nobody asks: an editor that hears that they are back may ask anew."""
        while self._troubles.are_servers_away:
            await asyncio.sleep(AGAIN_SECONDS)
            with suppress(ElmanError):
                await self._engine.look()
                self._troubles.end_elsewhere()

    def _load_or_another(self, model: str) -> str:
        """The model that suggests in place of this one, or it itself, loaded as its file is now; nothing if there is none."""
        model = self._troubles.substitutes.get(model, model)
        if model in self._troubles.lacking or self._troubles.is_waited_out(model):
            return ""
        if self._engine.has(model):
            return model
        try:
            self._engine.load(model)
        except PickAnotherModel as error:
            other = self._another(model, error)
            return self._load_or_another(other) if other else ""
        except Exception as error:
            self._troubles.note(model, error)
            return ""
        self._shelf.drop_model(model)
        return model

    async def _suggested(
        self, document: OpenDocument, cursor: int, model: str, *, is_invoked: bool = False
    ) -> Sequence[Suggestion]:
        """What the model is sure of; if it is invoked, all that it thinks of, from its first character on."""
        key = Key(document.uri, is_invoked)
        followed = self._shelf.use(key, model)
        if followed is None:
            fields = self.preferences.fields | (asked_for(self.preferences.alternatives) if is_invoked else {})
            text = document.text.text
            followed = Followed(self._engine.follow(text, model, fields), model, len(text))
            self._shelf.put(key, followed)
        followed.take_over(document, cursor)
        return await followed.follower.suggestions()

    def _choice(self, document: OpenDocument) -> Choice:
        beginning = document.text.line(0)
        known, choice = self._choices.get(document.uri, ("", None))
        if choice is None or known != beginning:
            choice = choose(self.preferences, document.uri, document.language, beginning)
            self._choices[document.uri] = beginning, choice
        return choice

    def note_accepted(self, uri: str, text: str) -> None:
        """Somebody has accepted what was shown, or its beginning."""
        self.figures.note_accepted(len(text))
        if document := self._documents.get(uri):
            document.is_quiet = False

    def note_dismissed(self, uri: str, position: Position, text: str) -> None:
        """Somebody has dismissed what was shown at a position."""
        document = self._documents.get(uri)
        cursor = document.cursor_at(position) if document else None
        if document and cursor is not None:
            document.dismissals.note(document.spot(position, cursor), text)

    def status(self, uri: str = "") -> dict[str, Any]:
        """What is the matter with a document, or with the one that was asked about last, and the figures of the session."""
        document = self._documents.get(uri or self._last)
        choice = self._choice(document) if document else Choice(state="starting", reason="no document was asked about yet")
        model = self._troubles.substitutes.get(choice.model, choice.model)
        state, message = choice.state, choice.reason
        if trouble := self._troubles.message(model):
            state, message = "failed", trouble
        elif lacking := self._troubles.lacking.get(model):
            state, message, model = "no model", lacking, ""
        elif model and not self._engine.has(model):
            state, message = "starting", f"{model} is not loaded yet"
        digests = [each.follower.document.digest for each in self._shelf.of(document.uri)] if document else []
        figures = self.figures
        return {
            "state": state,
            "message": message,
            "model": model,
            "modelDigest": next(filter(None, digests), ""),
            "latencyMilliseconds": None if self.latency_seconds is None else round(1000 * self.latency_seconds, 2),
            "shown": figures.shown,
            "accepted": figures.accepted,
            "charactersAccepted": figures.characters_accepted,
            "charactersTyped": figures.characters_typed,
            "keysSaved": figures.keys_saved,
        }

    async def prefer(self, preferences: Preferences) -> None:
        """Go by other preferences from now on. Raises MendRequest for an address that is none, and goes by the old ones."""
        if preferences == self.preferences:
            return
        is_elsewhere = preferences.server != self.preferences.server
        old, new = self._engine, self._open_engine(preferences.server) if is_elsewhere else self._engine
        self._answer_nothing()
        self._shelf.clear()
        self._troubles.clear()
        self._choices.clear()
        self.preferences, self._engine = preferences, new
        if is_elsewhere:
            await old.close()

    async def end(self) -> None:
        """Let everything go."""
        self._answer_nothing()
        self._shelf.clear()
        if self._looking:
            self._looking.cancel()
        await self._engine.close()
