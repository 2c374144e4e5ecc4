"""The synchronous face: the same names as `elman.aio.client`, over the same pure core (`exchange`, `retry`)."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from elman.addresses import DEFAULT_ADDRESS, is_one_server, targets
from elman.clock import SystemClock
from elman.credentials import NONE, Credentials
from elman.errors import ElmanError
from elman.protocol.draft import Draft
from elman.protocol.exchange import Exchange, is_news
from elman.protocol.received import ReceivedCompletion
from elman.protocol.replicas import Replicas
from elman.protocol.request import complete_request, opening, score_request
from elman.protocol.results import ModelDescription, Piece, Score, ServerStatus
from elman.protocol.retry import Retry, Tries
from elman.protocol.stretches import Stretches
from elman.ranges import encodable, not_negative
from elman.sync.document import Document
from elman.sync.hedge import Events, race
from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from elman.sync.transport import Transport

Answer = TypeVar("Answer")


class Client:
    """Completes and scores text. Addresses are tried one after another; any of them resumes what another began.

    An address is HOST:PORT, or HOST for port 50051, or what gRPC resolves, such as dns:///NAME:PORT: calls are spread over the
    name's healthy replicas.
    What is not answered within `hedge_seconds` (a score, or the first text of a completion) is also asked of a second
    replica: the first answer wins, and the other call is cancelled. Both would say the same.
    `credentials` say whom it trusts and what it shows; without any, text travels as it is. Raises MendRequest.

    Several threads may share a client; a completion belongs to one thread.
    """

    def __init__(
        self,
        addresses: str | Sequence[str] = DEFAULT_ADDRESS,
        *,
        retry: Retry | None = None,
        hedge_seconds: float | None = None,
        credentials: Credentials = NONE,
    ) -> None:
        self._hedge_seconds = None if hedge_seconds is None else not_negative("hedge_seconds", hedge_seconds)
        from elman.sync.transport import GrpcTransport  # an engine in this process does without gRPC

        found = targets(addresses)
        transports = [GrpcTransport(target, credentials) for target in found]
        self._over(transports, retry, each_is_one_server=all(map(is_one_server, found)))

    @classmethod
    def over(cls, transports: "Sequence[Transport]", *, retry: Retry | None = None) -> Self:
        """A client that uses the given transports, such as the engine in this process."""
        client = cls.__new__(cls)
        client._hedge_seconds = None
        client._over(transports, retry, each_is_one_server=True)
        return client

    def _over(self, transports: "Sequence[Transport]", retry: Retry | None, *, each_is_one_server: bool) -> None:
        self._replicas = Replicas(transports, retry, SystemClock(), each_is_one_server=each_is_one_server)

    def complete(
        self,
        prefix: str = "",
        *,
        model: str | None = None,
        digest: str = "",
        state: bytes = b"",
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        seed: int | None = None,
        max_characters: int = 256,
        stop: Sequence[str] = (),
        min_confidence: float | None = None,
        alternatives: int = 1,
        first_alternative: int = 0,
        include_log_probabilities: bool = False,
        timeout: float | None = None,
    ) -> "Completion":
        """Continue a text. `timeout`, in seconds from now, covers every retry; the other fields are those of the proto.

        Nothing is sent before the first piece is asked for. Raises MendRequest.
        """
        request = complete_request(
            prefix=prefix,
            model=model,
            digest=digest,
            state=state,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            seed=seed,
            max_characters=max_characters,
            stop=stop,
            min_confidence=min_confidence,
            alternatives=alternatives,
            first_alternative=first_alternative,
            include_log_probabilities=include_log_probabilities,
        )
        exchange = Exchange(request)
        return Completion(exchange, self._pieces(exchange, self._replicas.tries(timeout)))

    def document(
        self,
        text: str = "",
        *,
        cursor: int | None = None,
        model: str | None = None,
        digest: str = "",
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        seed: int | None = None,
        max_characters: int = 64,
        stop: Sequence[str] = ("\n",),
        min_confidence: float | None = None,
        alternatives: int = 1,
        include_log_probabilities: bool = False,
        whole_words: bool = False,
        heed_surroundings: bool = True,
        context_characters: int | None = None,
        debounce_seconds: float = 0.0,
    ) -> Document:
        """A document to edit, with the cursor at its end unless one is given: see Document.

        The fields are those of `complete`, but with the defaults of ghost text: the most probable, up to the line's end.
        It ends by the model's own threshold where `min_confidence` is None, and by none where it is 0.
        `whole_words` cuts off a last word that may be incomplete (by its own threshold, a model finishes all but the one that
        stands before the cursor); `debounce_seconds` is how long to wait after an edit before asking for suggestions.
        Unless it is to `heed_surroundings`, it suggests in the middle of a word as well, and what would repeat the text after
        the cursor: an editor that has its own rules asks for that.
        `context_characters` is the most that a model reads before the cursor, so that a long text costs no more than that; None
        is all. It reads from the start of a line, which moves in steps of half of that, so at least about half is read.
        Nothing is sent before suggestions are asked for. Raises MendRequest, TypeError, or ElmanError if the client is closed.
        """
        self._replicas.check_open()
        fields = opening(
            model=model,
            digest=digest,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            seed=seed,
            max_characters=max_characters,
            stop=stop,
            min_confidence=min_confidence,
            alternatives=alternatives,
            include_log_probabilities=include_log_probabilities,
        )
        draft = Draft(fields, text, cursor, trims=whole_words, heeds=heed_surroundings, context=context_characters)
        return Document(draft, self._replicas, not_negative("debounce_seconds", debounce_seconds))

    def score(
        self,
        text: str,
        *,
        model: str | None = None,
        digest: str = "",
        state: bytes = b"",
        include_log_probabilities: bool = False,
        timeout: float | None = None,
    ) -> Score:
        """How likely the model finds a text, however long it is. Raises ElmanError."""
        request = score_request(model=model, digest=digest, state=state, include_log_probabilities=include_log_probabilities)
        return self._read(Stretches(request, encodable("text", text)), self._replicas.tries(timeout))

    def _read(self, stretches: Stretches, tries: Tries) -> Score:
        """Read all of a text, however long it is."""
        while (request := stretches.next_request()) is not None:
            try:
                stretches.take(self._score(request, tries))
            except ElmanError as error:
                time.sleep(self._replicas.wait_seconds(tries, error, stretches))
        return stretches.score

    def _score(self, request: pb.ScoreRequest, tries: Tries) -> pb.ScoreResponse:
        with closing(self._hedged(lambda transport, left: transport.score(request, left), tries, lambda _: True)) as answers:
            return next(iter(answers))

    def models(self, *, timeout: float | None = None) -> list[ModelDescription]:
        """The models that the server has loaded, its default first. Raises ElmanError."""
        response = self._list_models(pb.ListModelsRequest(), timeout)
        return [ModelDescription.of(each) for each in response.models]

    def status(self, *, timeout: float | None = None) -> ServerStatus:
        """How the server is doing: its build, models, rows and queue; of several, any. Raises ElmanError."""
        return ServerStatus.of(self._list_models(pb.ListModelsRequest(include_status=True), timeout))

    def _list_models(self, request: pb.ListModelsRequest, timeout: float | None) -> pb.ListModelsResponse:
        tries = self._replicas.tries(timeout)
        while True:
            try:
                return self._replicas.transport(tries).list_models(request, tries.seconds_left())
            except ElmanError as error:
                time.sleep(self._replicas.wait_seconds(tries, error))

    def close(self) -> None:
        """Close the connections. Completions that are still running end, and nothing can be asked afterwards."""
        self._replicas.close()
        for transport in self._replicas.transports:
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _pieces(self, exchange: Exchange, tries: Tries) -> Generator[Piece]:
        """The pieces of stream after stream, until every alternative has ended."""
        while (request := self._next_request(exchange, tries)) is not None:
            try:
                with closing(self._events(request, tries, exchange.progress)) as events:
                    yield from filter(None, map(exchange.receive, events))
                exchange.end()
            except ElmanError as error:
                time.sleep(self._replicas.wait_seconds(tries, error, exchange))

    def _next_request(self, exchange: Exchange, tries: Tries) -> pb.CompleteRequest | None:
        """What to ask for now, once what is too long for that is read."""
        if stretches := exchange.stretches:
            exchange.note_read(self._read(stretches, tries))
        return exchange.next_request()

    def _events(self, request: pb.CompleteRequest, tries: Tries, progress: int) -> Events[pb.CompleteResponse]:
        """The events of one stream. Only the first is hedged: a resumed one goes to a single replica."""
        if progress:
            return self._replicas.transport(tries).complete(request, tries.seconds_left())
        return self._hedged(lambda transport, left: transport.complete(request, left), tries, is_news)

    def _hedged(
        self,
        begin: "Callable[[Transport, float | None], Events[Answer]]",
        tries: Tries,
        is_answer: Callable[[Answer], bool],
    ) -> Events[Answer]:
        first, second = (partial(self._begin, begin, transport, tries) for transport in self._replicas.two_transports(tries))
        return first() if self._hedge_seconds is None else race(first, second, self._hedge_seconds, is_answer)

    @staticmethod
    def _begin(
        begin: "Callable[[Transport, float | None], Events[Answer]]", transport: "Transport", tries: Tries
    ) -> Events[Answer]:
        return begin(transport, tries.seconds_left())


class Completion(ReceivedCompletion):
    """Iterates over the pieces of a completion as they arrive. Closing or dropping it cancels what is still running."""

    def __init__(self, exchange: Exchange, pieces: Generator[Piece]) -> None:
        super().__init__(exchange)
        self._pieces = pieces

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        self._has_begun = True
        return next(self._pieces)

    def read(self) -> str:
        """Wait for the end; returns the text of the first alternative. Raises ElmanError, and keeps what was received."""
        for _ in self:
            pass
        return self.text

    def close(self) -> None:
        """Cancel what is still running. What was received stays."""
        self._pieces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
