"""The training text of histories: what is kept, in which order, what is left out, and why."""

import os
import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from prose import QUICK, Kept

from elman.text import as_command, as_line
from elman_models.corpus import CorpusError
from elman_models.law.artifact import load
from elman_models.training.shell_text import LONGEST, MOST_COMMANDS, read_histories, read_shell_text
from elman_models.training.train import train

HISTORY = b""": 1700000000:0;git status
: 1700000001:0;git status
: 1700000002:0;ls
: 1700000003:0;git status
: 1700000004:0;for i in 1 2; do\\
echo $i\\
done
: 1700000005:0;mysql -phunter2 shop
: 1700000006:0; private
: 1700000007:0;gr\xfc\xdfe
: 1700000008:0;a\x1bb
"""
KEPT = ["git status", "ls", "git status", "for i in 1 2; do\necho $i\ndone"]


def written(folder: Path, data: bytes = HISTORY, name: str = "history") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_what_is_typed_often_stands_there_often_but_not_in_a_row(tmp_path: Path) -> None:
    (history,) = read_histories([written(tmp_path)])
    assert history.commands == KEPT
    assert history.repeated == 1


def test_a_command_is_a_line_whose_ends_within_are_no_ends(tmp_path: Path) -> None:
    (document,) = read_shell_text([written(tmp_path)]).documents
    assert [as_command(line) for line in document.removesuffix("\n").split("\n")] == KEPT
    assert as_command(as_line("a\nb")) == "a\nb"


def test_what_is_left_out_is_told_with_its_reason_and_without_its_secret(tmp_path: Path) -> None:
    path = written(tmp_path)
    (history,) = read_histories([path])
    assert [str(each) for each in history.secrets] == [f"{path}:8: a password in a flag: mysql *** shop"]
    assert [(each.line, each.reason) for each in history.left_out] == [
        (9, "begins with a space"),
        (10, "not UTF-8"),
        (11, "control characters"),
    ]
    corpus = read_shell_text([path])
    assert corpus.secrets == (f"{path}:8: a password in a flag",)
    assert f"{path}: 1 command: not UTF-8" in corpus.skipped
    assert "hunter2" not in str(corpus)


def test_secrets_that_are_to_stay_stay(tmp_path: Path) -> None:
    (history,) = read_histories([written(tmp_path)], keep_secrets=True)
    assert "mysql -phunter2 shop" in history.commands
    assert len(history.secrets) == 1


def test_an_entry_that_two_files_have_is_one(tmp_path: Path) -> None:
    more = written(tmp_path, HISTORY + b": 1700000009:0;make\n", "more")
    first, second = read_histories([written(tmp_path), more])
    assert (first.commands, second.commands) == (KEPT, ["make"])
    assert len(read_histories([more, more])) == 1


def test_a_long_command_is_left_out(tmp_path: Path) -> None:
    (history,) = read_histories([written(tmp_path, b"ls\necho " + b"x" * LONGEST + b"\n")])
    assert history.commands == ["ls"]
    assert "longer than 1,000 characters" in history.left_out[0].reason


def test_of_a_huge_history_the_end_is_taken(tmp_path: Path) -> None:
    lines = b"".join(b"command %d\n" % number for number in range(MOST_COMMANDS + 10))
    (history,) = read_histories([written(tmp_path, lines)])
    assert len(history.commands) == MOST_COMMANDS
    assert history.commands[-1] == f"command {MOST_COMMANDS + 9}"


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "no commands"), (b"\n\n", "no commands"), (random.Random(1).randbytes(4096), "most of it is no text")],
)
def test_what_is_no_history_is_refused_by_name(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"history: .*{words}"):
        read_histories([written(tmp_path, data)])


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        read_histories([tmp_path / "missing"])
    with pytest.raises(IsADirectoryError):
        read_histories([tmp_path])


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(HISTORY,))
    writer.start()
    assert read_histories([pipe])[0].commands == KEPT
    writer.join()


def test_a_few_hundred_commands_become_a_model(tmp_path: Path) -> None:
    lines = b"".join(b"git commit -m 'part %d'\ncd ~/src/notes\nmake test\n" % number for number in range(100))
    recipe, report = replace(QUICK, epochs=1), Kept()
    trained = train([written(tmp_path, lines)], tmp_path / "m", recipe, device="cpu", read=read_shell_text, report=report)
    assert load(trained.output).digest == trained.model.digest
    assert any(line.startswith("read ") for line in report.lines)
