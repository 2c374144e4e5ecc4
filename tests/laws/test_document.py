"""A document, wherever it is suggested for: after any edits, broken streams and moves, what Complete says of the whole text."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakSet

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from elman.aio.client import AsyncClient
from elman.aio.document import AsyncDocument
from elman.protocol import draft, gathering
from elman.protocol.context import Context
from elman.protocol.draft import Draft
from elman.protocol.editable import Editable
from elman.protocol.gap import GapBuffer
from elman.protocol.retry import Retry
from elman.protocol.suggestions import Suggestion
from elman.protocol.surroundings import is_in_word, until_met, worth_showing
from elman.sync.client import Client
from elman.sync.embedded import EngineTransport
from elman.text import folded
from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.choice import open_execution
from elman_models.law.artifact import Model, save
from elman_server.config import ServerConfig
from elman_server.embedded import ROWS, Embedded
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.server import Server

if TYPE_CHECKING:
    from tests.conftest import MakeModel
    from tests.laws.conftest import Ask, Visits

NAMES = ("one", "two")
SESSION_BYTES = 1 << 15
"""The least that a server may keep, so that it soon needs text."""

TYPED = st.text("\n abcdefz☂😀", max_size=4) | st.text("\n\r ae\u0301\u0302\u0323\ufeff\u1100\u1161é", max_size=4)
LONG = "a bad cab, a fed bed\r\n" * 300
PASTED = st.text("\n abcdefz☂", min_size=9, max_size=60) | st.just(LONG)
PATIENT = Retry(attempts=12, first_seconds=0.02, largest_seconds=0.2)
ALL, TIMEOUT_SECONDS = 100_000, 30

ALL_READ = threading.Event()
"""Set whenever nothing is left to be read ahead."""

MOST = st.sampled_from([0, 1, 2, ALL, ALL])

Result = TypeVar("Result")


class Loop:
    """An event loop in a thread of its own, where the servers live."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something there and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_SECONDS)

    def close(self) -> None:
        self.run(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _end(self) -> None:
        """End what is left: gRPC is not done with a call as soon as its server has stopped."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Replica:
    """A server behind an address that stays, whose connections can be cut and whose server can be replaced."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        await self._serve()

    async def _serve(self) -> None:
        self._server = Server(self._config)
        await self._server.start()

    async def replace(self) -> None:
        """The server says goodbye; another one takes its place."""
        self._server.leave()
        await self._server.until_stopped()
        await self._serve()

    async def cut(self) -> None:
        """Every connection is gone, without a word."""
        for writer in self._writers:
            writer.transport.abort()

    async def stop(self) -> None:
        self._listener.close()
        self._server.leave()
        await self._server.until_stopped()
        await self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _accept(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server.port)
        except OSError:  # nobody is there
            to_client.transport.abort()
            return
        except asyncio.CancelledError:  # all is at its end
            to_client.transport.abort()
            raise
        for reader, writer in ((from_client, to_server), (from_server, to_client)):
            self._writers.add(writer)
            pump = asyncio.create_task(self._pump(reader, writer, (to_client, to_server)))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, both: Sequence[asyncio.StreamWriter]
    ) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # it was cut, which is what this is for
        finally:
            self._writers.discard(writer)
            for each in both:
                each.transport.abort()


class Hand(Protocol):
    """Whoever edits, by one of the faces."""

    def edit(self, act: Callable[[Editable], Result]) -> Result:
        """Do something to the document."""
        ...

    def hear(self, most: int) -> list[Suggestion]:
        """At most this many of the suggestions."""
        ...

    def rest(self) -> None:
        """Do nothing, for as long as there is something to read meanwhile."""
        ...

    def close(self) -> None: ...


class Synchronous:
    """In this thread."""

    def __init__(self, client: Client, given: Mapping[str, Any]) -> None:
        self._client, self._document = client, client.document(**given)

    def edit(self, act: Callable[[Editable], Result]) -> Result:
        return act(self._document)

    def hear(self, most: int) -> list[Suggestion]:
        return list(islice(self._document.suggestions(timeout=TIMEOUT_SECONDS), most))

    def rest(self) -> None:
        """A server is not asked for more than is needed."""

    def close(self) -> None:
        self._document.close()
        self._client.close()


class Here(Synchronous):
    """In this thread, where the engine is as well. Other threads wait for something to suggest."""

    def __init__(self, client: Client, given: Mapping[str, Any]) -> None:
        super().__init__(client, given)
        self._waiting: list[threading.Thread] = []

    def rest(self) -> None:
        if self._document.digest:
            ALL_READ.clear()
            self._waiting.append(threading.Thread(target=self._document.wait))
            self._waiting[-1].start()
            assert ALL_READ.wait(TIMEOUT_SECONDS)

    def close(self) -> None:
        super().close()
        for thread in self._waiting:
            thread.join(TIMEOUT_SECONDS)


class Asynchronous:
    """In the loop of the servers: gRPC supports one of them in a process."""

    def __init__(self, loop: Loop, client: AsyncClient, given: Mapping[str, Any]) -> None:
        self._loop, self._client = loop, client
        self._document = loop.run(self._open(given))

    def rest(self) -> None:
        """A server is not asked for more than is needed."""

    async def _open(self, given: Mapping[str, Any]) -> AsyncDocument:
        return self._client.document(**given)

    def edit(self, act: Callable[[Editable], Result]) -> Result:
        async def edit() -> Result:
            return act(self._document)

        return self._loop.run(edit())

    def hear(self, most: int) -> list[Suggestion]:
        return self._loop.run(self._hear(most))

    async def _hear(self, most: int) -> list[Suggestion]:
        heard: list[Suggestion] = []
        if not most:
            return heard
        async with aclosing(self._document.suggestions(timeout=TIMEOUT_SECONDS)) as suggestions:
            async for suggestion in suggestions:
                heard.append(suggestion)
                if len(heard) == most:
                    break
        return heard

    def close(self) -> None:
        self._loop.run(self._close())

    async def _close(self) -> None:
        await self._document.close()
        await self._client.close()


@dataclass(frozen=True)
class World:
    """Two replicas, and an engine that is asked for everything afresh."""

    loop: Loop
    replicas: Sequence[Replica]
    catalogue: Catalogue
    fresh: Embedded
    ask: "Ask"

    @property
    def addresses(self) -> list[str]:
        return [replica.address for replica in self.replicas]


OpenHand = Callable[[World, Mapping[str, Any]], Hand]


def synchronous(world: World, given: Mapping[str, Any]) -> Hand:
    return Synchronous(Client(world.addresses, retry=PATIENT), given)


def asynchronous(world: World, given: Mapping[str, Any]) -> Hand:
    return Asynchronous(world.loop, AsyncClient(world.addresses, retry=PATIENT), given)


def embedded(world: World, given: Mapping[str, Any]) -> Hand:
    return Here(Client.over([EngineTransport(engine(world.catalogue))]), given)


def stop(loop: Loop, replica: Replica) -> None:
    loop.run(replica.stop())


def engine(catalogue: Catalogue) -> Embedded:
    return Embedded(catalogue, {one.model.digest: open_execution(one.model, ROWS, "cpu") for one in catalogue})


class Editor(RuleBasedStateMachine):
    """A person who edits, while connections break and servers come and go."""

    def __init__(self, world: World, open_hand: OpenHand, visits: "Visits") -> None:
        super().__init__()
        self.world, self.open_hand, self.visits = world, open_hand, visits

    @initialize(
        seed=st.integers(0, 2**64 - 1),
        temperature=st.sampled_from([0.0, 0.6, 1.0]),
        stop=st.sampled_from([[], ["ab", "\n"]]),
        alternatives=st.sampled_from([1, 2, 5]),
        text=TYPED | PASTED,
        share=st.floats(0, 1),
        context=st.sampled_from([None, 1, 40, 300, 1024]),
    )
    def begin(
        self, seed: int, temperature: float, stop: list[str], alternatives: int, text: str, share: float, context: int | None
    ) -> None:
        self.text = text
        self.cursor = round(share * len(self.text))
        self.wanted = pb.CompleteRequest(
            model=pb.Model(name="one"),
            sampling=pb.Sampling(seed=seed, temperature=temperature),
            limits=pb.Limits(max_characters=20, stop=stop),
            alternatives=alternatives,
        )
        given: dict[str, Any] = {"text": text, "cursor": self.cursor, "model": "one", "max_characters": 20, "stop": stop}
        sampling: dict[str, Any] = {"seed": seed, "temperature": temperature, "alternatives": alternatives, "min_confidence": 0}
        self.context = context
        self.hand = self.open_hand(self.world, given | sampling | {"context_characters": context})
        self.suggests = True
        self.shown: dict[int, Suggestion] = {}

    def place(self, share: float) -> int:
        return round(share * len(self.text))

    def put(self, start: int, end: int, text: str) -> None:
        """The text as it must be now."""
        self.text = self.text[:start] + text + self.text[end:]
        self.cursor = start + len(text)
        self.shown = {}

    @rule(text=TYPED | PASTED, most=MOST)
    def insert(self, text: str, most: int) -> None:
        self.hand.edit(lambda document: document.insert(text))
        self.put(self.cursor, self.cursor, text)
        self.suggests = True
        self.hear(most)

    @rule(count=st.integers(0, 9), suggests=st.booleans(), most=MOST)
    def delete(self, count: int, suggests: bool, most: int) -> None:
        count = min(count, self.cursor)
        self.hand.edit(lambda document: document.delete(count, suggest=suggests))
        self.put(self.cursor - count, self.cursor, "")
        self.suggests = suggests
        self.hear(most)

    @rule(start=st.floats(0, 1), share=st.floats(0, 1), text=TYPED | PASTED, most=MOST)
    def replace(self, start: float, share: float, text: str, most: int) -> None:
        begin = self.place(start)
        end = begin + round(share * (len(self.text) - begin))
        self.hand.edit(lambda document: document.replace(begin, end, text))
        self.put(begin, end, text)
        self.suggests = bool(text)
        self.hear(most)

    @rule(share=st.floats(0, 1), most=MOST)
    def move(self, share: float, most: int) -> None:
        self.cursor = self.place(share)
        self.hand.edit(lambda document: document.move(self.cursor))
        self.suggests, self.shown = True, {}
        self.hear(most)

    @rule(which=st.floats(0, 1), share=st.floats(0, 1), jumps=st.booleans(), most=MOST)
    def accept(self, which: float, share: float, jumps: bool, most: int) -> None:
        if not self.shown:  # what there is depends on the moment, so neither a precondition nor a draw may depend on it
            self.hear(ALL)
        if not self.shown:
            return
        suggestion = [*self.shown.values()][round(which * (len(self.shown) - 1))]
        count = max(1, round(share * len(suggestion.text)))
        self.visits.note("a part taken over", count < len(suggestion.text))
        self.visits.note("all taken over", count == len(suggestion.text))
        accepted = self.hand.edit(lambda document: document.accept(suggestion.alternative, count))
        assert accepted == suggestion.text[:count]
        self.put(self.cursor, self.cursor, accepted)
        self.suggests = True
        if jumps:
            self.visits.note("a part taken over, then a jump", count < len(suggestion.text))
            self.cursor = self.place(share)
            self.hand.edit(lambda document: document.move(self.cursor))
        self.hear(most)

    @rule(most=MOST)
    def rest(self, most: int) -> None:
        """Nobody types for a while, so that what lies around is read, where the engine is in this process."""
        self.hear(ALL)
        self.hand.edit(lambda document: document.insert("", suggest=False))
        self.suggests, self.shown = False, {}
        self.hand.rest()
        self.hear(most)

    @rule(most=MOST)
    def dismiss(self, most: int) -> None:
        self.hand.edit(Editable.dismiss)
        self.suggests, self.shown = False, {}
        self.hear(most)

    @rule(name=st.sampled_from(NAMES), most=MOST)
    def switch(self, name: str, most: int) -> None:
        self.hand.edit(lambda document: document.switch(name))
        self.wanted.model.name = name
        self.suggests, self.shown = True, {}
        self.hear(most)

    @rule(number=st.integers(0, 1), event=st.sampled_from([Replica.cut, Replica.cut, Replica.cut, Replica.replace]), most=MOST)
    def lose_stream(self, number: int, event: Callable[[Replica], Coroutine[Any, Any, None]], most: int) -> None:
        self.world.loop.run(event(self.world.replicas[number]))
        self.hear(most)

    @rule(leaves=st.sampled_from([True, False, False]), most=MOST)
    def leave(self, leaves: bool, most: int) -> None:
        """Now and then every server leaves: whichever is listened to says goodbye."""
        if leaves and self.open_hand is not embedded:
            for replica in self.world.replicas:
                self.world.loop.run(replica.replace())
        self.hear(most)

    @rule(most=MOST)
    def overwrite_and_go_back(self, most: int) -> None:
        """More than a session holds, and then to what it has forgotten."""
        end = len(self.text)
        self.hand.edit(lambda document: document.replace(0, end, LONG))
        self.put(0, end, LONG)
        self.suggests = True
        self.hear(1)
        self.cursor = 1
        self.hand.edit(lambda document: document.move(1))
        self.shown = {}
        self.hear(most)

    def hear(self, most: int) -> None:
        """Text only grows, and in the end it is what Complete says."""
        for suggestion in self.hand.hear(most):
            assert self.is_asked
            assert suggestion.position == self.cursor
            before = self.shown.get(suggestion.alternative)
            assert suggestion.text.startswith(before.text if before else "")
            self.shown[suggestion.alternative] = suggestion
        assert self.hand.edit(lambda document: (document.text, document.cursor)) == (self.text, self.cursor)
        if most == ALL:
            told = {number: (each.text, each.finish_reason) for number, each in self.shown.items()}
            assert told == (self.afresh() if self.is_asked else {})
            assert not self.is_asked or self.hand.edit(lambda document: document.model) == self.wanted.model.name

    @property
    def is_asked(self) -> bool:
        """Nothing is suggested in the middle of a word, nor of what is read as one character."""
        before, after = folded(self.text[: self.cursor]), folded(self.text[self.cursor :])
        is_between = folded(self.text) == before + after
        self.visits.note("within what is read as one", not is_between)
        return self.suggests and is_between and not is_in_word(before, after)

    def afresh(self) -> dict[int, tuple[str, str]]:
        """What Complete says of the text that is read, each once, up to where it meets what follows; no space alone."""
        before, after = folded(self.text[: self.cursor]), folded(self.text[self.cursor :])
        context = Context(GapBuffer(before), self.context)
        begins = context.start(context.page(len(before)))
        self.visits.note("a part of the text", begins > 0)
        self.visits.note("read otherwise than given", before != self.text[: self.cursor])
        self.wanted.prefix = before[begins:]
        said = dict[str, tuple[int, str]]()
        for number, one in enumerate(self.world.ask(self.world.fresh, self.wanted)):
            text = worth_showing(until_met(one.text, after))
            said.setdefault(text, (number, pb.FinishReason.Name(one.reason).removeprefix("FINISH_REASON_").lower()))
        return {number: (text, reason) for text, (number, reason) in said.items() if text}

    def teardown(self) -> None:
        if hasattr(self, "hand"):
            try:
                self.hear(ALL)
            finally:
                self.hand.close()


@pytest.fixture
def world(make_model: "MakeModel", ask: "Ask", tmp_path: Path) -> Iterator[World]:
    models: Sequence[Model] = [make_model(), make_model(characters="\n !abcdefgé…😀xyz", seed=2)]
    paths = [tmp_path / f"{name}.safetensors" for name in NAMES]
    for model, path in zip(models, paths, strict=True):
        save(model, path)
    catalogue = Catalogue([Served(name, model) for name, model in zip(NAMES, models, strict=True)])
    served = tuple(f"{name}={path}" for name, path in zip(NAMES, paths, strict=True))
    quick: dict[str, Any] = {"drain_notice_seconds": 0, "grace_seconds": 0, "session_bytes": SESSION_BYTES}
    config = ServerConfig(served, port=0, metrics_port=0, rows=8, **quick)
    with ExitStack() as stack:
        loop = Loop()
        stack.callback(loop.close)
        replicas = [Replica(config), Replica(config)]
        for replica in replicas:
            loop.run(replica.start())
            stack.callback(partial(stop, loop, replica))
        yield World(loop, replicas, catalogue, engine(catalogue), ask)


class Overheard:
    """Counts what drafts say and hear."""

    def __init__(self, visits: "Visits", patch: pytest.MonkeyPatch) -> None:
        self._visits, self._requests, self._receive = visits, Draft.requests, Draft.receive
        self._left = WeakSet[Draft]()  # whose server said goodbye, and which have not begun again

        def requests(one: Draft, *asks: bool) -> Iterator[pb.FollowRequest]:
            return self.requests(one, *asks)

        def receive(one: Draft, response: pb.FollowResponse) -> None:
            self.receive(one, response)

        def idle_request(one: Draft) -> pb.ScoreRequest | None:
            if (request := ahead(one)) is None:
                ALL_READ.set()
            visits.note("read ahead", request is not None)
            return request

        ahead = Draft.idle_request
        patch.setattr(Draft, "idle_request", idle_request)
        patch.setattr(Draft, "requests", requests)
        patch.setattr(Draft, "receive", receive)

    def requests(self, one: Draft, *asks: bool) -> Iterator[pb.FollowRequest]:
        for count, request in enumerate(self._requests(one, *asks), 1):
            event = str(request.WhichOneof("event"))
            self._visits.note(event)
            self._visits.note("several messages", count > 1)
            self._visits.note("an open by a state", bool(request.open.state))
            self._visits.note("a goodbye, then resumed", event == "open" and one in self._left)
            self._left.discard(one)
            yield request

    def receive(self, one: Draft, response: pb.FollowResponse) -> None:
        event = str(response.WhichOneof("event"))
        self._visits.note(event)
        self._visits.note("news of an older text", response.revision < one.revision)
        if event == "goodbye":
            self._left.add(one)
        self._receive(one, response)


EVERYWHERE = (
    *("open", "edit", "accept", "dismiss", "started", "suggestion", "finished", "several messages"),
    *("a part taken over", "all taken over", "a part taken over, then a jump", "an open by a state", "a part of the text"),
    *("read otherwise than given", "within what is read as one"),
)
"""Where the law is tried, whoever suggests."""

BETWEEN_REPLICAS = ("need_text", "goodbye", "a goodbye, then resumed", "news of an older text")
HERE = ("read ahead",)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("open_hand", [synchronous, asynchronous, embedded])
def test_after_any_edits_breaks_and_moves_the_suggestions_are_those_of_a_fresh_complete(
    world: World, open_hand: OpenHand, visits: "Visits", monkeypatch: pytest.MonkeyPatch
) -> None:
    Overheard(visits, monkeypatch)
    monkeypatch.setattr(draft, "LONGEST_TEXT", 1 << 10)
    monkeypatch.setattr(draft, "JUMP", 10)
    monkeypatch.setattr(gathering, "SPACING", 8)
    monkeypatch.setattr(gathering, "LONGEST_STRETCH", 1 << 9)
    monkeypatch.setattr("elman.sync.document.IDLE_SECONDS", 0)
    examples = settings(deadline=None, max_examples=40, stateful_step_count=25)
    machine: Any = partial(Editor, world, open_hand, visits)
    situations = HERE if open_hand is embedded else BETWEEN_REPLICAS
    visits.run(machine, examples, *EVERYWHERE, *situations)
