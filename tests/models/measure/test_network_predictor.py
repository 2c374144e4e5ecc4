"""Laws of reading by a network: what a row learns by running ahead is what it would learn step by step."""

from collections.abc import Callable

import numpy as np
import pytest

from elman_models.execution.choice import open_execution
from elman_models.execution.protocol import Advance, Execution, Start
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_models.law.tables import UNKNOWN_NATS
from elman_models.measure.cost import evaluate, nats, primed_nats, windows_of
from elman_models.measure.network_predictor import GREEDY, NetworkPredictor
from elman_models.measure.predictor import Indices, Reading


def by_steps(model: Model, execution: Execution, text: Indices) -> Reading:
    """One character after another, in the first row."""
    reading, state = Reading.blank(len(text)), State.initial(model)
    for place in range(len(text) + 1):
        execution.load(0, Start(state, GREEDY, is_accounted=True))
        outcome = execution.run([Advance(0, sampled=2)])
        reading.tops[place], reading.seconds[place] = outcome.characters(0)
        reading.surprises[place], reading.second_surprises[place] = outcome.account(0).surprises
        if place < len(text):
            execution.load(0, Start(state))
            outcome = execution.run([Advance(0, scored=text[place : place + 1])])
            reading.costs[place] = -outcome.account(0).log_probabilities[0]
            state = outcome.state(0, 0)
    return reading


def likely_text(model: Model, execution: Execution, length: int) -> Indices:
    """What the model draws, now and then another character: so that long runs are right, and some are not."""
    execution.load(0, Start(State.initial(model), GREEDY))
    text = np.array(execution.run([Advance(0, sampled=length)]).characters(0), np.int32)
    random = np.random.default_rng(5)
    text[random.integers(0, length, length // 4)] = random.integers(0, len(model.vocabulary) + 1, length // 4)
    return text


def assert_same(reading: Reading, expected: Reading, text: Indices) -> None:
    assert np.array_equal(reading.tops, expected.tops)
    assert np.array_equal(reading.surprises, expected.surprises)
    assert reading.costs == pytest.approx(expected.costs, abs=1e-9)
    wrong = np.append(reading.tops[:-1] != text, True)
    assert np.any(wrong[:-1])
    assert np.array_equal(reading.seconds[wrong], expected.seconds[wrong])
    assert np.array_equal(reading.second_surprises[wrong], expected.second_surprises[wrong])


def test_running_ahead_tells_what_single_steps_tell(model: Model, make_execution: Callable[[Model, int], Execution]) -> None:
    execution = make_execution(model, 4)
    text = likely_text(model, execution, 150)
    assert_same(NetworkPredictor(model, execution, rows=4).read([text])[0], by_steps(model, execution, text), text)


@pytest.mark.parametrize("rows", [1, 3, 64])
def test_a_reading_depends_neither_on_rows_nor_on_pieces(rows: int, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman_models.measure.network_predictor.SHORTEST_PIECE", 7)
    execution = open_execution(model, 64, "cpu")
    texts = [likely_text(model, execution, length) for length in (200, 1, 7, 8, 14, 333)]
    for text, reading in zip(texts, NetworkPredictor(model, execution, rows).read(texts), strict=True):
        expected = by_steps(model, execution, text)
        assert np.array_equal(reading.tops, expected.tops)
        assert np.array_equal(reading.surprises, expected.surprises)
        assert reading.costs == pytest.approx(expected.costs, abs=1e-9)


def test_what_the_vocabulary_lacks_costs_what_it_costs_everywhere(model: Model) -> None:
    reading = NetworkPredictor(model, open_execution(model, 2, "cpu"), rows=2).read([model.vocabulary.encode("a☃b")])[0]
    assert reading.costs[1] == pytest.approx(UNKNOWN_NATS)
    assert len(reading.tops) == 4


def test_streaming_and_windows_are_those_of_evaluate(model: Model) -> None:
    documents = ["abc def\n gab! " * 60, "def\n" * 200]
    texts = [model.vocabulary.encode(document) for document in documents]
    predictor, quality = NetworkPredictor(model, open_execution(model, 64, "cpu")), evaluate(model, documents)
    streaming = sum(float(reading.costs.sum()) for reading in predictor.read(texts)) / quality.characters
    assert streaming == pytest.approx(quality.nats_per_character_streaming, abs=1e-9)
    windows = predictor.nats(windows_of(texts)) / quality.characters
    assert windows == pytest.approx(quality.nats_per_character_windows, abs=1e-9)


def test_a_primed_window_follows_the_character_before_it(model: Model) -> None:
    execution = open_execution(model, 64, "cpu")
    text = model.vocabulary.encode("abc def\n gab! " * 40)  # 560 characters: three windows
    expected = nats(model, execution, [text[:256]], 1)
    for start, stop in ((256, 512), (512, 560)):
        execution.load(0, Start(State.initial(model)))
        account = execution.run([Advance(0, scored=text[start - 1 : stop])]).account(0)
        expected -= float(account.log_probabilities[1:].sum())
    primed = primed_nats(NetworkPredictor(model, execution).nats, [text])
    assert primed == pytest.approx(expected, abs=1e-9)
