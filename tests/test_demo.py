"""The demo runs, reads well, and says what to try next."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_demo_completes_shows_ghost_text_and_says_what_is_next() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ELMAN_")} | {"ELMAN_CONFIG": ""}
    done = subprocess.run([ROOT / "demo.sh"], capture_output=True, text=True, env=environment, timeout=100, check=True)
    completion, ghost_text = done.stdout.split("class Account:")
    assert completion.startswith("ROMEO:\nBut, soft! what light through yonder window breaks?\n")
    assert len(completion) > 150
    assert completion.rstrip().endswith((".", "!", "?"))  # no verse that breaks off
    assert 'raise ValueError("amount must not be negative")' in ghost_text.partition("def withdraw")[2]
    assert "\x1b" not in done.stderr
    assert "elman type notes.txt" in done.stderr
    assert "elman train ~/notes" in done.stderr
