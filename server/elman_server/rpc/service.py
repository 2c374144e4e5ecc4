"""The methods of elman.v1.CompletionService: check the request, submit its jobs, and write what the engine tells."""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import cast

from elman.v1 import completion_service_pb2 as pb
from elman_server.config import SESSION_BYTES
from elman_server.engine.asker import Asker
from elman_server.engine.engine import Engine, Entrance
from elman_server.engine.job import Job, Progress
from elman_server.errors import Unavailable
from elman_server.follow.session import Session
from elman_server.requests.catalogue import Catalogue, Served, is_same
from elman_server.requests.completion import CheckedCompletion, effort_of
from elman_server.requests.listing import list_models
from elman_server.requests.scoring import Scoring
from elman_server.rpc.call import CALL_BYTES, CallRecord, Context
from elman_server.rpc.follow_call import FollowCall, Read
from elman_server.rpc.news import News

SCORED_BYTES = 48
"""What a character takes while it is scored: its text, its place in the vocabulary, and its number in two lists."""


class CompletionService:
    """Answers calls from one engine. It has no sessions beyond a call: all it knows of a caller is the running call."""

    def __init__(
        self,
        catalogue: Catalogue,
        engine: Engine,
        session_bytes: int = SESSION_BYTES,
        status: Callable[[], pb.ServerStatus] = pb.ServerStatus,
    ) -> None:
        self._catalogue = catalogue
        self._engine = engine
        self._session_bytes, self._status = session_bytes, status
        self._running: dict[News, Job] = {}
        self._follow_calls: set[FollowCall] = set()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._is_leaving = self._is_closed = False  # takes no more documents; takes no more calls

    def check_arrival(self, context: Context, call: CallRecord) -> None:
        """Raise TooLate if what is asked for, which is not read yet, could hardly end before the deadline."""
        self._engine.check_arrival(asker_of(context, call))

    async def complete(self, request: pb.CompleteRequest, context: Context, call: CallRecord) -> None:
        """Started, Pieces, and Finished for each alternative."""
        asker = asker_of(context, call)
        self._engine.check_time(effort_of(request), asker)  # before anything is made of it
        completion = self._begin_completion(request, call)
        del request  # it may be long, and the completion longer
        news = News()
        jobs = completion.jobs(news.tell)
        submission = completion.submission(jobs, news.tell)
        completion = completion.without_text()
        call.canonical = completion.canonical
        self._submit(submission, news, asker)
        call.release = partial(self._release, submission, news)
        try:
            await call.write(context.write(completion.started()))
            call.written()
            running = len(jobs)
            while running:
                progress = await news.next()
                for event in completion.responses(progress):
                    await call.write(context.write(event))
                    call.written()
                self._note_written(progress, call)
                running -= progress.is_last
        finally:
            self._forget(submission, news)

    def _note_written(self, progress: Progress, call: CallRecord) -> None:
        if progress.text:
            call.note_text(len(progress.text))
        progress.acknowledge(self._engine)
        if progress.is_last:
            call.note_timing(progress.job.timing)

    def _begin_completion(self, request: pb.CompleteRequest, call: CallRecord) -> CheckedCompletion:
        self._check_open()
        completion = CheckedCompletion.of(request, self._catalogue)
        call.holding.hold(CALL_BYTES + completion.held_bytes)
        call.model = completion.served.name
        call.note_prefix(completion.prefix_characters + len(completion.received), completion.state.position)
        return completion

    async def follow(self, read: Read, context: Context, call: CallRecord) -> None:
        """Suggest what may follow a document's cursor while the document is edited."""
        if self._is_leaving:
            raise Unavailable
        entrance = Entrance(self._engine, Asker(call.peer, is_document=True))
        follow_call = FollowCall(read, context, call, partial(Session, self._catalogue, entrance, self._session_bytes))
        self._follow_calls.add(follow_call)
        self._note_idleness()
        try:
            await follow_call.run()
        finally:
            self._follow_calls.remove(follow_call)
            self._note_idleness()

    async def score(self, request: pb.ScoreRequest, context: Context, call: CallRecord) -> None:
        """Tell how likely the model finds a text."""
        self._check_open()
        scoring = Scoring.of(request, self._catalogue)
        del request
        call.holding.hold(CALL_BYTES + SCORED_BYTES * len(scoring.text))
        call.model, call.canonical = scoring.served.name, scoring.canonical
        call.note_prefix(len(scoring.text), scoring.state.position)
        response = await self._score(scoring, call, asker_of(context, call))
        await call.write(context.write(response))

    async def _score(self, scoring: Scoring, call: CallRecord, asker: Asker) -> pb.ScoreResponse:
        if not scoring.text:
            return scoring.response((), scoring.state)
        news = News()
        job = scoring.job(news.tell)
        self._submit([job], news, asker)
        try:
            last = await news.next()
            call.note_timing(job.timing)
            return scoring.response(last.log_probabilities, last.state or scoring.state)
        finally:
            self._forget([job], news)

    async def list_models(self, request: pb.ListModelsRequest, context: Context, call: CallRecord) -> None:
        """List the models that are served, and tell how the server is doing if that is asked for."""
        self._check_open()
        response = list_models(self._catalogue)
        if request.include_status:
            response.server.CopyFrom(self._status())
        await call.write(context.write(response))

    @property
    def running(self) -> int:
        """The number of running calls."""
        return len(self._running) + len(self._follow_calls)

    async def until_idle(self) -> None:
        """Wait until no call is running."""
        await self._is_idle.wait()

    def end_all(self, failure: Exception) -> None:
        """End every running call with a status, and take no more."""
        self._is_closed = True
        for news, job in self._running.items():
            news.tell(Progress(job, failure=failure))
        self.end_follow_calls(failure)

    def end_follow_calls(self, failure: Exception) -> None:
        """End the calls that would go on for as long as somebody types, and take no more of them."""
        self._is_leaving = True
        for follow_call in self._follow_calls:
            follow_call.end(failure)

    def move_documents(self, old: Served, failure: Exception) -> int:
        """End the calls that follow documents with a model; how many there are. What runs otherwise goes on to its end."""
        moved = [each for each in self._follow_calls if each.served and is_same(each.served, old)]
        for follow_call in moved:
            follow_call.end(failure)
        return len(moved)

    def uses(self, digest: str) -> bool:
        """Whether a running call asks a model for something, or may do so."""
        documents = (each.served.model.digest for each in self._follow_calls if each.served)
        return any(job.model.digest == digest for job in self._running.values()) or digest in documents

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable

    def _submit(self, jobs: Sequence[Job], news: News, asker: Asker) -> None:
        self._engine.submit(jobs, asker)
        self._running[news] = jobs[0]
        self._note_idleness()

    def _forget(self, jobs: Sequence[Job], news: News) -> None:
        """The caller has what it wanted, or is gone: rows that still work for it are freed."""
        self._running.pop(news, None)
        self._note_idleness()
        for job in jobs:
            self._engine.cancel(job)

    def _release(self, jobs: Sequence[Job], news: News) -> None:
        """Give back what a call holds whose caller does not read."""
        self._forget(jobs, news)
        news.drop()

    def _note_idleness(self) -> None:
        if self.running:
            self._is_idle.clear()
        else:
            self._is_idle.set()


def asker_of(context: Context, call: CallRecord) -> Asker:
    """Who asks, and until when; a connection is a caller."""
    left = cast("float | None", context.time_remaining())
    return Asker(call.peer, inf if left is None else time.monotonic() + left)
