"""Recall at its edges: no window, one shorter than what is looked for, one that the text never fills, and many characters."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.law.ghost import GhostSurprise, is_word_character
from elman_models.law.recall import LEAST, Recall
from elman_models.law.structure import Structure
from elman_server.embedded import Embedded, EmbeddedFollow

if TYPE_CHECKING:
    from tests.conftest import MakeModel
    from tests.laws.conftest import Ask, MakeEmbedded, MakeOracle, Oracle

FEW = "\n abcdé😀"
MANY = "".join(map(chr, range(0x4E00, 0x4E00 + 256)))
"""More than a byte tells apart, so a state holds four bytes a character."""
UNKNOWN = "☂"
WINDOWS = (0, 1, LEAST, 11, 200)
RUNS = "abcd abcé abcd" + UNKNOWN + "abc" + UNKNOWN + "abcd\n"


@pytest.fixture(scope="module", params=[(FEW, window) for window in WINDOWS] + [(FEW + MANY, 40)], ids=lambda each: each[1])
def oracle(request: pytest.FixtureRequest, make_model: "MakeModel", make_oracle: "MakeOracle") -> "Oracle":
    """What the law says of a model with a window; every class has odds that change what is drawn."""
    characters, window = request.param
    odds = np.random.default_rng(4).integers(1 << 14, 1 << 20, Recall.SHAPES["odds"], np.int32)
    recall = replace(Recall.of(window, odds), distances=np.array([6, 15], np.int32))
    model = make_model(Structure.stacked(1, 6), characters, 3, recall)
    return make_oracle(replace(model, ghost_surprise=GhostSurprise(1500, 600)))


@pytest.fixture(scope="module")
def embedded(oracle: "Oracle", make_embedded: "MakeEmbedded") -> Embedded:
    return make_embedded(oracle.model)


def texts(window: int) -> Sequence[str]:
    """Texts that end just before, at and behind the window's edge; a run, UNK in it, and nothing."""
    random, edge = Random(window), min(window, 45)
    lengths = sorted({0, 1, *(max(0, edge + off) for off in (0, 1)), 2 * edge})
    wandering = ["".join(random.choices("abc" + UNKNOWN, (9, 3, 3, 1), k=length)) for length in lengths]
    return [*wandering, RUNS * 2, "a" * (edge + 5)]


def test_completions_scores_and_states_are_the_law_s(oracle: "Oracle", embedded: Embedded, ask: "Ask") -> None:
    for index, text in enumerate(texts(oracle.model.recall.window)):
        request = pb.CompleteRequest(
            prefix=text,
            sampling=pb.Sampling(seed=index, temperature=(0.0, 1.0)[index % 2]),
            limits=pb.Limits(max_characters=12, min_confidence=2.0**-20),
        )
        assert ask(embedded, request) == [oracle.complete(request)]
        scored = embedded.score(pb.ScoreRequest(text=text))
        assert scored.state == oracle.pack(oracle.consume(oracle.initial(), text))
        assert scored.total_log_probability == pytest.approx(oracle.score(oracle.initial(), text), abs=1e-5)


def test_a_state_holds_what_the_window_does(oracle: "Oracle", embedded: Embedded) -> None:
    width = 1 if len(oracle.model.vocabulary) < 256 else 4
    sizes = {length: len(embedded.score(pb.ScoreRequest(text="a" * length)).state) for length in (1, 2, 39, 40, 41, 99)}
    empty = sizes[1] - width * min(1, oracle.model.recall.window)
    assert sizes == {length: empty + width * min(length, oracle.model.recall.window) for length in sizes}


def test_a_followed_text_is_completed_as_if_it_were_new(oracle: "Oracle", embedded: Embedded) -> None:
    """Edits before, at and behind the window's edge."""
    digest = pb.Model(digest=oracle.model.digest)
    limits, sampling = pb.Limits(max_characters=9), pb.Sampling(seed=7, temperature=1)
    for text in texts(oracle.model.recall.window):
        follow = embedded.follow()
        opening = pb.Open(model=digest, prefix=text, sampling=sampling, limits=limits, include_state=True)
        follow.send(pb.FollowRequest(revision=1, open=opening))
        assert suggested(follow) == told(oracle, text, sampling, limits)
        for revision, keep in enumerate((len(text), len(text) // 2, 0), start=2):
            text = text[:keep] + "ab"
            edit = pb.Edit(keep=keep, insert="ab", suggest=True)
            follow.send(pb.FollowRequest(revision=revision, edit=edit))
            assert suggested(follow) == told(oracle, text, sampling, limits)
        follow.close()


def test_ghost_text_goes_on_with_a_word_while_it_is_likelier_than_the_model_s_first_limit(
    oracle: "Oracle", embedded: Embedded
) -> None:
    model, lengths = oracle.model, set[tuple[int, int]]()
    for text in ("", "\n", "ab ", "ab" + UNKNOWN, *("d" * count + "a" for count in range(9))):
        follow = embedded.follow()
        sampling, limits = pb.Sampling(temperature=0), pb.Limits(max_characters=9)
        opening = pb.Open(prefix=text, sampling=sampling, limits=limits, use_model_confidence=True)
        follow.send(pb.FollowRequest(revision=1, open=opening))
        ghost = suggested(follow)[0]
        assert ghost == ghost_of(oracle, text, model.ghost_surprise)
        lengths.add((len(ghost), len(ghost_of(oracle, text, GhostSurprise(*[model.ghost_surprise.beyond] * 2)))))
        follow.close()
    assert {long > short for long, short in lengths} == {False, model.recall.window > 0}


def ghost_of(oracle: "Oracle", text: str, largest: GhostSurprise) -> str:
    """The model's own ghost text of at most 9 characters, one by one."""
    place, in_word, own, surprise, ghost = oracle.consume(oracle.initial(), text), False, False, 0, ""
    if place.text:
        last, characters = place.text[-1], oracle.model.vocabulary.characters
        in_word = last < len(characters) and is_word_character(characters[last])
    while len(ghost) < 9:
        likeliest = oracle.rank(oracle.logits(place), oracle.favourite(place))[0]
        character = oracle.model.vocabulary.characters[likeliest]
        goes_on, finishes = is_word_character(character), own and is_word_character(character)
        in_word = in_word and goes_on
        own = goes_on and not in_word
        surprise += oracle.surprise(place, likeliest)
        if surprise > largest[not in_word] and not finishes:
            break
        ghost, place = ghost + character, oracle.step(place, character)
    return ghost


def suggested(follow: EmbeddedFollow) -> tuple[str, bytes]:
    """The whole suggestion of the newest revision, and the state behind it."""
    text, state = "", b""
    for response in follow:
        text += response.suggestion.text
        state = response.finished.state or state
    return text, state


def told(oracle: "Oracle", text: str, sampling: pb.Sampling, limits: pb.Limits) -> tuple[str, bytes]:
    one = oracle.complete(pb.CompleteRequest(prefix=text, sampling=sampling, limits=limits))
    return one.text, one.state
