"""Laws of imprints: a text is known again, another is not, and nothing of it can be read."""

import pytest
from prose import prose

from elman_models.errors import ArtifactError
from elman_models.selection import imprint
from elman_models.selection.imprint import Imprint, largest_overlap

TEXT, OTHER = prose(20_000), prose(20_000, seed=1)


def test_a_text_is_found_in_its_own_imprint_and_another_is_not() -> None:
    made = Imprint.of([TEXT])
    assert (made.overlap([TEXT]).share, made.overlap([TEXT]).is_sure) == (1.0, True)
    assert made.overlap([OTHER]).share < 0.05
    assert not made.overlap([OTHER]).is_sure


def test_a_part_is_found_wherever_it_stands_and_counts_as_a_part() -> None:
    mixed = f"Something new.\n{TEXT[5_000:9_000]}\n{OTHER[:12_000]}"
    overlap = Imprint.of([OTHER[12_000:], TEXT]).overlap([mixed])
    assert overlap.is_sure
    assert overlap.share == pytest.approx(4 / 16, abs=0.05)


def test_what_is_too_little_to_tell_is_not_told() -> None:
    made = Imprint.of([TEXT])
    assert not made.overlap(["The cat\n" + OTHER[:300]]).is_sure
    assert not made.overlap([""]).is_sure
    assert not Imprint.of([""]).overlap([TEXT]).is_sure


def test_an_imprint_does_not_grow_with_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imprint, "MOST", 100)
    made = Imprint.of([TEXT, OTHER])
    assert made.every > 1
    assert len(made.bits) <= 2 * imprint.SPARSE * 100 // 8
    assert made.overlap([TEXT]).share == 1.0
    assert not made.overlap([prose(20_000, seed=2)]).is_sure


def test_the_imprint_that_holds_most_counts_and_none_says_nothing() -> None:
    told = [Imprint.of([text]).to_json() for text in (OTHER, TEXT)]
    found = largest_overlap(told, [TEXT])
    assert found is not None
    assert found.share == 1.0
    assert largest_overlap([], [TEXT]) is None


@pytest.mark.parametrize("value", [{}, {"every": 0, "bits": "AAAA"}, {"every": 1, "bits": ""}, {"every": 1, "bits": "?"}, 3])
def test_what_is_no_imprint_is_refused(value: object) -> None:
    with pytest.raises(ArtifactError, match="about: imprints"):
        Imprint.from_json(value)
