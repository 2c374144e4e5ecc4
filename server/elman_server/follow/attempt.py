"""What the engine is asked to do for one revision of a document, and what came of it. Knows no stream."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.protocol import Passage, Start
from elman_server.engine.job import Job, Progress
from elman_server.follow.checkpoints import Trail
from elman_server.follow.followed_text import FollowedText
from elman_server.requests.completion import CheckedCompletion, Event, Tell

Hear: TypeAlias = Callable[["Attempt", Progress], None]
See: TypeAlias = Callable[["Attempt", int, Passage], None]
"""Is told the number of the alternative and the states that it passed."""


class Attempt:
    """Text before the cursor is consumed and, if suggestions are to follow, they are drawn.

    position:  state             cursor
    text:      [--- consumed ---][--- suggested: a trail of states for each alternative ---

    The states that it reached stay good up to where the document agrees with its text, even after it is retired.
    """

    def __init__(self, completion: CheckedCompletion, is_suggesting: bool, most_states: int, hear: Hear, watch: See) -> None:
        self.is_suggesting = is_suggesting
        self.cursor = completion.start_position
        self.written: dict[int, str] = {}  # what was suggested, by alternative
        tell = partial(hear, self)
        jobs = completion.jobs(tell) if is_suggesting else [consuming_job(completion, tell)]
        self.running = len(jobs)  # those that have not told their last
        self.submission: Sequence[Job] = completion.submission(jobs, tell) if is_suggesting else jobs
        for job in {*jobs, *self.submission}:
            job.show_states_to(partial(watch, self, job.start.alternative))
        self._completion: CheckedCompletion | None = completion
        self._trails: dict[int, Trail] = {}
        self._most_states = most_states // len(jobs)
        self._agreed: int | None = None  # up to here, if it is retired

    def retire(self, agreed: int) -> None:
        """Nobody waits for it any more, and the document may change from a position on."""
        self._agreed = agreed if self._agreed is None else min(self._agreed, agreed)
        self.submission, self._completion, self._trails = (), None, {}

    def rest(self) -> None:
        """All is told: what was asked of the engine need not be held any longer, unlike the states."""
        self.submission, self._completion = (), None

    def hold_less(self) -> None:
        """Forget the states along what was suggested: who accepts some of it replays that."""
        self._trails = {}

    def events(self, progress: Progress) -> Iterator[Event]:
        """The events to write for the progress; text counts as written when its event is taken."""
        for event in self._completion.events(progress) if self._completion else ():
            if isinstance(event, pb.Piece):
                self.written[event.alternative] = self.written.get(event.alternative, "") + event.text
            yield event

    def note(self, passage: Passage, alternative: int, followed: FollowedText) -> None:
        """Keep the states that a tick passed: in the document, or beyond its cursor in the alternative's trail."""
        limit = self.cursor if self._agreed is None else self._agreed
        known = min(max(0, limit + 1 - passage.position), len(passage.outputs))
        if known:
            followed.note(passage.position, passage.outputs[:known])
        if self._agreed is None and known < len(passage.outputs):
            self._trail(alternative, passage.outputs.shape[1]).add(passage.position + known, passage.outputs[known:])

    def _trail(self, alternative: int, size: int) -> Trail:
        trail = self._trails.get(alternative)
        if trail is None:
            trail = self._trails[alternative] = Trail(self.cursor, self._most_states, size)
        return trail

    def along(self, text: str) -> Trail | None:
        """The states along a text after the cursor, if it was suggested."""
        for alternative, written in self.written.items():
            if text and written.startswith(text):
                return self._trails.get(alternative)
        return None

    @property
    def held_bytes(self) -> int:
        """About what its states beyond the cursor take."""
        return sum(trail.held_bytes for trail in self._trails.values())

    @property
    def outcome(self) -> str:
        """What became of it, unless it was accepted or dismissed: ignored, superseded before any text was written, or empty."""
        if self.written:
            return "ignored"
        return "superseded" if self.running else "empty"


def consuming_job(completion: CheckedCompletion, tell: Tell) -> Job:
    """A job that draws nothing."""
    return Job(completion.served.model, Start(completion.state), tell, skipped=completion.characters)
