"""Recall: what is a source, what is periodic, what is recalled, and what that is worth."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import sets_here

from elman_models.errors import ArtifactError
from elman_models.law.artifact import Model, load, save
from elman_models.law.recall import LARGEST_ODDS, LARGEST_WINDOW, NOTHING_RECALLED, Recall, Recalled, recalled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def found_in(text: str, window: int | None = None) -> Recalled:
    """What is recalled at the end of a text of Latin characters."""
    points = np.frombuffer(text.encode("latin-1"), np.uint8)
    return recalled(points if window is None else points[max(0, len(points) - window) :])


def said(text: str, window: int | None = None) -> tuple[int, str, int, int]:
    """The same but for rival and distance, with a character in place of its number."""
    found = found_in(text, window)
    return found.length, chr(found.character) if found.length else "", found.same, found.other


def test_what_followed_the_longest_earlier_run_is_recalled() -> None:
    assert said("def get(self): def get(") == (8, "s", 1, 0)


def test_two_characters_are_too_few() -> None:
    assert said("ab c ab") == (0, "", 0, 0)
    assert said("abc abc") == (3, " ", 1, 0)


def test_of_equally_long_runs_the_latest_counts() -> None:
    assert said("xabc1 yabc2 zabc")[:2] == (3, "2")


def test_sources_at_least_half_as_long_agree_or_not() -> None:
    assert said("12345678a 45678a 678b 5678b 12345678") == (8, "a", 2, 1)  # "678" is shorter than half


def test_the_rival_is_the_longest_source_that_another_character_follows() -> None:
    assert found_in("abc1 abc1 abc").rival == 0
    assert found_in("12345678a 45678b 5678c 678a 12345678").rival == 5  # not half of 8 is too short to agree, not to rival
    assert found_in("12345678a 678b 12345678").rival == 3
    assert found_in("xabc1 yabc2 zabc").rival == 3  # as long as what is recalled
    assert found_in("bcabcabcabc").rival == 0  # sources that are periodic rival nobody
    assert found_in("abc\xff zabc1 zabc").rival == 3


def test_the_distance_is_from_the_latest_of_the_longest_sources() -> None:
    assert found_in("zabc1 zabc1 abc2 zabc").distance == len("1 abc2 zabc")
    assert found_in("abc abc").distance == 4
    assert found_in("nothing").distance == 0


def test_a_common_suffix_is_told_up_to_32_characters() -> None:
    run = "".join(map(chr, range(40, 90)))
    assert said(f"{run}! {run}") == (32, "!", 1, 0)
    assert said(f"{run[-32:]}! {run}") == (32, "!", 1, 0)
    assert said(f"{run[-31:]}! {run}") == (31, "!", 1, 0)


def test_what_has_just_been_repeated_is_not_recalled() -> None:
    assert said("abcabc") == (0, "", 0, 0)
    assert said("abcd abcabc")[:2] == (3, "d")
    period = "".join(map(chr, range(33, 161)))
    far = "".join(period[i % 97] + period[i % 101] for i in range(257))  # 514 characters without a repetition of that length
    assert said(far[:512] * 2)[0] == 0
    assert said(far[:513] * 2)[:2] == (32, far[0])


def test_the_window_bounds_what_is_seen() -> None:
    text = "abc1......abc"
    assert said(text, 13)[:2] == (3, "1")
    assert said(text, 12) == (0, "", 0, 0)
    assert said("zabc1......zabc", 14)[:2] == (3, "1")  # the z before it is beyond


def test_the_latest_64_sources_bound_the_work() -> None:
    recent = "".join(f"abc{chr(200 + i % 40)}{chr(40 + i)}" for i in range(63))
    assert said(f"zabc!{recent}zabc")[:2] == (4, "!")
    assert said(f"zabc!{recent}abc??zabc")[0] == 3


@given(st.text("abc", max_size=60), st.integers(0, 70))
@settings(deadline=None)
def test_nothing_before_the_window_matters(text: str, window: int) -> None:
    assert said("bcabca" + text, min(window, len(text))) == said(text, min(window, len(text)))


def repeating(seed: int, different: int, period: int, slips: float, count: int) -> "NDArray[np.uint32]":
    """A text of so many different characters that goes round and slips now and then."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, different, count)
    return np.where(random.random(count) < slips, drawn, np.resize(drawn[:period], count)).astype(np.uint32)


def by_definition(text: "NDArray[np.uint32]", window: int, place: int) -> Recalled:
    return recalled(text[max(0, place - window) : place]) if window else NOTHING_RECALLED


@pytest.fixture(params=sets_here())
def recall_along(request: pytest.FixtureRequest) -> "Callable[[NDArray[np.uint32], int], list[Recalled]]":
    """What is recalled before each character of a text and at its end, under each instruction set of this machine."""
    from elman_models import _native

    return lambda text, window: [
        Recalled(*map(int, fields)) for fields in zip(*_native.recall(text, window, request.param), strict=True)
    ]


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 5),
    st.sampled_from([1, 2, 7, 31, 32, 33, 100, 256, 700]),
    st.sampled_from([0.0, 0.01, 0.1, 1.0]),
    st.sampled_from([0, 1, 3, 4, 5, 31, 32, 33, 64, 127, 128, 129, 130, 131, 132, 500, 511, 512, 513, 1000]),
    st.sampled_from([0, 251, 300]),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_scan_is_the_definition(
    recall_along: "Callable[[NDArray[np.uint32], int], list[Recalled]]",
    seed: int,
    different: int,
    period: int,
    slips: float,
    window: int,
    first: int,
) -> None:
    """Runs that slip, at the text's start and the window's edge; above 255, characters that differ beyond their low bytes."""
    text = repeating(seed, different, period, slips, 1300) + first
    text += (256 * (repeating(seed, 9, period, slips, len(text)) == 0) * (first == 300)).astype(np.uint32)
    found = recall_along(text, window)
    for place in [*range(140), *range(510, 517), *range(1020, 1030), *range(1294, 1301)]:
        assert found[place] == by_definition(text, window, place)


def test_the_scan_of_a_long_text_is_the_definition(
    recall_along: "Callable[[NDArray[np.uint32], int], list[Recalled]]",
) -> None:
    """The window of the shipped models, passed by texts that hold sources everywhere, at a distance, seldom and never."""
    window = 8192
    for different, period, slips in ((1, 1, 0.0), (2, 1, 1.0), (90, 500, 0.002), (90, 8000, 0.01), (200, 1, 1.0)):
        text = repeating(7, different, period, slips, 2 * window + 700)
        found = recall_along(text, window)
        for place in [*range(window - 3, window + 4), *range(window, len(text) + 1, 61)]:
            assert found[place] == by_definition(text, window, place)


def test_classes_are_counted_along_their_bounds() -> None:
    recall = Recall.none()
    assert recall.class_of(Recalled(3, 0, 1, 0, 0, 1)) == (0, 0, 0, 0)
    assert recall.class_of(Recalled(4, 0, 2, 0, 0, 1)) == (1, 1, 0, 0)
    assert recall.class_of(Recalled(31, 0, 4, 0, 0, 1)) == (10, 2, 0, 0)
    assert recall.class_of(Recalled(32, 0, 5, 0, 0, 1)) == (11, 3, 0, 0)
    assert recall.class_of(Recalled(32, 0, 1, 3, 16, 1)) == (11, 4, 1, 0)  # 2.5 tenths
    assert recall.class_of(Recalled(32, 0, 3, 7, 16, 1)) == (11, 5, 1, 0)  # exactly 3
    assert recall.class_of(Recalled(32, 0, 9, 1, 16, 1)) == (11, 8, 1, 0)
    rivals = {3: 0, 4: 1, 25: 1, 26: 2, 32: 2}  # 0.94, 1.25, 7.8, 8.1 and 10 tenths of 32
    assert {rival: recall.class_of(Recalled(32, 0, 1, 0, rival, 1))[2] for rival in rivals} == rivals
    assert recall.class_of(Recalled(5, 0, 1, 1, 4, 1))[2] == 2  # exactly 8 tenths
    distances = {1: 0, 127: 0, 128: 1, 1023: 1, 1024: 2, 65536: 2}
    assert {each: recall.class_of(Recalled(3, 0, 1, 0, 0, each))[3] for each in distances} == distances
    assert recall.odds.shape == (12, 9, 3, 3)


def test_unk_has_no_odds() -> None:
    recall = replace(Recall.none(), odds=np.full_like(Recall.none().odds, 7))
    assert recall.odds_of(Recalled(5, 3, 1, 0, 0, 9), unknown=4) == 7
    assert recall.odds_of(Recalled(5, 4, 1, 0, 0, 9), unknown=4) == 0
    assert recall.odds_of(NOTHING_RECALLED, unknown=4) == 0


ODDS = Recall.none().odds


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": LARGEST_WINDOW + 1}, r"recall.window: 65537 is out of range; allowed: 0 to 65536"),
        ({"window": -1}, r"recall.window: -1 is out of range"),
        ({"odds": ODDS + LARGEST_ODDS + 1}, r"recall.odds: a value is out of range; allowed: 0 to 4194304"),
        ({"odds": ODDS - 1}, r"recall.odds: a value is out of range"),
        (
            {"unanimous": np.array([2, 2, 5], np.int32)},
            r"recall.unanimous: a value is out of range; allowed: rising, 1 to 65536",
        ),
        ({"shares": np.array([0, 1, 2, 3], np.int32)}, r"recall.shares: a value is out of range"),
        ({"rivals": np.array([8, 1], np.int32)}, r"recall.rivals: a value is out of range"),
        ({"distances": np.array([1, 65537], np.int32)}, r"recall.distances: a value is out of range"),
    ],
)
def test_an_artifact_with_odds_beyond_the_law_is_refused(
    model: Model, tmp_path: "Path", wrong: "dict[str, Any]", message: str
) -> None:
    path = tmp_path / "wrong.safetensors"
    save(replace(model, recall=replace(model.recall, **wrong)), path)
    with pytest.raises(ArtifactError, match=message):
        load(path)


def test_the_digest_covers_window_classes_and_odds(model: Model) -> None:
    recall = model.recall
    others = [
        replace(recall, window=recall.window + 1),
        replace(recall, odds=recall.odds + 1),
        replace(recall, lengths=recall.lengths + 1),
        replace(recall, unanimous=recall.unanimous + 1),
        replace(recall, shares=recall.shares + 1),
        replace(recall, rivals=recall.rivals + 1),
        replace(recall, distances=recall.distances + 1),
    ]
    assert len({model.digest, *(replace(model, recall=other).digest for other in others)}) == 8
