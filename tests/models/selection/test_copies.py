"""Laws of what stands in several documents: it is kept once, whatever is shared less than mostly stays."""

import random
from pathlib import Path

import pytest

from elman_models.corpus import divide, read_training_text
from elman_models.selection.copies import BLOCK, MOST, Blocks, copies, without


def lines(count: int, seed: int) -> str:
    draw = random.Random(seed)
    return "".join(
        f"{' '.join(draw.choices(['cat', 'dog', 'king', 'queen', 'river', 'stone', 'sees'], k=9))}\n" for _ in range(count)
    )


def kept(documents: list[str]) -> list[str]:
    found = copies(documents)
    return [without(document, found[index]) if index in found else document for index, document in enumerate(documents)]


def test_a_copy_leaves_nothing() -> None:
    text = lines(40, 0)
    assert kept([text, lines(40, 1), text]) == [text, lines(40, 1), ""]


def test_of_a_draft_only_its_own_lines_stay_and_the_longer_one_is_whole() -> None:
    old, own = lines(60, 0), lines(5, 1)
    draft, final = old[:2000] + old[2000:].split("\n", 1)[0] + "\n" + own, old + lines(30, 2)
    assert kept([draft, final]) == [own, final]


def test_a_change_here_and_there_makes_no_other_text() -> None:
    old = lines(100, 0).splitlines(keepends=True)
    new = [line if number % 10 else f"another line, number {number}\n" for number, line in enumerate(old)]
    assert kept(["".join(old), "".join(new)])[1] == "".join(new[::10])


def test_a_header_in_every_file_is_no_copy() -> None:
    header = lines(5, 0)
    documents = [header + lines(20, seed) for seed in range(1, 5)]
    assert kept(documents) == documents


def test_what_repeats_itself_within_a_document_is_its_own() -> None:
    assert kept(["abc\n" * 900]) == ["abc\n" * 900]


@pytest.mark.parametrize("seed", range(20))
def test_every_run_that_is_long_enough_is_found_to_its_last_character(seed: int) -> None:
    draw = random.Random(seed)
    first, other = ("".join(draw.choices("abcd", k=700)) for _ in range(2))
    start, length, at = draw.randrange(300), draw.randint(2 * BLOCK - 1, 300), draw.randrange(400)
    document = other[:at] + "x" + first[start : start + length] + "y" + other[at:]
    blocks = Blocks([first])
    blocks.add(0)
    shared = blocks.shared_with(document)
    assert shared is not None
    assert shared.runs == [(at + 1, at + 1 + length)]
    assert shared.share == pytest.approx(length / len(document))
    assert MOST == 0.5


def test_the_same_text_twice_is_divided_as_if_it_were_there_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(lines(500, 0))
    once = divide(read_training_text([tmp_path]), 0.05)
    (tmp_path / "b.txt").write_text(lines(500, 0))
    (tmp_path / "c.txt").write_text(lines(500, 0) + "one line more\n")
    corpus = read_training_text([tmp_path])
    assert corpus.documents == (lines(500, 0) + "one line more\n",)
    assert corpus.skipped == tuple(
        f"{tmp_path}/{name}: all of it, which stands in {tmp_path}/c.txt" for name in ("a.txt", "b.txt")
    )
    training, held_out = divide(corpus, 0.05)
    assert held_out.characters == pytest.approx(once[1].characters, rel=0.05)
    assert not any(page in training.text for page in held_out.documents)
