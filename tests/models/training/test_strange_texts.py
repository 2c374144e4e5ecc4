"""Laws of texts that nobody would call notes: a model that works or a clear word, and memory that follows the text."""

import random
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prose import QUICK, Kept, prose

from elman_models.corpus import CorpusError
from elman_models.errors import InvalidField
from elman_models.law.artifact import load
from elman_models.law.vocabulary import MOST_LEARNED
from elman_models.training import verdict
from elman_models.training.train import Trained, train
from elman_models.training.verdict import compared

TINY = replace(QUICK, hidden_size=8, layers=1, epochs=1, dropout=0.0)


class Leaving(Kept):
    """Interrupts a run after some steps, as Ctrl-C does."""

    def advance(self, step: int, steps: int, loss: float, characters_per_second: float) -> None:
        super().advance(step, steps, loss, characters_per_second)
        if step == 3:
            raise KeyboardInterrupt


def trained(path: Path, report: Kept | None = None, **dials: Any) -> Trained:
    return train([path], path.parent / "m.safetensors", replace(TINY, **dials), device="cpu", report=report or Kept())


def begun(path: Path, **dials: Any) -> Kept:
    """Read, divide, encode, save, and make the first steps."""
    kept = Leaving()
    with pytest.raises(KeyboardInterrupt):
        trained(path, kept, **dials)
    return kept


def traced_peak(path: Path, line: str, megacharacters: int, held_out: float) -> int:
    """The most bytes that text and arrays took at once."""
    path.write_bytes(line.ljust(50, "x").encode() * (20_000 * megacharacters))
    tracemalloc.start()
    try:
        begun(path, held_out=held_out)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        (path.parent / "m.safetensors.checkpoint").unlink()


@pytest.mark.parametrize("held_out", [0.05, 0.0])
@pytest.mark.parametrize(
    ("line", "width"), [("cafés\n", 1), ("dos\r\n", 1), ("no line end", 1), ("“quoted”\n", 2), ("😀\n", 4)]
)
def test_a_character_more_of_text_takes_twice_its_width_more_of_memory(
    tmp_path: Path, line: str, width: int, held_out: float
) -> None:
    path = tmp_path / "a.txt"
    traced_peak(path, line, 1, held_out)  # what the first run imports stays
    growth = traced_peak(path, line, 6, held_out) - traced_peak(path, line, 3, held_out)
    assert growth / 3e6 < 2 * width + 0.4  # the text twice, as its parts and their join, or once beside its indices


def test_one_character_over_and_over_is_learnt_and_costs_as_little_as_an_n_gram_asks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a" * 5000)
    kept = Kept()
    done = trained(tmp_path / "a.txt", kept)
    assert done.verdict is not None
    assert done.verdict.quality.nats_per_character_streaming == pytest.approx(0)
    compared_with = "as good as a 6-gram's 0.0000; as good as the 0.0000 of one with recall"
    assert kept.lines[-4].endswith(f"0.0000 nats a character, 0.000 bits; {compared_with}")


def test_one_line_over_and_over_is_compared_in_words_that_make_sense(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n" * 2500)
    kept = Kept()
    trained(tmp_path / "a.txt", kept)
    assert re.search(r"bits; \d+\.\d times a 6-gram's 0\.0\d+; ", kept.lines[-4])


@pytest.mark.parametrize(
    ("nats", "ngram", "words"),
    [
        (0.0, 0.0, "as good as"),
        (1.23456, 1.23457, "as good as"),
        (1.2, 1.5, "20.0% better than"),
        (1.5, 1.2, "25.0% worse than"),
        (2.0, 0.0125, "160.0 times"),
        (0.001, 0.0, "10.0 times"),
    ],
)
def test_a_cost_is_compared_in_words(nats: float, ngram: float, words: str) -> None:
    assert compared(nats, ngram) == words


def test_a_line_of_ten_megabytes_is_read_divided_and_trained_on(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(prose(100_000).replace("\n", " ") * 100)
    kept = begun(tmp_path / "a.txt")
    assert kept.steps == [1, 2, 3]
    assert kept.lines[0].startswith("read 10,0")


def test_a_text_without_a_line_end_becomes_a_model(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(prose(20_000).replace("\n", " "))
    done = trained(tmp_path / "a.txt")
    assert "\n" not in done.model.vocabulary.characters
    assert done.verdict is not None
    assert done.verdict.quality.characters >= 800  # 2 pages of 400: lines beyond them are cut
    assert done.verdict.quality.nats_per_character_streaming < 3


def test_of_mixed_encodings_a_folder_trains_on_utf_8_and_names_the_rest(tmp_path: Path) -> None:
    folder, text = tmp_path / "notes", prose(8000) + "café – naïve\n" * 9
    folder.mkdir()
    (folder / "a.txt").write_bytes(text.encode())
    other = prose(16_000)[8000:]
    (folder / "b.txt").write_bytes(other.encode("utf-8-sig"))
    (folder / "c.txt").write_bytes(text.encode("utf-16"))
    (folder / "d.txt").write_bytes(text.encode("cp1252"))
    kept = Kept()
    done = trained(folder, kept)
    assert set("éï–") < set(done.model.vocabulary.characters)
    assert "\ufeff" not in done.model.vocabulary.characters
    assert [line.replace(f"{folder}/", "") for line in kept.lines[:4]] == [
        f"read {len(text) + len(other):,} characters in 2 files",
        "folded: 1 byte order mark left out",
        "left out: c.txt: not UTF-8 but UTF-16, by its byte order mark; `iconv -f UTF-16 -t UTF-8` converts it",
        f"left out: d.txt: not UTF-8 (byte {text.index('é')}: invalid continuation byte)",
    ]


def test_crlf_and_a_lone_cr_become_line_ends(tmp_path: Path) -> None:
    (tmp_path / "dos.txt").write_bytes(prose(5000).replace("\n", "\r\n").encode())
    (tmp_path / "mac.txt").write_bytes(prose(5000).replace("\n", "\r").encode())
    (tmp_path / "unix.txt").write_bytes(prose(5000).encode())
    digests = {trained(tmp_path / name).model.digest for name in ("unix.txt", "dos.txt", "mac.txt")}
    assert len(digests) == 1


def test_of_a_text_of_thousands_of_characters_the_most_frequent_are_learnt_which_is_said(tmp_path: Path) -> None:
    draw = random.Random(0)
    often, rare = (
        [chr(first + number) for number in range(count)] for first, count in ((0x20000, MOST_LEARNED), (0x4E00, 1000))
    )
    text = "".join(draw.sample(often * 8 + rare * 6, 22_384))
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    kept = Kept()
    done = trained(tmp_path / "a.txt", kept, window=16, held_out=0.0, layers=3)
    assert [layer.reads_character for layer in done.model.structure.layers] == [True, False, False]  # one table, not three
    assert done.model.vocabulary.characters == "".join(often)
    said = "(the 2,048 most frequent of 3,048 different ones; the others are 26.8% of the text)"
    assert said in kept.lines[1]
    assert done.output.stat().st_size < 250_000
    assert load(done.output).digest == done.model.digest


def test_a_long_run_of_characters_that_are_not_learnt_teaches_nothing_and_ends_nothing(tmp_path: Path) -> None:
    unknown = "".join(map(chr, range(0x20000, 0x21000)))
    (tmp_path / "a.txt").write_text(unknown + "a bad cab\n" * 50, encoding="utf-8")
    done = trained(tmp_path / "a.txt", window=8, batch_size=1, held_out=0.0)
    assert done.model.vocabulary.characters == "\n abcd"


def test_a_text_of_which_no_character_is_learnt_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(map(chr, range(0x20000, 0x2A000))), encoding="utf-8")
    with pytest.raises(InvalidField, match=r"training text: no character seen at least 3 times .* allowed: at least 1"):
        trained(tmp_path / "a.txt")


def test_an_empty_folder_is_too_little_text(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="too little text: 0 characters in 0 files; needed: 1,000"):
        trained(tmp_path)


def test_of_much_text_the_n_gram_counts_a_part_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text(prose(30_000))
    whole, part = Kept(), Kept()
    done = trained(tmp_path / "a.txt", whole)
    assert done.verdict is not None
    assert f"a 6-gram's {done.verdict.ngram_nats_per_character:.4f}; " in whole.lines[-4]
    assert done.model.about["quality"]["6-gram_training_characters"] == done.model.about["training_characters"]
    monkeypatch.setattr(verdict, "NGRAM_CHARACTERS", 10_000)
    again = trained(tmp_path / "a.txt", part)
    characters = again.model.about["quality"]["6-gram_training_characters"]
    assert 5_000 < characters < 15_000
    assert again.verdict is not None
    cost = again.verdict.ngram_nats_per_character
    assert f"a 6-gram's {cost:.4f}, counted on {characters:,} characters; " in part.lines[-4]
    assert cost > done.verdict.ngram_nats_per_character
    assert again.model.digest == done.model.digest
