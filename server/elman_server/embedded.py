"""The engine in the caller's own process and thread: the same requests and answers as the service, without gRPC."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Execution
from elman_server.config import SESSION_BYTES
from elman_server.engine.engine import Engine
from elman_server.engine.job import Job, Progress, Timing
from elman_server.engine.pace import Pace
from elman_server.follow.session import Session
from elman_server.requests.catalogue import Catalogue, ModelFile, files_of
from elman_server.requests.completion import CheckedCompletion
from elman_server.requests.listing import list_models
from elman_server.requests.scoring import Scoring

Check: TypeAlias = Callable[[int], None]
"""Is told how many characters are still to be read; what it raises ends the work."""

ROWS = 16
"""The most alternatives that one request can have."""


def always(left: int) -> None:
    """Let the work go on."""


def open_embedded(models: Sequence[str] = (), device: str = "auto", instructions: str = "auto", threads: int = 1) -> "Embedded":
    """An engine for `NAME=PATH`, paths or shipped names; nothing named: the shipped models. Raises ArtifactError or OSError."""
    files = files_of(models)
    catalogue = Catalogue.load(files)
    executions = {one.model.digest: open_execution(one.model, ROWS, device, instructions, threads) for one in catalogue}
    return Embedded(catalogue, executions, files=files)


own_pace: Final = partial(Pace, is_shared=False)


class Embedded:
    """Answers requests by ticking an engine, in the threads of those who ask: one thread at a time.

    `check` is called before each tick.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        executions: Mapping[str, Execution],
        make_pace: Callable[[], Pace] = own_pace,
        files: Sequence[ModelFile] = (),
    ) -> None:
        self._catalogue, self._files = catalogue, files
        self._engine = SharedEngine(Engine(executions, ROWS, ROWS, make_pace))

    def complete(self, request: pb.CompleteRequest, check: Check = always) -> Iterator[pb.CompleteResponse]:
        """The events of CompletionService.Complete. Raises Refused, at once."""
        completion = CheckedCompletion.of(request, self._catalogue)
        return self._events(completion, check)

    def _events(self, completion: CheckedCompletion, check: Check) -> Iterator[pb.CompleteResponse]:
        yield completion.started()
        news: deque[Progress] = deque()
        jobs = completion.jobs(news.append)
        submission = completion.submission(jobs, news.append)
        self._engine.submit(submission)
        try:
            yield from (
                response
                for progress in self._work(jobs, submission, news, check)
                for response in completion.responses(progress)
            )
        finally:
            for job in submission:
                self._engine.cancel(job)

    def _work(self, jobs: Sequence[Job], readers: Sequence[Job], news: deque[Progress], check: Check) -> Iterator[Progress]:
        """Tick until every job has told its last; `readers` read the text for all."""
        running = len(jobs)
        while running:
            while not news:
                check(sum(reader.given for reader in readers))
                self._engine.tick()
            progress = news.popleft()
            progress.acknowledge(self._engine)
            running -= progress.is_last
            yield progress

    def follow(self, size: int = SESSION_BYTES) -> "EmbeddedFollow":
        """A stream of CompletionService.Follow, for a document within `size` bytes."""
        return EmbeddedFollow(self._catalogue, self._engine, size)

    def score(self, request: pb.ScoreRequest, check: Check = always) -> pb.ScoreResponse:
        """The answer of CompletionService.Score. Raises Refused."""
        scoring = Scoring.of(request, self._catalogue)
        if not scoring.text:
            return scoring.response((), scoring.state)
        news: deque[Progress] = deque()
        job = scoring.job(news.append)
        self._engine.submit([job])
        try:
            (last,) = self._work([job], [job], news, check)
        finally:
            self._engine.cancel(job)
        return scoring.response(last.log_probabilities, last.state or scoring.state)

    def list_models(self, request: pb.ListModelsRequest) -> pb.ListModelsResponse:
        """The answer of CompletionService.ListModels."""
        return list_models(self._catalogue)

    @property
    def is_outdated(self) -> bool:
        """Whether a file that it was loaded from was replaced since, or since `stay`."""
        return any(file.has_changed for file in self._files)

    def stay(self) -> None:
        """Be what it is, whatever its files hold now."""
        self._files = [file.as_it_is for file in self._files]

    def close(self) -> None:
        """Do nothing: the engine goes with the object."""


class SharedEngine:
    """An engine that several threads may use: whoever ticks also tells the others their news."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.lock = threading.RLock()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Let new texts wait for rows. Raises Busy."""
        with self.lock:
            self._engine.submit(jobs)

    def resume(self, job: Job) -> None:
        """Let a paused text wait for a row again."""
        with self.lock:
            self._engine.resume(job)

    def cancel(self, job: Job) -> None:
        """Stop working for a text."""
        with self.lock:
            self._engine.cancel(job)

    def tick(self) -> None:
        """One tick of the engine, in the caller's thread."""
        with self.lock:
            self._engine.tick()


class EmbeddedFollow:
    """One document that is followed: `send` requests, and iterate over the responses to the newest."""

    def __init__(self, catalogue: Catalogue, engine: SharedEngine, size: int) -> None:
        self._engine = engine
        self._session = Session(catalogue, engine, size, NoWitness(), lambda: None)

    def send(self, request: pb.FollowRequest) -> None:
        """Take a request. Raises Refused, after which only `close` may be called."""
        with self._engine.lock:
            self._session.take(request)

    def __iter__(self) -> Iterator[pb.FollowResponse]:
        """The responses not given yet, each with no more work than it needs; ends where only a request can bring more."""
        return (response for responses in self.steps() for response in responses)

    def steps(self) -> Iterator[Sequence[pb.FollowResponse]]:
        """The same, all that a tick brought at once, and be it nothing: there, whoever waits may turn to something else."""
        while True:
            with self._engine.lock:
                responses = self._responses()
                if not responses:
                    if self._session.is_at_rest:
                        return
                    self._engine.tick()
                    responses = self._responses()
            yield responses

    def _responses(self) -> Sequence[pb.FollowResponse]:
        """Those that there are without a tick."""
        return list(iter(self._session.next, None))

    def close(self) -> None:
        """Let the engine stop working for the document."""
        with self._engine.lock:
            self._session.close()


class NoWitness:
    """A witness that counts nothing, because there are no metrics here."""

    def note_text(self, characters: int) -> None:
        """A piece was written."""

    def note_timing(self, timing: Timing) -> None:
        """An alternative has ended."""

    def note_suggestion(self, outcome: str) -> None:
        """Suggestions were accepted, dismissed, or neither."""
