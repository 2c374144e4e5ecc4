"""What the requests of one Follow mean, and what to answer now. Knows no transport and no clock.

A response is made when it is asked for, so none can be about an older revision than the newest that was taken.
"""

from collections.abc import Callable

from elman.allowed import MAX_SUGGESTED
from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Amount, InvalidField
from elman_models.law.state import pack
from elman_server.follow.editing import Editing, JobEngine, Witness
from elman_server.requests.catalogue import Catalogue
from elman_server.requests.completion import CheckedCompletion, check_bytes, check_position, model_of

MOST_SUGGESTED = int(MAX_SUGGESTED.most)
"""What is suggested is kept until the next request, for it may be accepted."""


class Session:
    """One stream's document, within `size` bytes. `wake` is called when `next` may have something new."""

    def __init__(self, catalogue: Catalogue, engine: JobEngine, size: int, witness: Witness, wake: Callable[[], None]) -> None:
        self._catalogue, self._engine, self._size, self._witness, self._wake = catalogue, engine, size, witness, wake
        self._revision = 0
        self._editing: Editing | None = None
        self._owes_started = False
        self._owes_need_text = False

    @property
    def pattern(self) -> CheckedCompletion | None:
        """What is asked of the document's text, whatever it is; None before the first open."""
        return self._editing.pattern if self._editing else None

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more will come before the next request, once `next` has nothing."""
        return self._editing is None or self._editing.is_at_rest

    @property
    def unconsumed(self) -> int:
        """How many characters before the cursor wait to be consumed."""
        return self._editing.unconsumed if self._editing else 0

    @property
    def held_bytes(self) -> int:
        """About what the document's text and states take."""
        return self._editing.held_bytes if self._editing else 0

    def hold_less(self) -> None:
        """Keep fewer states of the document while nobody types in it."""
        if self._editing:
            self._editing.hold_less()

    def take(self, request: pb.FollowRequest) -> None:
        """Apply a request; nothing is told of earlier revisions any more. Raises Refused, which ends the stream."""
        if request.revision <= self._revision:
            allowed = f"above {self._revision}, the revision of the request before"
            raise InvalidField("revision", request.revision, allowed)
        self._revision = request.revision
        match request.WhichOneof("event"):
            case "open":
                self._open(request.open)
            case "edit":
                self._edit(request.edit, self._opened("edit"))
            case "accept":
                self._accept(request.accept, self._opened("accept"))
            case "dismiss":
                self._opened("dismiss").retire("dismissed")
            case _:
                raise InvalidField("event", Amount("absent"), "open, edit, accept or dismiss")
        if self._owes_started or self._owes_need_text:
            self._wake()

    def _opened(self, event: str) -> Editing:
        if self._editing is None:
            raise InvalidField("event", event, "open, as the first request of a stream")
        return self._editing

    def _open(self, wanted: pb.Open) -> None:
        pattern = pattern_of(wanted, self._catalogue)
        check_bytes("prefix", wanted.prefix)
        check_suggested(pattern)
        check_position(pattern.state, len(wanted.prefix) + pattern.limits.max_characters)
        self.close()
        self._editing = Editing(pattern, wanted.prefix, self._size, self._engine, self._witness, self._wake)
        self._editing.pursue(not wanted.HasField("suggest") or wanted.suggest)
        self._owes_started, self._owes_need_text = True, False

    def _edit(self, edit: pb.Edit, editing: Editing) -> None:
        cursor = editing.text.cursor
        if edit.keep > cursor:
            raise InvalidField("keep", edit.keep, f"0 to {cursor}, the number of characters before the cursor")
        check_bytes("insert", edit.insert)
        end = edit.keep + len(edit.insert) + editing.pattern.limits.max_characters
        check_position(editing.pattern.state, end - editing.pattern.state.position)
        editing.change(edit.keep, edit.insert)
        self._owes_need_text = editing.text.is_lost
        editing.pursue(edit.suggest if edit.HasField("suggest") else bool(edit.insert))

    def _accept(self, accept: pb.Accept, editing: Editing) -> None:
        suggested = editing.written.get(accept.alternative)
        if suggested is None:
            numbers = ", ".join(map(str, sorted(editing.written))) or "none; nothing was suggested"
            raise InvalidField("alternative", accept.alternative, f"those suggested for the revision before: {numbers}")
        if not 1 <= accept.characters <= len(suggested):
            raise InvalidField("characters", accept.characters, f"1 to {len(suggested)}, the number of those suggested")
        editing.change(editing.text.cursor, suggested[: accept.characters], is_accepted=True)
        editing.pursue(not accept.HasField("suggest") or accept.suggest)

    def begin(self) -> None:
        """Let the engine work for what was taken, before `next` is asked. Raises Busy, as `next` will."""
        if self._editing:
            self._editing.begin()

    def next(self) -> pb.FollowResponse | None:
        """The response to write now; None while there is none. Raises Busy, after which it may be asked again."""
        editing = self._editing
        if editing is None:
            return None
        if self._owes_started:
            self._owes_started = False
            return self._started(editing)
        if self._owes_need_text:
            self._owes_need_text = False
            return pb.FollowResponse(revision=self._revision, need_text=pb.NeedText(earliest_position=editing.text.earliest))
        event = editing.next()
        if event is None:
            return None
        if isinstance(event, pb.Piece):
            return pb.FollowResponse(revision=self._revision, suggestion=event)
        return pb.FollowResponse(revision=self._revision, finished=event)

    def _started(self, editing: Editing) -> pb.FollowResponse:
        pattern = editing.pattern
        started = pb.Started(model=model_of(pattern.served), seed=pattern.seed, start_position=editing.text.cursor)
        return pb.FollowResponse(revision=self._revision, started=started)

    def goodbye(self) -> pb.FollowResponse:
        """The last words: where another replica may go on."""
        goodbye = pb.Goodbye()
        if self._editing and not self._editing.text.is_lost:
            newest = self._editing.text.newest
            goodbye = pb.Goodbye(state=pack(newest, self._editing.pattern.served.model), position=newest.position)
        return pb.FollowResponse(revision=self._revision, goodbye=goodbye)

    def close(self) -> None:
        """Let the engine stop working for the document, which nobody reads any more."""
        if self._editing:
            self._editing.retire()


def check_suggested(pattern: CheckedCompletion) -> None:
    """Raise InvalidField for suggestions of which more would have to be kept than a stream should hold."""
    most = MOST_SUGGESTED // len(pattern.alternatives)
    if pattern.limits.max_characters > most:
        allowed = f"1 to {most}: in Follow at most {MOST_SUGGESTED}, all alternatives together"
        raise InvalidField("max_characters", pattern.limits.max_characters, allowed)


def pattern_of(wanted: pb.Open, catalogue: Catalogue) -> CheckedCompletion:
    """What is asked of the document's text, whatever it is, checked. Raises Refused."""
    pattern = CheckedCompletion.of(request_for(wanted), catalogue)
    model = pattern.served.model
    limits = pattern.limits.within(model.ghost_surprise) if wanted.use_model_confidence else pattern.limits
    return pattern._replace(limits=limits, includes_state=wanted.include_state)


def request_for(wanted: pb.Open) -> pb.CompleteRequest:
    """The open as a request to complete."""
    request = pb.CompleteRequest(
        model=wanted.model,
        state=wanted.state,
        sampling=wanted.sampling,
        limits=wanted.limits,
        include_log_probabilities=wanted.include_log_probabilities,
    )
    if wanted.HasField("alternatives"):
        request.alternatives = wanted.alternatives
    return request
