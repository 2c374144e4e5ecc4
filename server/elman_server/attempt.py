"""What the engine is asked to do for one revision of a document, and what came of it. Knows no stream."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution import Passage, Start
from elman_server.checkpoints import Checkpoints
from elman_server.completion import Completion, Tell
from elman_server.document import Document
from elman_server.job import Job, Progress

Hear: TypeAlias = Callable[["Attempt", Progress], None]


class Attempt:
    """Text before the cursor is consumed and, if suggestions are to follow, they are drawn.

    position:  state             cursor
    text:      [--- consumed ---][--- suggested: a trail of states for each alternative ---

    The states that it reached stay good up to where the document agrees with its text, also after it was retired.
    """

    def __init__(self, completion: Completion, is_suggesting: bool, most_states: int, hear: Hear) -> None:
        self.is_suggesting = is_suggesting
        self.cursor = completion.start_position
        self.written: dict[int, str] = {}  # what was suggested, by alternative
        tell = partial(hear, self)
        jobs = completion.jobs(tell) if is_suggesting else [consuming(completion, tell)]
        self.running = len(jobs)  # those that have not told their last
        self.submission: Sequence[Job] = completion.submission(jobs, tell) if is_suggesting else jobs
        for job in (*jobs, *self.submission):
            job.is_watched = True
        self._completion: Completion | None = completion
        self._trails: dict[int, Checkpoints] = {}
        self._most_states = most_states // len(jobs)
        self._agreed: int | None = None  # up to here, if it is retired

    def retire(self, agreed: int) -> None:
        """Nobody waits for it any more, and the document may change from a position on."""
        self._agreed = agreed if self._agreed is None else min(self._agreed, agreed)
        self.submission, self._completion, self._trails = (), None, {}

    def events(self, progress: Progress) -> Iterator[pb.CompleteResponse]:
        """What is to be written; it counts as written when it is taken."""
        for event in self._completion.events(progress) if self._completion else ():
            if event.HasField("piece"):
                number = event.piece.alternative
                self.written[number] = self.written.get(number, "") + event.piece.text
            yield event

    def note(self, passage: Passage, alternative: int, document: Document) -> None:
        """Keep the states that a tick passed: in the document, or beyond its cursor in the alternative's trail."""
        limit = self.cursor if self._agreed is None else self._agreed
        known = min(max(0, limit + 1 - passage.position), len(passage.outputs))
        for offset in range(known):
            document.note(passage.position + offset, passage.outputs[offset].tobytes())
        if self._agreed is None and known < len(passage.outputs):
            trail = self._trails.setdefault(alternative, Checkpoints(self._most_states))
            for offset in range(known, len(passage.outputs)):
                trail.add(passage.position + offset, passage.outputs[offset].tobytes())
            trail.thin(self.cursor)

    def along(self, text: str) -> Checkpoints | None:
        """The states along a text after the cursor, if it was suggested."""
        for alternative, written in self.written.items():
            if text and written.startswith(text):
                return self._trails.get(alternative)
        return None

    @property
    def outcome(self) -> str:
        """What became of it, unless it was accepted or dismissed: ignored, superseded before any text was written, or empty."""
        if self.written:
            return "ignored"
        return "superseded" if self.running else "empty"


def consuming(completion: Completion, tell: Tell) -> Job:
    """A job that draws nothing."""
    return Job(completion.served.model, Start(completion.state), tell, skipped=completion.characters)
