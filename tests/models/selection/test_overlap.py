"""Laws of what two parts of a corpus may share."""

import random

import pytest

from elman_models.selection.overlap import LENGTH, RunHashes, separate, without_lines
from elman_models.shipyard.texts import divide_by_name


def letters(count: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("abcdefgh \n", k=count))


def runs_by_brute_force(document: str, others: list[str], length: int) -> set[int]:
    """Where a run of exactly `length` begins that one of the others has."""
    return {at for at in range(len(document) - length + 1) if any(document[at : at + length] in other for other in others)}


@pytest.mark.parametrize("length", [1, 2, 7, 8, 200])
def test_a_run_of_the_length_is_found_wherever_it_stands(length: int) -> None:
    shared = letters(length, seed=1).replace("\n", "x")
    for before in range(2 * length + 1):
        held_out = "1" * before + shared + "2" * length
        assert (3, 3 + length) in RunHashes([held_out], length).shared_with("345" + shared + "6" * length)


@pytest.mark.parametrize("length", [2, 7, 200])
def test_a_run_that_is_shorter_by_one_may_stay(length: int) -> None:
    shared = letters(length - 1, seed=1)
    document = f"3{shared}4"
    assert separate({"a": document}, [f"1{shared}2"], length) == {"a": document}


@pytest.mark.parametrize("seed", range(20))
def test_every_run_is_found_and_nothing_else(seed: int) -> None:
    document, others = random_texts(seed)
    found = list(RunHashes(others, 6).shared_with(document))
    assert found == [(at, at + 6) for at in sorted(runs_by_brute_force(document, others, 6))]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_shared_once_separated(seed: int) -> None:
    document, others = random_texts(seed)
    for piece in separate({"a": document}, others, 6).values():
        assert not runs_by_brute_force(piece, others, 6)


def random_texts(seed: int) -> tuple[str, list[str]]:
    """A text of four letters, so that runs overlap and repeat, and some that share pieces with it."""
    chance = random.Random(seed)
    document = "".join(chance.choices("abc\n", k=400))
    pieces = [document[at : at + chance.randrange(30)] for at in chance.choices(range(400), k=4)]
    return document, [piece.join(chance.choices(["aab", "c\n", "bca"], k=2)) for piece in pieces]


def test_whole_lines_go_and_the_rest_becomes_documents_of_its_own() -> None:
    shared = "def copy(self): return type(self)(self)\n" * 5
    document = f"before\nstart of the line {shared}after\nend"
    assert separate({"a": document, "b": "other"}, [f"x{shared}y"]) == {"a#1": "before\n", "a#2": "after\nend", "b": "other"}


def test_a_document_that_is_held_out_as_a_whole_leaves_nothing() -> None:
    document = letters(1000, seed=2)
    assert separate({"a": document}, [document]) == {}


def test_a_text_of_one_character_repeated_takes_no_longer_than_it_should() -> None:
    assert separate({"a": "-" * 20_000}, ["-" * 20_000]) == {}


def test_runs_that_touch_the_same_line_take_it_once() -> None:
    assert without_lines("one\ntwo three\nfour\n", [(8, 10), (4, 6)]) == ["one\n", "four\n"]


def test_what_training_shares_with_either_held_out_part_is_cut() -> None:
    first, second = letters(LENGTH, seed=3), letters(LENGTH, seed=4)
    texts = {"a": f"alone\n{first}\nagain\n{second}", "validation": first, "unseen": second}
    parts = divide_by_name(texts, is_validation=lambda name: name != "a", is_unseen=lambda name: name == "unseen")
    assert (parts.validation, parts.unseen) == ({"validation": first}, {"unseen": second})
    assert parts.training == {"a#1": "alone\n", "a#2": "again\n"}
