"""`elman train --shell-history`: the dry run shows what is kept and what is left out, and flags that need it say so."""

from pathlib import Path

import pytest

from elman.cli.main import main
from elman.errors import MendRequest

HISTORY = "#1700000000\ngit status\n#1700000001\nexport DB_PASSWORD=hunter2\n#1700000002\nfor i in 1; do\necho $i; done\n"


def test_a_dry_run_prints_what_is_kept_and_tells_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history"
    path.write_text(HISTORY)
    assert main(["train", "--shell-history", "--dry-run", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == "git status\nfor i in 1; do\necho $i; done\n"
    assert f"left out: {path}:4: a secret in the environment: export ***" in shown.err
    assert "hunter2" not in shown.out + shown.err


@pytest.mark.parametrize(("words", "said"), [("train a", "-o"), ("train a -o b --dry-run", "--dry-run needs --shell-history")])
def test_flags_that_belong_together_say_so(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == MendRequest.exit_code
    assert said in capsys.readouterr().err
