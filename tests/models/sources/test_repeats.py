"""Laws of what stood elsewhere: nothing of 200 characters is learnt twice."""

import random

import pytest
from runs import longest_shared_run

from elman_models.selection.overlap import LENGTH
from elman_models.sources.repeats import Repeats


def letters(count: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("abcdefgh \n", k=count))


def test_a_document_that_stood_elsewhere_leaves_nothing() -> None:
    repeats = Repeats()
    assert repeats.new_in(letters(1000, 1)) == [letters(1000, 1)]
    assert repeats.new_in(letters(1000, 1)) == []


@pytest.mark.parametrize("before", [0, 1, 50, 99, 150])
def test_the_lines_of_a_run_go_wherever_it_stands(before: int) -> None:
    run = letters(LENGTH, 2).replace("\n", "x")
    repeats = Repeats()
    repeats.new_in(f"{letters(before, 3)}\n{run}\nafter")
    assert repeats.new_in(f"first\n{run}\nlast") == ["first\n", "last"]


def test_a_run_that_is_shorter_by_one_may_stay() -> None:
    run = letters(LENGTH - 1, 2).replace("\n", "x")
    repeats = Repeats()
    repeats.new_in(f"1\n2{run}3\n4")
    assert repeats.new_in(f"5{run}6") == [f"5{run}6"]


def test_a_longer_run_is_found_beside_a_shorter_one_of_the_same_beginning() -> None:
    start, rest = letters(150, 4).replace("\n", "x"), letters(100, 5).replace("\n", "x")
    repeats = Repeats()
    repeats.new_in(f"{start}1{letters(100, 6)}")
    repeats.new_in(f"{letters(70, 7)}{start}{rest}\n")
    assert repeats.new_in(f"first\n{start}{rest}\nlast") == ["first\n", "last"]


def test_what_is_kept_shares_no_run() -> None:
    chance, repeats = random.Random(8), Repeats()
    pieces = [letters(300, seed) for seed in range(10)]
    kept = [piece for _ in range(30) for piece in repeats.new_in("\n".join(chance.choices(pieces, k=4)))]
    for number, piece in enumerate(kept):
        assert len(longest_shared_run(kept[:number], [piece])) < LENGTH
