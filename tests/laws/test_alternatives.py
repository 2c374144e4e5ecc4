"""Alternatives, seeds and continuations: what depends on what."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_server.embedded import Embedded

if TYPE_CHECKING:
    from tests.laws.conftest import Ask, CompletionRequests, MakeEmbedded, Oracle


@given(data=st.data(), count=st.integers(2, 6), run=st.integers(1, 5), draws=st.integers(1, 9))
@settings(deadline=None, max_examples=15)
def test_alternatives_are_what_they_are_alone(
    model: Model,
    oracle: "Oracle",
    make_embedded: "MakeEmbedded",
    ask: "Ask",
    requests: "CompletionRequests",
    data: st.DataObject,
    count: int,
    run: int,
    draws: int,
) -> None:
    request = data.draw(requests(oracle, alternatives=count))
    embedded = make_embedded(model, run=run, draws=draws)
    together = ask(embedded, request)
    for number in range(count):
        single = pb.CompleteRequest()
        single.CopyFrom(request)
        single.alternatives, single.first_alternative = 1, request.first_alternative + number
        assert ask(embedded, single) == [together[number]]


def test_the_last_alternative_of_all_may_be_asked_for_among_others_and_alone(embedded: Embedded, ask: "Ask") -> None:
    request = pb.CompleteRequest(sampling=pb.Sampling(seed=3), limits=pb.Limits(max_characters=9))
    request.first_alternative, request.alternatives = 65520, 16
    together = ask(embedded, request)
    request.first_alternative, request.alternatives = 65535, 1
    assert ask(embedded, request) == [together[15]]
    request.alternatives = 2
    with pytest.raises(InvalidField, match="first_alternative: 65535 is out of range; allowed: 0 to 65535"):
        embedded.complete(request)


@given(data=st.data(), seed=st.integers(0, 2**64 - 1))
@settings(deadline=None, max_examples=25)
def test_temperature_0_ignores_the_seed(
    oracle: "Oracle", embedded: Embedded, ask: "Ask", requests: "CompletionRequests", data: st.DataObject, seed: int
) -> None:
    request = data.draw(requests(oracle, alternatives=2))
    request.sampling.temperature = 0
    told = ask(embedded, request)
    request.sampling.seed = seed
    assert ask(embedded, request) == told


def test_at_temperature_0_the_alternatives_begin_with_the_most_probable_characters(
    model: Model, oracle: "Oracle", embedded: Embedded, ask: "Ask"
) -> None:
    count = len(model.vocabulary)
    q = oracle.logits(oracle.consume(oracle.initial(), "bad"))
    ranking = sorted(range(count), key=lambda i: (-q[i], i))
    request = pb.CompleteRequest(prefix="bad", limits=pb.Limits(max_characters=1), alternatives=count)
    request.sampling.temperature = 0
    assert [one.text for one in ask(embedded, request)] == [model.vocabulary.characters[i] for i in ranking]


@given(data=st.data(), cut=st.floats(0, 1))
@settings(deadline=None, max_examples=40)
def test_the_rest_of_a_completion_is_the_completion_of_the_rest(
    oracle: "Oracle", embedded: Embedded, ask: "Ask", requests: "CompletionRequests", data: st.DataObject, cut: float
) -> None:
    request = data.draw(requests(oracle, ends=False))
    request.sampling.temperature = request.sampling.temperature or 1  # at 0, an alternative is but its first character
    length = request.limits.max_characters
    (whole,) = ask(embedded, request)
    count = min(round(cut * length), length - 1)
    request.prefix += whole.text[:count]
    request.limits.max_characters = length - count
    (rest,) = ask(embedded, request)
    assert (rest.text, rest.state) == (whole.text[count:], whole.state)


def test_a_seed_an_alternative_or_a_position_makes_a_difference(oracle: "Oracle", embedded: Embedded, ask: "Ask") -> None:
    place = oracle.initial()
    said = {
        ask(embedded, request)[0].text
        for seed in (1, 2, 1 + 2**32)
        for alternative in (0, 1)
        for position in (0, 1, 2**32)
        for request in [
            pb.CompleteRequest(
                state=oracle.pack(place._replace(position=position, text=(0,) * min(position, oracle.model.recall.window))),
                sampling=pb.Sampling(seed=seed, temperature=2),
                limits=pb.Limits(max_characters=30),
                first_alternative=alternative,
            )
        ]
    }
    assert len(said) == 3 * 2 * 3
