"""A row does not see its neighbours: any batch, any order of arrival, any row, any number of steps a run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman_models.execution.protocol import Account, Advance, Start
from elman_models.law.artifact import Model
from elman_models.law.sampling import Sampling
from elman_models.law.state import State, pack

if TYPE_CHECKING:
    from tests.conftest import MakeExecution


@dataclass(frozen=True, slots=True)
class Text:
    """What a row is to do: skip, then score, then sample."""

    start: Start
    given: tuple[int, ...]
    skipped: int
    sampled: int

    @property
    def steps(self) -> int:
        return len(self.given) + self.sampled

    def advance(self, row: int, done: int, steps: int) -> Advance:
        """The next steps of it, after this many were done."""
        end = done + steps
        skipped = self.given[done : min(end, self.skipped)]
        scored = self.given[max(done, self.skipped) : end]
        sampled = max(0, end - max(done, len(self.given)))
        return Advance(row, np.array(skipped, np.int32), np.array(scored, np.int32), sampled)


@dataclass(slots=True)
class Life:
    """What a row did."""

    characters: list[int] = field(default_factory=lambda: list[int]())
    surprises: list[int] = field(default_factory=lambda: list[int]())
    log_probabilities: list[float] = field(default_factory=lambda: list[float]())
    states: list[bytes] = field(default_factory=lambda: list[bytes]())  # after each sampled character

    def note(self, text: Text, advance: Advance, account: Account) -> None:
        """Take what the law says of the scored characters, and of the sampled ones of an accounted text."""
        noted = len(advance.scored) + (advance.sampled if text.start.is_accounted else 0)
        self.surprises += account.surprises.tolist()[:noted]
        self.log_probabilities += account.log_probabilities.tolist()[:noted]


def live(
    make_execution: "MakeExecution", model: Model, texts: Sequence[Text], rows: int, random: Random, longest: int
) -> list[Life]:
    """Let the texts live on the rows, arriving and moving as chance will have it."""
    execution, lives, done = make_execution(model, rows), [Life() for _ in texts], [0] * len(texts)
    arriving, placed = random.sample(range(len(texts)), len(texts)), dict[int, int]()
    while arriving or placed:
        for row in random.sample(sorted(set(range(rows)) - set(placed)), min(len(arriving), rows - len(placed))):
            placed[row] = arriving.pop()
            execution.load(row, texts[placed[row]].start)
        moving = random.sample(sorted(placed), random.randint(1, len(placed)))
        steps = [min(random.randint(1, longest), texts[placed[row]].steps - done[placed[row]]) for row in moving]
        advances = [texts[placed[row]].advance(row, done[placed[row]], count) for row, count in zip(moving, steps, strict=True)]
        outcome = execution.run(advances)
        for index, (advance, count) in enumerate(zip(advances, steps, strict=True)):
            one = placed[advance.row]
            lives[one].characters += outcome.characters(index)
            lives[one].states += [pack(outcome.state(index, after + 1), model) for after in range(advance.sampled)]
            lives[one].note(texts[one], advance, outcome.account(index))
            done[one] += count
            if done[one] == texts[one].steps:
                lives[one].states.append(pack(outcome.state(index, advance.sampled), model))
                del placed[advance.row]
    return lives


@st.composite
def lively_texts(draw: st.DrawFn, model: Model) -> Text:
    """Any start, any parameters, something to do."""
    greedy = draw(st.booleans())
    sampling = Sampling.of(
        0 if greedy else draw(st.floats(0.05, 10)),
        draw(st.integers(0, len(model.vocabulary))),
        draw(st.sampled_from([1.0, 0.9, 0.5, 0.01])),
        draw(st.sampled_from([0.0, 0.02, 0.3, 1.0])),
    )
    outputs = np.array(draw(st.lists(st.integers(-127, 127), min_size=28, max_size=28)), np.int8)
    position = draw(st.sampled_from([0, 1, 2**32 - 9, 2**62 - 99]))
    few = draw(st.lists(st.integers(0, len(model.vocabulary)), min_size=1, max_size=5))
    state = State(outputs, position, np.resize(np.array(few, np.uint8), min(position, model.recall.window)))
    alternative = draw(st.integers(0, 9))
    first_rank = alternative if greedy else 0
    start = Start(state, sampling, draw(st.integers(0, 2**64 - 1)), alternative, first_rank, draw(st.booleans()))
    consumed = tuple(draw(st.lists(st.integers(0, model.vocabulary.unknown), max_size=14)))
    return Text(start, consumed, draw(st.integers(0, len(consumed))), draw(st.integers(0 if consumed else 1, 14)))


@given(data=st.data(), rows=st.integers(1, 40), longest=st.integers(1, 16), chance=st.integers(0, 2**32))
@settings(deadline=None, max_examples=20)
def test_a_row_does_not_see_its_neighbours(
    model: Model, make_execution: "MakeExecution", data: st.DataObject, rows: int, longest: int, chance: int
) -> None:
    texts = data.draw(st.lists(lively_texts(model), min_size=1, max_size=12))
    together = live(make_execution, model, texts, rows, Random(chance), longest)
    for text, life in zip(texts, together, strict=True):
        (alone,) = live(make_execution, model, [text], 1, Random(0), text.steps)
        assert (life.characters, life.surprises, life.states) == (alone.characters, alone.surprises, alone.states)
        assert life.log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-6)


def test_forty_texts_at_once_are_forty_texts_alone(model: Model, make_execution: "MakeExecution") -> None:
    random = Random(4)
    texts = [
        Text(Start(State.initial(model), Sampling.of(0.5 + seed / 40), seed, seed % 3), (seed % 13,) * (seed % 5), seed % 3, 20)
        for seed in range(40)
    ]
    together = live(make_execution, model, texts, 40, random, 9)
    assert together == [live(make_execution, model, [text], 1, random, 64)[0] for text in texts]


def test_what_was_in_a_row_before_leaves_no_trace(model: Model, make_execution: "MakeExecution") -> None:
    used, fresh = make_execution(model, 1), make_execution(model, 1)
    greedy = Start(State.initial(model), Sampling.of(0), first_rank=3)
    used.load(0, Start(State.initial(model), Sampling.of(1.3, 4, 0.8, 0.1), 77, 2, is_accounted=True))
    used.run([Advance(0, skipped=model.vocabulary.encode("abc"), sampled=9)])
    for execution in (used, fresh):
        execution.load(0, greedy)
    outcomes = [execution.run([Advance(0, sampled=12)]) for execution in (used, fresh)]
    assert outcomes[0].characters(0) == outcomes[1].characters(0)
    assert pack(outcomes[0].state(0, 12), model) == pack(outcomes[1].state(0, 12), model)
