"""Laws of the order in which training sees a text."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import numpy as np
import pytest
import torch

from elman_models.law.vocabulary import CHUNK, Vocabulary
from elman_models.training.batches import IGNORED, Batches, joined_indices

DOCUMENTS = ["abcabcabd" * 5, "dcba" * 9, "bad\nbad\n" * 4]
VOCABULARY = Vocabulary("\nabc")  # d is unknown


def batches(seed: int = 0) -> Batches:
    return Batches(DOCUMENTS, VOCABULARY, rows=3, steps=6, seed=seed)


def test_an_epoch_sees_the_text_once_in_its_order() -> None:
    ours = batches()
    epoch = torch.cat([ours.window(step).characters for step in range(ours.per_epoch)]).t().reshape(-1)
    whole = torch.tensor(VOCABULARY.encode("".join(f"\n{document}" for document in DOCUMENTS))).long()
    length = ours.per_epoch * ours.steps
    doubled = torch.cat([whole, whole])
    for row in epoch.split(length):
        assert any(torch.equal(doubled[start : start + length], row) for start in range(len(whole)))


def test_a_target_is_the_next_input_and_unknown_ones_do_not_count() -> None:
    ours = batches()
    here, there = ours.window(0), ours.window(1)
    following = torch.cat([here.characters[1:], there.characters[:1]])
    assert torch.equal(here.targets, following.masked_fill(following == VOCABULARY.unknown, IGNORED))


def test_every_document_starts_by_forgetting() -> None:
    ours = batches()
    starts = [window.resets for step in range(ours.per_epoch) if (window := ours.window(step)).resets]
    assert sum(int((keep == 0).sum()) for resets in starts for keep in resets.values()) in (len(DOCUMENTS) - 1, len(DOCUMENTS))


def test_a_window_depends_on_seed_and_step_alone() -> None:
    steps = [9, 0, 4, 13]
    once, again = batches(), batches()
    first = {step: once.window(step).characters for step in steps}
    assert all(torch.equal(again.window(step).characters, first[step]) for step in reversed(steps))
    assert not torch.equal(batches(seed=1).window(0).characters, first[0])


def test_the_rows_of_an_epoch_are_the_turned_text_cut_into_equal_parts() -> None:
    ours = batches(seed=7)
    encoded = [VOCABULARY.encode(f"\n{document}") for document in DOCUMENTS]
    whole, is_start = np.concatenate(encoded), np.concatenate([np.arange(len(each)) == 0 for each in encoded])
    for epoch in range(3):
        offset = np.random.default_rng([7, epoch]).integers(len(whole))
        length = len(whole) // ours.rows * ours.rows
        rows, starts = (np.roll(each, -offset)[:length].reshape(ours.rows, -1) for each in (whole, is_start))
        for place in range(ours.per_epoch):
            window, part = ours.window(epoch * ours.per_epoch + place), slice(place * ours.steps, (place + 1) * ours.steps)
            assert window.characters.T.tolist() == rows[:, part].tolist()
            assert list(window.resets) == np.flatnonzero(starts[:, part].any(axis=0)).tolist()
            assert all((keep[:, 0] == 0).tolist() == starts[:, part][:, at].tolist() for at, keep in window.resets.items())


@pytest.mark.parametrize(("characters", "size"), [(1, 1), (254, 1), (255, 2), (65_534, 2), (65_535, 4)])
def test_a_text_is_held_in_as_few_bytes_as_its_characters_need(characters: int, size: int) -> None:
    known = "".join(map(chr, range(0x10000, 0x10000 + characters)))
    text = joined_indices([known[-1] + "a", ""], Vocabulary(known))
    assert text.tolist() == [characters + 1, characters - 1, characters, characters + 1]  # start, the last, UNK, start
    assert text.itemsize == size


def test_a_long_document_is_held_whole() -> None:
    document = "abcab\n" * CHUNK
    text = joined_indices(["ab", document], VOCABULARY)
    assert text[4:].tolist() == VOCABULARY.encode(document).tolist()


def test_rows_start_anew_by_chance_at_the_start_of_a_window() -> None:
    ours, plain = Batches(DOCUMENTS, VOCABULARY, rows=3, steps=6, seed=0, restarts=0.5), batches()
    restarted = 0
    for step in range(8 * ours.per_epoch):
        here, there = ours.window(step), plain.window(step)
        differs = (here.characters != there.characters).any(dim=0)
        keeps = here.resets[0][:, 0] if 0 in here.resets else torch.ones(3)
        assert torch.equal(here.targets, there.targets)
        assert torch.equal(here.characters[1:], there.characters[1:])
        assert bool((here.characters[0, keeps == 0] == 0).all())  # the line end
        assert bool((keeps[differs] == 0).all())
        restarted += int((keeps == 0).sum())
    assert restarted > 8 * ours.per_epoch
