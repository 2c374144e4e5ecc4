"""An Ending, fed piece by piece, says what LAW.md (Ends) says of the whole string."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from elman_server.engine.ending import Ending, Reason, borders

STOPS = st.lists(st.text("ab", min_size=1, max_size=4), max_size=4)


def test_one_that_weighs_is_drawn_in_pieces_that_grow_and_any_other_at_once() -> None:
    weighing, other = Ending(100, (), 1000), Ending(100, (), None)
    pieces: list[int] = []
    while weighing.left:
        pieces.append(weighing.worth_drawing)
        weighing.take("a" * pieces[-1], [0] * pieces[-1])
    assert pieces == [12, 24, 48, 16]
    assert other.worth_drawing == 100


class End(NamedTuple):
    """Where a completion ends, why, and how many characters of it are sent."""

    reason: Reason | None
    length: int
    sendable: int


def defined(text: str, received: int, most: int, stops: Sequence[str]) -> End:
    """By definition: look after each new character for the earliest end, and of those the longest match."""
    for count in range(received + 1, len(text) + 1):
        matches = [stop for stop in stops if text[:count].endswith(stop)]
        if matches:
            longest = max(map(len, matches))
            return End(Reason.STOP, count, max(received, count - longest))
        if count == most:
            return End(Reason.LENGTH, count, count)
    return End(None, len(text), max(received, len(text) - held(text, stops)))


def held(text: str, stops: Sequence[str]) -> int:
    """The length of the longest end of the text that begins a stop string and is not all of it."""
    return max((size for stop in stops for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0)


@given(st.text("ab", max_size=30), st.integers(0, 8), st.integers(1, 30), STOPS, st.data())
@example("aab", 1, 30, ["aab"], None)
@example("abab", 2, 4, ["bab", "ab"], None)
@example("aa", 0, 2, ["ab"], None)
def test_an_ending_fed_in_any_pieces_is_the_definition_on_the_whole(
    text: str, received: int, most: int, stops: list[str], data: st.DataObject | None
) -> None:
    received = min(received, len(text), most)
    assume(not any(stop in text[:received] for stop in stops))
    ending = Ending(most, stops, None)
    ending.receive(text[:received])
    place, furthest = received, received
    while place < len(text) and not ending.reason:
        size = data.draw(st.integers(1, 5)) if data else 1
        ending.take(text[place : place + size])
        place += size
        assert furthest <= ending.sendable  # what was sent is never taken back
        furthest = ending.sendable
    expected = End(Reason.LENGTH, received, received) if received == most else defined(text, received, most, stops)
    assert End(ending.reason, ending.count, ending.sendable) == expected


@given(st.text("ab", max_size=20), STOPS)
def test_a_whole_match_in_what_was_received_shows_as_stop(text: str, stops: list[str]) -> None:
    ending = Ending(100, stops, None)
    ending.receive(text)
    assert (ending.reason is Reason.STOP) == any(stop in text for stop in stops)


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(0, 200), st.integers(0, 5), st.data())
def test_a_completion_ends_before_the_character_that_exceeds_the_surprise(
    surprises: list[int], largest: int, received: int, data: st.DataObject
) -> None:
    received = min(received, len(surprises))
    worth = [count for count in range(len(surprises) + 1) if sum(surprises[:count]) <= largest]
    assume(received in worth)  # an earlier stream sent it
    ending = Ending(1000, (), largest)
    ending.receive("x" * received)
    ending.weigh(surprises[:received])
    place = received
    while place < len(surprises) and not ending.reason:
        size = data.draw(st.integers(1, 5))
        ending.take("x" * len(surprises[place : place + size]), surprises[place : place + size])
        place += size
    assert ending.sendable == ending.count == max(worth)
    assert (ending.reason is Reason.CONFIDENCE) == (max(worth) < len(surprises))


@pytest.mark.timeout(10)
def test_a_long_text_received_is_taken_at_once() -> None:
    stops = ["a" * 63 + str(index % 10) + "b" for index in range(16)]
    for _ in range(20):
        ending = Ending(1 << 20, stops, None)
        ending.receive("a" * ((1 << 20) - 1))
        assert ending.left == 1


@pytest.mark.parametrize("stops", [["abc"], ["a☂", "abc"], ["abc", "abcdefgh"]])
def test_a_stop_string_that_began_in_what_was_received_ends_beyond_it(stops: list[str]) -> None:
    ending = Ending(100, stops, None)
    ending.receive("xxxab")
    assert (ending.count, ending.sendable, ending.reason) == (5, 5, None)
    ending.take("cd")
    assert End(ending.reason, ending.count, ending.sendable) == End(Reason.STOP, 6, 5)


def test_what_was_received_up_to_the_limit_is_the_end() -> None:
    ending = Ending(3, (), None)
    ending.receive("abc")
    assert End(ending.reason, ending.count, ending.sendable) == End(Reason.LENGTH, 3, 3)


def test_a_border_is_the_longest_proper_beginning_that_is_also_an_end() -> None:
    for text in ("".join(letters) for length in range(9) for letters in product("ab", repeat=length)):
        beginnings = [text[: index + 1] for index in range(len(text))]
        longest = [max(size for size in range(len(one)) if one.endswith(one[:size])) for one in beginnings]
        assert borders(text) == longest


def test_without_stop_strings_all_is_taken_and_sent_up_to_the_limit() -> None:
    ending = Ending(5, (), None)
    ending.take("ab")
    assert End(ending.reason, ending.count, ending.sendable) == End(None, 2, 2)
    ending.take("cdef")
    assert End(ending.reason, ending.count, ending.sendable) == End(Reason.LENGTH, 5, 5)


def test_of_two_stop_strings_that_end_together_the_longer_one_is_taken_out() -> None:
    ending = Ending(9, ("c", "bc", "xyz"), None)
    ending.take("a")
    ending.take("bcd")
    assert End(ending.reason, ending.count, ending.sendable) == End(Reason.STOP, 3, 1)


def test_the_first_reason_found_is_the_reason() -> None:
    ending = Ending(2, ("ab",), None)
    ending.receive("ab")
    assert End(ending.reason, ending.count, ending.sendable) == End(Reason.STOP, 2, 2)


def test_the_first_character_is_held_back_too_if_it_may_begin_a_stop_string() -> None:
    ending = Ending(9, ("ab",), None)
    ending.take("a")
    assert End(ending.reason, ending.count, ending.sendable) == End(None, 1, 0)
    ending.take("b")
    assert End(ending.reason, ending.count, ending.sendable) == End(Reason.STOP, 2, 0)


def test_what_was_held_back_is_sent_before_a_character_that_exceeds_the_surprise() -> None:
    ending = Ending(9, ("ab",), 5)
    ending.take("aa", (3, 3))
    assert End(ending.reason, ending.count, ending.sendable) == End(Reason.CONFIDENCE, 1, 1)


@pytest.mark.parametrize(
    ("text", "surprises", "length"),
    [
        ("cde", (9, 9, 9), 2),  # all in the word: 18 is within 20, 27 is not
        ("c d", (9, 1, 1), 1),  # the space is not in the word any more, and 10 exceeds 9
        ("c d", (3, 3, 3), 3),
        ("c de", (3, 3, 3, 1), 3),  # nor is the next word, whatever it is
        (" cd", (3, 8, 1), 1),
        ("é_7", (9, 9, 2), 3),
        ("…", (10,), 0),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 4])
def test_the_rest_of_a_word_may_be_less_likely_than_what_follows_it(
    text: str, surprises: tuple[int, ...], length: int, piece: int
) -> None:
    ending = Ending(9, [], 9, 20)
    for start in range(0, len(text), piece):
        if not ending.reason:
            ending.take(text[start : start + piece], surprises[start : start + piece])
    assert ending.count == length
    assert ending.reason is (Reason.CONFIDENCE if length < len(text) else None)


@pytest.mark.parametrize(
    ("text", "surprises", "word_surprise", "length"),
    [
        ("cde f", (8, 9, 9, 0, 0), None, 3),  # the word is finished, and no more
        ("cde f", (10, 0, 0, 0, 0), None, 0),  # but none begun that exceeds it
        ("c de,f", (0, 0, 0, 50, 0, 0), 20, 4),  # the rest of c is not the completion's own word, de is
        ("cde", (8, 8, 8), 20, 2),
        ("c'd", (9, 1, 0), None, 1),
        ("日本", (9, 1), None, 1),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 6])
def test_a_word_that_the_completion_began_is_finished(
    text: str, surprises: tuple[int, ...], word_surprise: int | None, length: int, piece: int
) -> None:
    ending = Ending(9, [], 9, word_surprise, finishes_words=True)
    for start in range(0, len(text), piece):
        if not ending.reason:
            ending.take(text[start : start + piece], surprises[start : start + piece])
    assert (ending.reason, ending.count, ending.sendable) == (Reason.CONFIDENCE, length, length)


@pytest.mark.parametrize(("received", "surprise", "ends"), [("ab", 15, False), ("ab", 21, True), ("a b", 15, True)])
def test_what_was_received_counts_for_the_word_too(received: str, surprise: int, ends: bool) -> None:
    ending = Ending(9, [], 9, 20)
    ending.receive(received)
    ending.weigh([surprise])
    assert (ending.reason is Reason.CONFIDENCE) == ends
