"""The reference execution and the engine say what LAW.md says, byte for byte."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.protocol import Advance, Start
from elman_models.law.artifact import Model, OutputWeights
from elman_models.law.sampling import Sampling
from elman_models.law.state import State
from elman_models.law.structure import Layer, Structure
from elman_server.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import MakeExecution, MakeModel
    from tests.laws.conftest import Ask, CompletionRequests, MakeEmbedded, MakeOracle, Oracle

EXECUTIONS = ["reference", "native", "numpy", "programs", pytest.param("cuda", marks=pytest.mark.cuda)]
VOCABULARIES = ["a", "\nab", "abcdefgé…😀", "".join(map(chr, range(32, 160))), "".join(map(chr, range(32, 161)))]
"""Among them the largest whose sums of weights stay within 31 bits, and one more."""


@pytest.fixture(scope="session", params=EXECUTIONS)
def make_execution(request: pytest.FixtureRequest, openers: "Mapping[str, MakeExecution]") -> "MakeExecution":
    """Every execution there is."""
    return openers[request.param]


@st.composite
def structures(draw: st.DrawFn) -> Structure:
    """One to four layers, each with or without skips and characters; the output reads any of them."""
    count = draw(st.integers(1, 4))
    reader = draw(st.integers(0, count - 1))
    layers = [
        Layer(draw(st.integers(1, 9)), tuple(draw(choices(index))), index == reader or draw(st.booleans()))
        for index in range(count)
    ]
    return Structure(tuple(layers), tuple(draw(choices(count, at_least=1))))


def choices(count: int, at_least: int = 0) -> "st.SearchStrategy[list[int]]":
    """Some of this many layers, in any order."""
    return st.lists(st.integers(0, count - 1), min_size=at_least, unique=True) if count else st.just(list[int]())


@given(structure=structures(), seed=st.integers(0, 9), characters=st.sampled_from(VOCABULARIES), data=st.data())
@settings(deadline=None, max_examples=40)
def test_any_network_says_what_the_law_says(
    make_model: "MakeModel",
    make_oracle: "MakeOracle",
    make_embedded: "MakeEmbedded",
    ask: "Ask",
    requests: "CompletionRequests",
    structure: Structure,
    seed: int,
    characters: str,
    data: st.DataObject,
) -> None:
    model = make_model(structure, characters, seed)
    oracle = make_oracle(model)
    assert tuple(model.initial_state.tolist()) == oracle.initial().outputs
    request = data.draw(requests(oracle, most=12))
    assert ask(make_embedded(model), request) == [oracle.complete(request)]


@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_every_request_is_answered_as_the_law_says(
    oracle: "Oracle", embedded: Embedded, ask: "Ask", requests: "CompletionRequests", data: st.DataObject
) -> None:
    request = data.draw(requests(oracle))
    assert ask(embedded, request) == [oracle.complete(request)]


def flat(model: Model) -> Model:
    """The model, but to it all characters are equally probable."""
    output = model.output
    zeros = OutputWeights(np.zeros_like(output.weight), np.ones_like(output.scale), np.zeros_like(output.bias))
    return replace(model, output=zeros)


@pytest.mark.parametrize("outputs", [1, 2, 128, 129, 300])
def test_equal_characters_are_cut_off_exactly_where_the_law_says(
    make_model: "MakeModel", make_oracle: "MakeOracle", make_embedded: "MakeEmbedded", ask: "Ask", outputs: int
) -> None:
    """Shares of equal weights meet top_p exactly, and sums are the largest there can be."""
    model = flat(make_model(Structure.stacked(1, 2), "".join(map(chr, range(32, 32 + outputs)))))
    oracle, embedded = make_oracle(model), make_embedded(model)
    for kept in {1, 2, (outputs + 1) // 2, outputs}:
        for share, least in ((kept / outputs, 1.0), (kept / outputs, 0.0), (1.0, 1.0)):
            sampling = pb.Sampling(temperature=1, top_p=min(share, 1.0), min_p=least, seed=kept)
            request = pb.CompleteRequest(sampling=sampling, limits=pb.Limits(max_characters=25))
            assert ask(embedded, request) == [oracle.complete(request)]


def test_a_running_sum_must_exceed_the_threshold(
    make_model: "MakeModel", make_oracle: "MakeOracle", make_embedded: "MakeEmbedded", ask: "Ask"
) -> None:
    """This seed was searched for: of two equal characters, its threshold is exactly the weight of the first."""
    model = flat(make_model(Structure.stacked(1, 2), "ab"))
    sampling = pb.Sampling(temperature=1, seed=89_966_413)
    request = pb.CompleteRequest(sampling=sampling, limits=pb.Limits(max_characters=1))
    assert ask(make_embedded(model), request) == [make_oracle(model).complete(request)]
    assert make_oracle(model).complete(request).text == "b"


@given(data=st.data(), count=st.integers(2, 5))
@settings(deadline=None, max_examples=25)
def test_every_alternative_is_what_the_law_says(
    oracle: "Oracle", embedded: Embedded, ask: "Ask", requests: "CompletionRequests", data: st.DataObject, count: int
) -> None:
    request = data.draw(requests(oracle, alternatives=count))
    numbers = range(request.first_alternative, request.first_alternative + count)
    assert ask(embedded, request) == [oracle.complete(request, number) for number in numbers]


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_reported_log_probabilities_are_those_of_the_law(
    oracle: "Oracle", embedded: Embedded, ask: "Ask", requests: "CompletionRequests", data: st.DataObject
) -> None:
    request = data.draw(requests(oracle))
    request.include_log_probabilities = True
    (told,), expected = ask(embedded, request), oracle.complete(request)
    assert told == expected
    assert told.log_probabilities == pytest.approx(expected.log_probabilities, abs=1e-6)


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_it_is_counted_how_often_the_recalled_character_came(
    oracle: "Oracle", embedded: Embedded, requests: "CompletionRequests", data: st.DataObject
) -> None:
    request = data.draw(requests(oracle))
    request.include_log_probabilities = True
    events = list(embedded.complete(request))
    text = "".join(event.piece.text for event in events if event.HasField("piece"))
    place = oracle.consume(oracle.place(request.state), request.prefix + request.already_received)
    recalled = 0
    for character in text:
        favourite = oracle.favourite(place)
        recalled += favourite.odds > 0 and favourite.character == oracle.index(character)
        place = oracle.step(place, character)
    assert events[-1].finished.usage.recalled_characters == recalled


@given(text=st.text("\n abcdefgé…😀zß", max_size=40), received=st.text("abc", max_size=5))
@settings(deadline=None, max_examples=25)
def test_a_score_is_the_sum_of_the_terms_of_all_characters(
    oracle: "Oracle", embedded: Embedded, text: str, received: str
) -> None:
    place = oracle.consume(oracle.initial(), received)
    response = embedded.score(pb.ScoreRequest(state=oracle.pack(place), text=text, include_log_probabilities=True))
    assert response.characters == len(text) == len(response.log_probabilities)
    assert response.unknown_characters == sum(character in "zß" for character in text)
    assert response.total_log_probability == pytest.approx(oracle.score(place, text), abs=1e-6)
    assert response.state == oracle.pack(oracle.consume(place, text))


@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_an_execution_draws_and_weighs_as_the_law_says(
    model: Model, oracle: "Oracle", requests: "CompletionRequests", make_execution: "MakeExecution", data: st.DataObject
) -> None:
    request = data.draw(requests(oracle, ends=False))
    sampling, count = request.sampling, request.limits.max_characters
    canonical = Sampling.of(sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p)
    place, number = oracle.consume(oracle.initial(), request.prefix), request.first_alternative
    execution = make_execution(model, 1)
    rank = number if canonical.is_greedy else 0
    execution.load(0, Start(State.initial(model), canonical, sampling.seed, number, rank, is_accounted=True))
    outcome = execution.run([Advance(0, skipped=model.vocabulary.encode(request.prefix), sampled=count)])
    said = model.vocabulary.decode(outcome.characters(0))
    assert said == oracle.continue_from(place, request).text
    account = outcome.account(0)
    told = zip(said, account.surprises.tolist(), account.is_recalled.tolist(), range(count), strict=True)
    for character, surprise, is_recalled, after in told:
        assert surprise == oracle.surprise(place, oracle.index(character))
        favourite = oracle.favourite(place)
        assert is_recalled == (favourite.odds > 0 and favourite.character == oracle.index(character))
        place = oracle.step(place, character)
        state = outcome.state(0, after + 1)
        assert (tuple(state.outputs.tolist()), state.position, tuple(state.remembered.tolist())) == place
