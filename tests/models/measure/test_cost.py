"""Laws of measuring."""

import math

import pytest

from elman_models.execution.protocol import Advance, Start
from elman_models.execution.reference import Reference
from elman_models.law.artifact import Model
from elman_models.law.state import State
from elman_models.measure.cost import WINDOW, evaluate
from elman_models.training import float_cost as in_float
from elman_models.training.export import to_network
from elman_models.training.float_cost import float_nats_per_character


def test_streaming_is_the_mean_over_every_character_from_the_initial_state(model: Model) -> None:
    text = "abc def\n gab! " * 60
    reference = Reference(model, rows=1)
    reference.load(0, Start(State.initial(model), is_accounted=True))
    outcome = reference.run([Advance(0, scored=model.vocabulary.encode(text))])
    expected = -outcome.account(0).log_probabilities.mean()
    assert evaluate(model, [text]).nats_per_character_streaming == pytest.approx(expected, abs=1e-9)


def test_windows_are_texts_of_their_own(model: Model) -> None:
    text = "abc def\n gab! " * 60
    pieces = [text[start : start + WINDOW] for start in range(0, len(text), WINDOW)]
    whole, apart = evaluate(model, [text]), evaluate(model, pieces)
    assert whole.nats_per_character_windows == pytest.approx(apart.nats_per_character_streaming, abs=1e-9)


def test_documents_do_not_see_each_other(model: Model) -> None:
    texts = ["abc", "", "def g" * 500, "!", "gfedcba\n" * 30]
    together = evaluate(model, texts).nats_per_character_streaming
    alone = math.fsum(evaluate(model, [text]).nats_per_character_streaming * len(text) for text in texts if text)
    assert together == pytest.approx(alone / sum(map(len, texts)), abs=1e-9)


def test_an_unknown_character_costs_the_same_everywhere_and_is_counted(model: Model) -> None:
    quality = evaluate(model, ["☃"])
    assert quality.unknown_characters == 1
    assert quality.nats_per_character_streaming == pytest.approx(math.log(1_114_112))
    nats = float_nats_per_character(to_network(model), model.vocabulary, ["☃"])
    assert nats == pytest.approx(math.log(1_114_112))


def test_a_float_network_holds_so_many_logits_at_once(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["abc def\n" * 9, "!", "gab " * 50]
    network, sizes = to_network(model), list[int]()
    whole = float_nats_per_character(network, model.vocabulary, texts)
    network.register_forward_hook(lambda _, __, output: sizes.append(output[0].numel()))
    monkeypatch.setattr(in_float, "MOST_LOGITS", 500)
    assert float_nats_per_character(network, model.vocabulary, texts) == pytest.approx(whole, abs=1e-6)
    assert 400 < max(sizes) <= 500


def test_the_json_has_the_promised_names(model: Model) -> None:
    value = evaluate(model, ["abc" * 10]).to_json()
    assert value["nats_per_character_streaming"] > 0
    assert value["nats_per_character_windows"] > 0
    assert value["bits_per_character_streaming"] == pytest.approx(value["nats_per_character_streaming"] / math.log(2))


def test_nothing_to_measure_is_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        evaluate(model, [""])
