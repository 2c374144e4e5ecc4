"""A followed document: whatever was edited, accepted and moved, what is suggested is what Complete says of the whole text."""

import gc
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Passage
from elman_models.law.artifact import Model
from elman_models.law.structure import Structure
from elman_server.embedded import ROWS, Embedded, NoWitness
from elman_server.engine.engine import Engine, Tick, TickResult
from elman_server.engine.job import Job
from elman_server.engine.pace import Allowance, Pace, TickKind
from elman_server.follow import editing, tail
from elman_server.follow.attempt import Attempt
from elman_server.follow.followed_text import FollowedText
from elman_server.follow.session import Session
from elman_server.requests.catalogue import Catalogue, Served

if TYPE_CHECKING:
    from tests.conftest import Examples, MakeExecution, MakeModel
    from tests.laws.conftest import Ask, Oracle, Visits

SMALL = 6000
"""Bytes of a session that is soon full: 14 states of the small models and 1500 bytes of text."""

TYPED = st.text("\n abcdefz☂", max_size=4)
PASTED = st.text("\n abcdefz☂", min_size=9, max_size=60)
ALL = 1000
TICKS = st.sampled_from([0, 1, 2, ALL, ALL])


class Interrupted(Engine):
    """An engine whose tick may be under way while requests come, as it is where ticks run beside the event loop."""

    _beside: tuple[Tick, TickResult] | None = None

    def begin_beside(self) -> None:
        """Begin a tick; the next one ends it first."""
        if self._beside is None and (tick := self.begin()):
            self._beside = tick, tick.run()

    @property
    def is_under_way(self) -> bool:
        """Whether a tick has begun and not ended."""
        return self._beside is not None

    def tick(self) -> None:
        """End the tick that is under way, or take one."""
        if self._beside is None:
            super().tick()
        else:
            (tick, result), self._beside = self._beside, None
            self.finish(tick, result)


SITUATIONS = (
    "an edit while text is not consumed",
    "an edit while a tick is under way",
    "a lost document begun anew by an edit",
    "a part accepted",
    "a part typed",
    "all accepted",
    "a part accepted, then a jump",
    "a dismissal while more is to come",
    "a goodbye's state resumed",
    "a move while text is not consumed",
    "need_text",
    "news of a retired attempt",
    "a document that holds less, edited before its end",
    "news of an attempt retired again, later in the text",
)
"""Where the law is tried."""


class Stream:
    """A session on an engine that works only when it is told to."""

    def __init__(self, catalogue: Catalogue, engine: Interrupted, size: int = SMALL) -> None:
        self.engine = engine
        self.session = Session(catalogue, engine, size, NoWitness(), lambda: None)
        self.revision = 0

    def send(self, **event: Any) -> None:
        """One request of the next revision."""
        self.revision += 1
        self.session.take(pb.FollowRequest(revision=self.revision, **event))

    def said(self, ticks: int) -> Iterator[pb.FollowResponse]:
        """What is said to the newest request within this many ticks."""
        for _ in range(ticks):
            while response := self.session.next():
                assert response.revision == self.revision
                yield response
            if self.session.is_at_rest:
                return
            self.engine.tick()


@dataclass(frozen=True)
class World:
    """Two models, servers of both, and one that is asked for everything afresh, by this machine's best execution."""

    models: Sequence[Model]
    make_execution: "MakeExecution"
    ask: "Ask"
    fresh: Embedded
    catalogue: Catalogue

    @classmethod
    def of(cls, models: Sequence[Model], make_execution: "MakeExecution", ask: "Ask") -> "World":
        catalogue = Catalogue([Served(name, model) for name, model in zip(("one", "two"), models, strict=False)])
        fresh = Embedded(catalogue, {model.digest: open_execution(model, ROWS, "cpu") for model in models})
        return cls(models, make_execution, ask, fresh, catalogue)

    def server(self) -> Interrupted:
        executions = {model.digest: self.make_execution(model, 4) for model in self.models}
        return Interrupted(executions, 4, 99, Unhurried)


class Everyone(Allowance):
    """Moves every text, however long its prefix."""

    def moves(self, job: Job) -> bool:
        """Each."""
        return True


class Unhurried(Pace):
    """Seven given characters and three draws a tick, so that anything may be interrupted."""

    def allowance(self, jobs: Sequence[Any]) -> Allowance:
        """The same for every tick."""
        return Everyone(TickKind.DRAW, 7, 3)


class Editor(RuleBasedStateMachine):
    """A person who edits, and a client that holds the text and keeps what it hears."""

    def __init__(self, world: World, visits: "Visits") -> None:
        super().__init__()
        self.world, self.visits = world, visits
        self.engine = world.server()
        self.stream = Stream(world.catalogue, self.engine)
        self.text = ""
        self.holds_less = False

    @initialize(
        seed=st.integers(0, 2**64 - 1),
        temperature=st.sampled_from([0.0, 0.6, 1.0]),
        stop=st.booleans(),
        alternatives=st.sampled_from([1, 2, 12]),
    )
    def begin(self, seed: int, temperature: float, stop: bool, alternatives: int) -> None:
        limits = pb.Limits(max_characters=20, stop=["ab", "\n"] if stop else [], min_confidence=2.0**-20 if stop else None)
        self.wanted = pb.CompleteRequest(
            model=pb.Model(digest=self.world.models[0].digest),
            sampling=pb.Sampling(seed=seed, temperature=temperature),
            limits=limits,
            alternatives=alternatives,
        )
        self.open("", "")

    def open(self, known: str, rest: str, state: bytes | None = None) -> None:
        """Open the document anew, its beginning told by a state."""
        self.text = known + rest
        if state is None:
            state = self.world.fresh.score(pb.ScoreRequest(model=self.wanted.model, text=known)).state if known else b""
        wanted = self.wanted
        fields: dict[str, Any] = {"sampling": wanted.sampling, "limits": wanted.limits, "alternatives": wanted.alternatives}
        self.send(open=pb.Open(model=wanted.model, state=state, prefix=rest, include_state=True, **fields))

    def send(self, suggests: bool = True, **event: Any) -> None:
        """Send a request; whatever was heard before is stale."""
        self.heard, self.ends = dict[int, str](), dict[int, pb.Finished]()
        self.suggests, self.needs_text = suggests, False
        self.stream.send(**event)

    def edit(self, keep: int, insert: str) -> None:
        self.visits.note("an edit while text is not consumed", self.stream.session.unconsumed > 0)
        self.visits.note("an edit while a tick is under way", self.engine.is_under_way)
        self.visits.note("a lost document begun anew by an edit", self.needs_text and keep == 0)
        self.visits.note("a document that holds less, edited before its end", self.holds_less and keep < len(self.text))
        self.holds_less = False
        self.text = self.text[:keep] + insert
        self.send(bool(insert), edit=pb.Edit(keep=keep, insert=insert))

    @rule(insert=TYPED | PASTED, ticks=TICKS)
    def insert(self, insert: str, ticks: int) -> None:
        self.edit(len(self.text), insert)
        self.hear(ticks)

    @rule(share=st.floats(0, 1), insert=TYPED | PASTED, ticks=TICKS)
    def replace_the_end(self, share: float, insert: str, ticks: int) -> None:
        self.edit(round(share * len(self.text)), insert)
        self.hear(ticks)

    @rule(count=st.integers(1, 9), ticks=TICKS)
    def delete(self, count: int, ticks: int) -> None:
        self.edit(max(0, len(self.text) - count), "")
        self.hear(ticks)

    @precondition(lambda self: any(self.heard.values()))
    @rule(data=st.data(), jumps=st.booleans(), ticks=TICKS)
    def accept(self, data: st.DataObject, jumps: bool, ticks: int) -> None:
        alternative, count = data.draw(self.beginnings())
        self.visits.note("a part accepted, then a jump", jumps and count < len(self.heard[alternative]))
        self.take_over(alternative, count, as_text=False)
        if jumps:
            self.open(data.draw(PASTED), self.text[-3:])
        self.hear(ticks)

    @precondition(lambda self: any(self.heard.values()))
    @rule(data=st.data(), ticks=TICKS)
    def type_what_is_suggested(self, data: st.DataObject, ticks: int) -> None:
        self.take_over(*data.draw(self.beginnings()), as_text=True)
        self.hear(ticks)

    @precondition(lambda self: any(self.heard.values()))
    @rule(ticks=TICKS)
    def accept_all(self, ticks: int) -> None:
        alternative, text = next((number, text) for number, text in self.heard.items() if text)
        self.take_over(alternative, len(text), as_text=False)
        self.hear(ticks)

    def beginnings(self) -> st.SearchStrategy[tuple[int, int]]:
        """Alternatives, each with a number of its characters."""
        whole = [(number, len(text)) for number, text in self.heard.items() if text]
        return st.sampled_from(whole).flatmap(lambda one: st.tuples(st.just(one[0]), st.integers(1, one[1])))

    def take_over(self, alternative: int, count: int, as_text: bool) -> None:
        """Accept this many characters of a suggestion, or type them."""
        accepted = self.heard[alternative][:count]
        is_part = count < len(self.heard[alternative])
        self.visits.note("a part accepted", is_part and not as_text)
        self.visits.note("a part typed", is_part and as_text)
        self.visits.note("all accepted", not is_part and not as_text)
        if as_text:
            self.edit(len(self.text), accepted)
        else:
            self.text += accepted
            self.send(accept=pb.Accept(alternative=alternative, characters=count))

    @rule(count=st.integers(1, 9), wrong=TYPED, right=TYPED, ticks=TICKS)
    def retype(self, count: int, wrong: str, right: str, ticks: int) -> None:
        """Two changes while a tick is under way, the second one later in the text, and then one behind both."""
        self.engine.begin_beside()
        self.edit(max(0, len(self.text) - count), wrong)
        self.edit(len(self.text), right)
        self.hear(1)
        self.edit(len(self.text), "a")
        self.hear(ticks)

    @rule()
    def pause(self) -> None:
        """Nobody types for a while."""
        self.stream.session.hold_less()
        self.holds_less = True

    @rule(ticks=TICKS)
    def dismiss(self, ticks: int) -> None:
        self.visits.note("a dismissal while more is to come", not self.stream.session.is_at_rest)
        self.send(False, dismiss=pb.Dismiss())
        self.hear(ticks)

    @rule(way=st.sampled_from(["jump", "reconnect", "move", "switch"]), known=PASTED, ticks=TICKS)
    def open_again(self, way: str, known: str, ticks: int) -> None:
        goodbye = self.stream.session.goodbye().goodbye
        self.visits.note("a goodbye's state resumed", goodbye.position > 0 and way == "move")
        self.visits.note("a move while text is not consumed", self.stream.session.unconsumed > 0 and way == "move")
        if way in ("reconnect", "move"):
            self.stream.session.close()
            self.engine = self.world.server() if way == "move" else self.engine
            self.stream = Stream(self.world.catalogue, self.engine)
        if way == "jump":
            self.open(known, self.text[:3])
        elif way == "move":
            self.open(self.text[: goodbye.position], self.text[goodbye.position :], goodbye.state)
        else:
            models = [model.digest for model in self.world.models]
            self.wanted.model.digest = models[models.index(self.wanted.model.digest) - (way == "switch")]
            self.open("", self.text)
        self.hear(ticks)

    def teardown(self) -> None:
        if hasattr(self, "wanted"):
            self.hear(ALL)

    def hear(self, ticks: int) -> None:
        """Take what is said within this many ticks."""
        for response in self.stream.said(ticks):
            self.take(response)
        if ticks == ALL:
            self.check()
        elif ticks:
            self.engine.begin_beside()

    def check(self) -> None:
        """What was said is what Complete says."""
        assert self.stream.session.is_at_rest
        if self.needs_text:
            if len(self.text) % 2:  # either way will do
                self.open("", self.text)
            else:
                self.edit(0, self.text)
            self.hear(ALL)
        else:
            told = {one: (self.heard.get(one, ""), end.reason, end.state) for one, end in self.ends.items()}
            assert told == (self.afresh() if self.suggests else {})

    def take(self, response: pb.FollowResponse) -> None:
        """One event; pieces follow one another, each where the text so far ends."""
        assert self.suggests or response.WhichOneof("event") in ("started", "need_text")
        self.needs_text |= response.HasField("need_text")
        self.visits.note("need_text", response.HasField("need_text"))
        if response.HasField("started"):
            assert response.started.start_position == len(self.text)
            assert response.started.model.digest == self.wanted.model.digest
        if response.HasField("suggestion"):
            piece = response.suggestion
            before = self.heard.get(piece.alternative, "")
            assert piece.position == len(self.text) + len(before)
            self.heard[piece.alternative] = before + piece.text
        if response.HasField("finished"):
            self.ends[response.finished.alternative] = response.finished

    def afresh(self) -> dict[int, tuple[str, int, bytes]]:
        """What Complete says of the whole text."""
        self.wanted.prefix = self.text
        return {
            number: (one.text, one.reason, one.state)
            for number, one in enumerate(self.world.ask(self.world.fresh, self.wanted))
        }


@pytest.fixture
def world(make_model: "MakeModel", make_execution: "MakeExecution", ask: "Ask") -> World:
    return World.of([make_model(), make_model(characters="\n !abcdefgé…😀xyz", seed=2)], make_execution, ask)


class Retirements:
    """Sees attempts retire, and news that come of them still."""

    def __init__(self, visits: "Visits", patch: pytest.MonkeyPatch) -> None:
        self._visits, self._retire, self._note = visits, Attempt.retire, Attempt.note
        self._agreed = WeakKeyDictionary[Attempt, list[int]]()

        def retire(attempt: Attempt, agreed: int) -> None:
            self.retire(attempt, agreed)

        def note(attempt: Attempt, passage: Passage, alternative: int, document: FollowedText) -> None:
            self.note(attempt, passage, alternative, document)

        patch.setattr(Attempt, "retire", retire)
        patch.setattr(Attempt, "note", note)

    def retire(self, attempt: Attempt, agreed: int) -> None:
        self._agreed.setdefault(attempt, []).append(agreed)
        self._retire(attempt, agreed)

    def note(self, attempt: Attempt, passage: Passage, alternative: int, document: FollowedText) -> None:
        agreed = self._agreed.get(attempt, [])
        end = passage.position + len(passage.outputs)
        self._visits.note("news of a retired attempt", len(agreed) == 1)
        self._visits.note(
            "news of an attempt retired again, later in the text", any(a < min(b, end) for a, b in pairwise(agreed))
        )
        self._note(attempt, passage, alternative, document)


@pytest.mark.timeout(600)
def test_after_any_edits_the_suggestions_are_those_of_a_fresh_complete(
    world: World, examples: "Examples", visits: "Visits"
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Retirements(visits, patch)
        patch.setattr(tail, "BLOCK_CHARACTERS", 8)
        patch.setattr(editing, "MOST_CONSUMED", 20)
        tries = settings(deadline=None, max_examples=examples(100), stateful_step_count=30)
        machine: Any = partial(Editor, world, visits)
        visits.run(machine, tries, *SITUATIONS)


@pytest.fixture
def stream(world: World) -> Stream:
    """A stream to a server of its own, whose session is large."""
    return Stream(world.catalogue, world.server(), 1 << 16)


def suggested(responses: Iterable[pb.FollowResponse]) -> list[tuple[str, bytes, int]]:
    """Of each alternative: its text, its last state, and how many characters were consumed for it."""
    texts, told = dict[int, str](), dict[int, tuple[str, bytes, int]]()
    for response in responses:
        piece, end = response.suggestion, response.finished
        texts[piece.alternative] = texts.get(piece.alternative, "") + piece.text
        if response.HasField("finished"):
            told[end.alternative] = (texts.get(end.alternative, ""), end.state, end.usage.consumed_characters)
    return [told[number] for number in sorted(told)]


def afresh(world: World, text: str, **given: Any) -> list[tuple[str, bytes]]:
    """Text and last state of what Complete says."""
    return [(one.text, one.state) for one in world.ask(world.fresh, pb.CompleteRequest(prefix=text, **given))]


GIVEN: dict[str, Any] = {"sampling": pb.Sampling(seed=5), "limits": pb.Limits(max_characters=30)}
PROSE = "a bad cab, a fed bed\ndad! " * 8
LONG = PROSE * 4


@pytest.mark.parametrize("size", [SMALL, 1 << 18])
def test_every_depth_of_a_rewind_ends_at_the_same_suggestion(world: World, examples: "Examples", size: int) -> None:
    engine = world.server()
    for depth in np.linspace(0, len(PROSE) - 1, examples(24), dtype=int).tolist():
        stream = Stream(world.catalogue, engine, size)
        stream.send(open=pb.Open(include_state=True, **GIVEN, suggest=False))
        assert len(list(stream.said(ALL))) == 1
        for place, character in enumerate(PROSE):
            stream.send(edit=pb.Edit(keep=place, insert=character, suggest=False))
            assert not list(stream.said(1))
        stream.send(edit=pb.Edit(keep=len(PROSE) - depth, suggest=True))
        ((text, state, consumed),) = suggested(stream.said(ALL))
        assert [(text, state)] == afresh(world, PROSE[: len(PROSE) - depth], **GIVEN)
        assert consumed <= (2 * depth if size == SMALL else 0)


def test_a_keystroke_costs_one_step_and_what_was_suggested_none(world: World, stream: Stream) -> None:
    stream.send(open=pb.Open(prefix=PROSE, include_state=True, **GIVEN))
    ((suggestion, _, consumed),) = suggested(stream.said(ALL))
    assert consumed == len(PROSE)
    stream.send(edit=pb.Edit(keep=len(PROSE), insert="é"))
    ((suggestion, _, consumed),) = suggested(stream.said(ALL))
    assert consumed == 1
    for text, event in (
        (PROSE + "é" + suggestion[:9], {"accept": pb.Accept(characters=9)}),
        (PROSE + "é" + suggestion, {"edit": pb.Edit(keep=len(PROSE) + 10, insert=suggestion[9:])}),
        (PROSE + "é" + suggestion[:3], {"edit": pb.Edit(keep=len(PROSE) + 4, suggest=True)}),
    ):
        stream.send(**event)
        ((told, state, consumed),) = suggested(stream.said(ALL))
        assert [(told, state)] == afresh(world, text, **GIVEN)
        assert consumed == 0


def test_a_suggestion_that_outgrows_the_session_is_accepted_with_few_steps(world: World) -> None:
    stream = Stream(world.catalogue, world.server(), SMALL)
    given: dict[str, Any] = {**GIVEN, "limits": pb.Limits(max_characters=200)}
    for count in (200, 150, 20, 1):
        stream.send(open=pb.Open(include_state=True, **given))
        ((suggestion, _, _),) = suggested(stream.said(ALL))
        stream.send(accept=pb.Accept(characters=count))
        ((told, state, consumed),) = suggested(stream.said(ALL))
        assert [(told, state)] == afresh(world, suggestion[:count], **given)
        assert consumed <= (0 if count == 200 else count / 2)


def test_a_long_paste_goes_on_where_a_keystroke_interrupted_it(world: World, stream: Stream) -> None:
    text = PROSE * 20
    stream.send(open=pb.Open(include_state=True, **GIVEN, suggest=False))
    stream.send(edit=pb.Edit(insert=text))
    for _ in range(200):
        assert not suggested(stream.said(3))
        stream.send(edit=pb.Edit(keep=len(text), insert="a"))
        text += "a"
    ((told, state, _),) = suggested(stream.said(ALL))
    assert [(told, state)] == afresh(world, text, **GIVEN)
    assert stream.engine.statistics().row_steps < 1.5 * len(text)  # a tick's worth is lost at most


@pytest.mark.parametrize("ticks", [1, 2, 5])
@pytest.mark.parametrize("keep", [0, 4, 11, 40])
def test_what_is_still_consumed_of_an_older_text_is_not_taken_for_the_newer(
    world: World, stream: Stream, ticks: int, keep: int
) -> None:
    older, newer = PROSE[:60], PROSE[:keep] + "é" * 60
    stream.send(open=pb.Open(prefix=older, include_state=True, **GIVEN))
    assert not suggested(stream.said(ticks))
    stream.engine.begin_beside()
    stream.send(edit=pb.Edit(keep=50, insert="f"))
    stream.send(edit=pb.Edit(keep=keep, insert="é" * 60))
    assert not suggested(stream.said(1))
    stream.send(edit=pb.Edit(keep=len(newer), insert="a"))
    ((told, state, _),) = suggested(stream.said(ALL))
    assert [(told, state)] == afresh(world, newer + "a", **GIVEN)


def test_an_edit_may_reach_as_far_back_as_need_text_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "BLOCK_CHARACTERS", 8)
    stream = Stream(world.catalogue, world.server(), SMALL)
    stream.send(open=pb.Open(prefix=LONG, include_state=True, **GIVEN))
    assert suggested(stream.said(ALL))
    stream.send(edit=pb.Edit(keep=1, insert="a"))
    (need,) = stream.said(ALL)
    earliest = need.need_text.earliest_position
    assert 1 < earliest < len(LONG) - 50
    for keep, is_needed in ((earliest, False), (earliest - 1, True), (0, False)):
        stream.send(open=pb.Open(prefix=LONG, include_state=True, **GIVEN))
        assert suggested(stream.said(ALL))
        stream.send(edit=pb.Edit(keep=keep, insert="a"))
        responses = list(stream.said(ALL))
        assert [response.HasField("need_text") for response in responses] == [True] if is_needed else suggested(responses)


def test_goodbye_holds_a_state_of_the_text_however_much_was_consumed(world: World, oracle: "Oracle") -> None:
    for ticks in (0, 1, 9, ALL):
        stream = Stream(world.catalogue, world.server())
        assert stream.session.goodbye() == pb.FollowResponse(goodbye=pb.Goodbye())
        stream.send(open=pb.Open(prefix=PROSE, include_state=True, **GIVEN))
        assert list(stream.said(ticks)) or not ticks
        goodbye = stream.session.goodbye()
        reached = goodbye.goodbye.position
        assert (goodbye.revision, reached) == (1, {0: 0, 1: 7, 9: 63, ALL: len(PROSE)}[ticks])
        assert goodbye.goodbye.state == oracle.pack(oracle.consume(oracle.initial(), PROSE[:reached]))


@pytest.mark.parametrize("size", [1 << 15, 1 << 18])
def test_a_session_stays_within_its_bytes(make_model: "MakeModel", ask: "Ask", size: int) -> None:
    model = make_model(Structure.stacked(2, 128), "\n !abcdefgé…😀", 5)
    broad = World.of([model], partial(open_execution, device="cpu"), ask)  # a session holds the same whatever the execution
    engine = broad.server()
    tracemalloc.start()
    try:
        stream = Stream(broad.catalogue, engine, size)
        stream.send(open=pb.Open(include_state=True, **GIVEN, suggest=False))
        assert len(list(stream.said(ALL))) == 1
        assert held() < 6_000
        for place in range(500):
            stream.send(edit=pb.Edit(keep=place * 50, insert="é fed bed\n" * 5, suggest=place % 50 == 49))
            suggested(stream.said(ALL))
        assert size / 3 < held() < size
    finally:
        tracemalloc.stop()


def held() -> int:
    """The bytes that the server's lines have allocated and not given back."""
    gc.collect()
    own = tracemalloc.Filter(True, "*/elman_server/*")
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([own]).traces)
