"""Laws of the training text."""

from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman_models.corpus import BLOCK, LONGEST_PAGE, Corpus, CorpusError, divide, pages, read_corpus, spread


def test_a_folder_stands_for_its_text_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.md").write_text("three")
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "z.txt").write_text("two")
    assert read_corpus([tmp_path]).documents == ("one", "two", "three")


def test_what_is_hidden_is_passed_over_and_what_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / ".hidden").write_text("secret")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("secret")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    (tmp_path / "nothing.txt").write_bytes(b"")
    corpus = read_corpus([tmp_path])
    assert corpus.documents == ("text",)
    assert [line.removeprefix(f"{tmp_path}/") for line in corpus.skipped] == [
        "latin.txt: not UTF-8 (byte 3: unexpected end of data)",
        "nothing.txt: empty",
        "picture.png: binary, not text (a NUL byte at 4)",
    ]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"ab\0c", "binary"),
        (b"ok\xe9\n", "not UTF-8"),
        ("text".encode("utf-16"), "not UTF-8 but UTF-16, by its byte order mark; `iconv -f UTF-16 -t UTF-8` converts it"),
        (b"\xfe\xff" + "中文".encode("utf-16-be"), "not UTF-8 but UTF-16"),
    ],
)
def test_a_file_that_is_named_must_be_text(tmp_path: Path, data: bytes, word: str) -> None:
    path = tmp_path / "notes"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=f"notes: {word}"):
        read_corpus([path])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.txt"):
        read_corpus([tmp_path / "nowhere.txt"])


def test_every_file_is_folded_and_what_was_changed_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    (tmp_path / "b").write_bytes("\ufeffcafe\u0301\rtwo".encode())
    corpus = read_corpus([tmp_path / "a", tmp_path / "b"])
    assert corpus.documents == ("one\ntwo\n", "café\ntwo")
    assert list(corpus.remarks(is_verbose=False)) == [
        "folded: 2 line ends from CRLF to LF, 1 line end from CR to LF, 2 byte order marks left out, 1 character composed (NFC)"
    ]


def test_a_file_of_many_blocks_is_read_as_one(tmp_path: Path) -> None:
    text = "é—😀\r\n" * (BLOCK // 5)  # of 11 bytes, so that blocks end within characters and within line ends
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_corpus([tmp_path / "a"]).documents == (text.replace("\r\n", "\n"),)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"a" * BLOCK + b"b\0", rf"binary, not text \(a NUL byte at {BLOCK + 1}\)"),
        (b"a" * (BLOCK - 1) + b"\xc3(", rf"not UTF-8 \(byte {BLOCK - 1}: invalid continuation byte\)"),
        (b"a" * (BLOCK - 1) + b"\xe2\x80", rf"not UTF-8 \(byte {BLOCK - 1}: unexpected end of data\)"),
    ],
)
def test_what_is_not_text_is_told_with_its_place_in_the_file(tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CorpusError, match=word):
        read_corpus([tmp_path / "a"])


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    assert read_corpus([tmp_path / "a", tmp_path, tmp_path / "a"]).documents == ("one",)


def test_too_little_text_is_told_with_how_much_there_is_and_how_much_is_needed() -> None:
    with pytest.raises(CorpusError, match="too little text: 1 character in 1 file; needed: 20,000"):
        Corpus(("x",)).require(20_000)


@given(st.text(alphabet="ab\n", max_size=200), st.integers(1, 30))
def test_the_pages_of_a_document_are_the_document(document: str, length: int) -> None:
    parts = list(pages(document, length))
    assert "".join(parts) == document
    assert all(length <= len(part) <= 2 * length for part in parts[:-1])


@given(st.lists(st.text(alphabet="ab\n", min_size=1, max_size=80), min_size=1, max_size=8), st.sampled_from([0.05, 0.2, 0.5]))
def test_dividing_loses_nothing_and_repeats_nothing(documents: list[str], share: float) -> None:
    corpus = Corpus(tuple(documents))
    training, held_out = divide(corpus, share)
    assert training.characters + held_out.characters == corpus.characters
    assert sorted(training.text + held_out.text) == sorted(corpus.text)


def test_the_held_out_pages_are_spread_over_the_text() -> None:
    text = "".join(f"line number {i}\n" for i in range(10_000))
    training, held_out = divide(Corpus((text,)), 0.05)
    assert 0.03 < held_out.characters / len(text) < 0.07
    assert len(training.documents) == len(held_out.documents) + 1
    assert not any(page in training.text for page in held_out.documents)


def test_a_spread_part_is_pages_from_all_of_the_text() -> None:
    corpus = Corpus(tuple("".join(f"{number} {line}\n" for line in range(5000)) for number in range(9)))
    part = spread(corpus, 50_000)
    assert 50_000 - 2 * LONGEST_PAGE < len(part) <= 50_000 + 2 * LONGEST_PAGE
    assert {line.split()[0] for line in part.splitlines()} == set("012345678")
    assert spread(corpus, corpus.characters) == corpus.text


def test_a_dash_is_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("a file\n")

    def read(data: bytes) -> Corpus:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(data)))
        return read_corpus([Path("-"), tmp_path / "a.txt", Path("-")])

    assert read(b"\xef\xbb\xbfa\r\nb").documents == ("a\nb", "a file\n")
    assert read(b"a").names[0] == "standard input"
    for data, words in ((b"", "empty"), (b"a\0", "binary"), (b"a\xff", "not UTF-8")):
        with pytest.raises(CorpusError, match=f"^standard input: {words}"):
            read(data)
