"""A document that is edited, what a server knows of it, and what it suggests. Pure: knows no transport and no time.

text:     T h e   c a t|s a t     the server's document is what lies before the cursor, or the last of it (`context`)
agreed:   T h e   c               what is still right of what the server has; the next edit keeps it and sends the rest

The text is as it is given; what is told is what a model reads of it (`folded`). Offsets inside count in what is read, from the
start of the text, positions on the wire from where the server's document begins, and the caller's in what is given.
Every request is the difference between the text and what the server was sent. So any number of changes is one message, and a
new stream, on any replica, begins with the nearest state and the text that follows it.
"""

from collections.abc import Iterator
from typing import Final

from elman.errors import ReportDefect
from elman.protocol.context import Context
from elman.protocol.folded import FoldedText
from elman.protocol.gathering import Gathering
from elman.protocol.request import LONGEST_TEXT, model_of
from elman.protocol.retry import Farewell
from elman.protocol.suggestions import ReceivedSuggestions, Suggestion
from elman.protocol.surroundings import NEAR, is_in_word
from elman.ranges import encodable, in_range
from elman.v1 import completion_service_pb2 as pb
from elman.words import ends_in_word

JUMP: Final = 1 << 12
"""An edit of more characters than this is replaced by an open, if a state makes that half as long."""


class Draft:
    """A text with a cursor, and the client's side of a Follow about it. `opening` is an open without state and prefix.

    Unless it `heeds` what lies around the cursor, that is left to whoever shows what is suggested.
    """

    def __init__(
        self,
        opening: pb.Open,
        text: str,
        cursor: int | None = None,
        *,
        trims: bool = False,
        heeds: bool = True,
        context: int | None = None,
    ) -> None:
        self._opening, self._heeds = opening, heeds
        self._named = pb.Model()
        self._named.CopyFrom(opening.model)
        self._text = FoldedText(encodable("text", text))
        self._text.move(len(text) if cursor is None else in_range("cursor", cursor, 0, len(text)))
        self._context = Context(self._text, context)
        self._gathering = Gathering(self._text, self._context)
        self._wants = True  # whether suggestions are wanted for the text as it is
        self.revision = 0  # of the last request
        self.model = self.digest = ""
        self._received = ReceivedSuggestions(opening.alternatives, trims, opening.use_model_confidence)
        self._settle()
        self.lose_stream()

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text.given.slice(0, len(self._text.given))

    @property
    def cursor(self) -> int:
        """The number of characters before the cursor."""
        return self._text.given.cursor

    @property
    def seed(self) -> int:
        """The seed of everything that is suggested."""
        return self._opening.sampling.seed

    @property
    def is_waiting(self) -> bool:
        """Whether more will be suggested for the present text."""
        return self._is_wanted and not self._received.is_complete

    @property
    def suggested(self) -> list[Suggestion]:
        """What was given for the present text."""
        return self._received.given

    @property
    def progress(self) -> int:
        """A number that grows with everything that is suggested."""
        return self._received.progress

    def replace(self, start: int, end: int, text: str, suggest: bool) -> None:
        """Put text in place of what lies between two offsets, and the cursor after it. Raises MendRequest."""
        in_range("end", end, 0, len(self._text.given))
        in_range("start", start, 0, end)
        self._replace(start, end, encodable("text", text), suggest)

    def _replace(self, start: int, end: int, text: str, suggest: bool) -> None:
        cursor = self._text.cursor
        replaced = self._text.replace(start, end, text)
        self._change(min(replaced.start, cursor), suggest)
        self._context.edit(replaced.start)
        self._gathering.edit(*replaced)
        self._settle()

    def delete(self, characters: int, suggest: bool) -> None:
        """Delete the last characters before the cursor. Raises MendRequest."""
        in_range("characters", characters, 0, self.cursor)
        self.replace(self.cursor - characters, self.cursor, "", suggest)

    def move(self, cursor: int, suggest: bool) -> None:
        """Put the cursor at an offset. Raises MendRequest."""
        in_range("cursor", cursor, 0, len(self._text.given))
        before = self._text.cursor
        self._text.move(cursor)
        self._change(min(before, self._text.cursor), suggest)
        self._settle()

    def accept(self, number: int, characters: int | None, suggest: bool) -> str:
        """Put a suggestion, or its first characters, before the cursor; returns what was put. Raises MendRequest."""
        accepted = self._received.acceptable(number, characters)
        cursor = self._text.cursor
        is_sent = not self._is_new and self._agreed == self._sent == cursor
        accept = pb.Accept(alternative=number, characters=len(accepted), suggest=False)
        is_heard = self._received.is_heard(number, len(accepted))
        self._replace(self.cursor, self.cursor, accepted, suggest)
        is_alone = self._text.cursor == cursor + len(accepted) and self._text.slice(cursor, self._text.cursor) == accepted
        self._accept = accept if is_sent and is_heard and is_alone and self._agreed == cursor else None
        return accepted

    def dismiss(self) -> None:
        """Drop the suggestions, and want none until the next edit."""
        self._wants = False
        self._forget_suggestions()

    def switch(self, model: str | None, digest: str) -> None:
        """Let another model suggest. Raises MendRequest."""
        self._named = model_of(model, digest)
        self._wants = True
        self._forget_model()

    def _forget_model(self) -> None:
        """Forget everything that belongs to the model: states, suggestions, name and digest."""
        self._opening.model.CopyFrom(self._named)
        self._gathering.forget()
        self.model = self.digest = ""
        self._forget_suggestions()
        self._must_open = True

    def begin_again(self) -> bool:
        """Drop digest and states, which are not taken any more, and go on with any allowed model. False if there were none."""
        is_pinned = self._opening.model != self._named or self._nearest[0] > self._read_from
        self._forget_model()
        return is_pinned

    def _change(self, agreed: int, suggest: bool) -> None:
        """The text before the cursor is about to change from the offset `agreed` on; `_settle` says that it has."""
        self._agreed = min(self._agreed, agreed)
        self._must_open |= agreed < self._told_from
        self._wants = suggest
        self._forget_suggestions()

    def _settle(self) -> None:
        """The text and the cursor are as they are to be: note what lies around it."""
        cursor = self._text.cursor
        self._read_from = self._context.start(self._context.page(cursor))
        before, after = (
            self._text.slice(max(0, cursor - NEAR), cursor),
            self._text.slice(cursor, min(len(self._text), cursor + NEAR)),
        )
        self._received.after = after if self._heeds else ""
        self._is_in_word = self._text.is_cursor_within or (self._heeds and is_in_word(before, after))
        self._received.is_after_word = ends_in_word(before)

    @property
    def _is_wanted(self) -> bool:
        """Whether anything is to be suggested: in the middle of a word only if it is not heeded."""
        return self._wants and not self._is_in_word

    def _forget_suggestions(self) -> None:
        self._received.forget()
        self._accept = None
        self._is_asked = False

    def lose_stream(self) -> None:
        """The stream is lost: the next one begins with an open, and repeats what was suggested."""
        self._agreed = self._sent = self._told_from = self._read_from
        self._must_open, self._is_asked = True, False
        self._is_suggesting = False
        self._accept: pb.Accept | None = None
        self._opened = 0  # the revision of the last open
        self._gathering.forget_request()

    def requests(self, asks: bool = True) -> Iterator[pb.FollowRequest]:
        """What to send now. Unless `asks`, the server gets the text but is not asked for suggestions yet."""
        suggest = self._is_wanted and asks
        if self._is_new or self._is_nearer_by_state():
            yield from self._open(suggest)
        elif self._accept is not None:
            self._agreed = self._text.cursor
            self._accept.suggest = suggest
            yield self._request(suggest, accept=self._accept)
        elif self._agreed < max(self._sent, self._text.cursor) or (suggest and not self._is_asked):
            yield from self._edit(suggest)
        elif self._is_suggesting and not self._is_wanted:
            yield self._request(False, dismiss=pb.Dismiss())

    @property
    def _is_new(self) -> bool:
        """Whether the stream must begin with an open, for the server has no document, or one that begins elsewhere."""
        return self._must_open or self._read_from != self._told_from

    @property
    def _nearest(self) -> tuple[int, bytes]:
        """The nearest state before the cursor, preceded by its offset."""
        return self._gathering.nearest(self._read_from, self._text.cursor)

    def _is_nearer_by_state(self) -> bool:
        edit, by_state = self._text.cursor - self._agreed, self._text.cursor - self._nearest[0]
        return edit > JUMP and by_state < edit // 2

    def _open(self, suggest: bool) -> Iterator[pb.FollowRequest]:
        offset, state = self._nearest
        opening = pb.Open()
        opening.CopyFrom(self._opening)
        self._told_from, self._agreed = self._read_from, min(self._text.cursor, offset + LONGEST_TEXT)
        opening.state, opening.prefix = state, self._text.slice(offset, self._agreed)
        opening.suggest = suggest and self._agreed == self._text.cursor
        self._must_open, self._opened = False, self.revision + 1
        yield self._request(opening.suggest, open=opening)
        if self._agreed < self._text.cursor:
            yield from self._edit(suggest)

    def _edit(self, suggest: bool) -> Iterator[pb.FollowRequest]:
        """Keep what is agreed and send the rest, in one message unless it is too long for that."""
        is_first = True
        while is_first or self._agreed < self._text.cursor:
            is_first = False
            kept, end = self._agreed, min(self._text.cursor, self._agreed + LONGEST_TEXT)
            insert = self._text.slice(kept, end)
            edit = pb.Edit(keep=kept - self._read_from, insert=insert, suggest=suggest and end == self._text.cursor)
            self._agreed = end
            yield self._request(edit.suggest, edit=edit)

    def _request(
        self,
        suggest: bool,
        *,
        open: pb.Open | None = None,  # noqa: A002 (the field's name)
        edit: pb.Edit | None = None,
        accept: pb.Accept | None = None,
        dismiss: pb.Dismiss | None = None,
    ) -> pb.FollowRequest:
        self.revision += 1
        self._sent, self._accept = self._agreed, None
        self._is_asked = self._is_suggesting = suggest
        self._received.listen()
        return pb.FollowRequest(revision=self.revision, open=open, edit=edit, accept=accept, dismiss=dismiss)

    def receive(self, response: pb.FollowResponse) -> None:
        """Take a response; one about an older text is dropped. Raises Farewell at a goodbye, or ReportDefect."""
        event = response.WhichOneof("event")
        if event == "started" and response.revision >= self._opened:
            self._start(response.started)
        is_newest = response.revision == self.revision
        if event == "goodbye":
            self._leave(response.goodbye, is_newest)
        if not is_newest:
            return
        if event == "need_text":
            self._must_open = True
        elif event == "suggestion" and self._is_asked:
            self._received.take(response.suggestion, self._text.cursor - self._read_from)
        elif event == "finished" and self._is_asked:
            self._received.finish(response.finished)

    def _start(self, started: pb.Started) -> None:
        if started.seed != self.seed:
            raise ReportDefect(f"the server uses seed {started.seed} instead of {self.seed}")
        if self.digest and started.model.digest != self.digest:
            raise ReportDefect(f"resumed by model {started.model.digest} instead of {self.digest}")
        self.model, self.digest = started.model.name, started.model.digest
        self._opening.model.CopyFrom(started.model)

    def _leave(self, goodbye: pb.Goodbye, is_newest: bool) -> None:
        end = self._told_from + goodbye.position
        if is_newest and goodbye.state and end <= self._agreed:
            self._gathering.add(self._told_from, end, goodbye.state, self._text.cursor)
        raise Farewell("the server is draining, or another model has taken the place of this one")

    def next_suggestion(self) -> Suggestion | None:
        """A suggestion that is known now and was not given yet."""
        return self._received.news(self.cursor)

    def state_request(self) -> pb.ScoreRequest | None:
        """The request for a state on the way to the cursor, if one is due; its answer goes to `note_state`."""
        return self._gathering.request(self._opening.model, self._text.cursor) if self.digest else None

    def idle_request(self) -> pb.ScoreRequest | None:
        """The same for a state near the cursor, wherever a jump may lead, if the document bounds its context."""
        return self._gathering.request_near(self._opening.model, self._text.cursor) if self.digest else None

    def note_state(self, request: pb.ScoreRequest, state: bytes) -> None:
        """Take the answer; no bytes if there was none. The text may have changed meanwhile."""
        self._gathering.note(request, state, self._text.cursor)
