"""How soon a shell shows a ghost, and what a prompt costs with the daemon down.

    key to ghost    from a key that is written to the terminal until the ghost's first cell is read from it; beside it, until
                    zsh without the script has drawn the key: what is beyond that is the script's and the daemon's
    prompt          from Enter on an empty line until the next prompt, in turns: with the script and no daemon, and without

Needs zsh and bash. fish draws nothing before it inserts, so it is not timed.
"""

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from elman.languages import PROSE
from elman.shell.place import socket_name

MODEL = PROSE
LINES = (
    "echo the old man was ",
    "echo it was a very ",
    "grep -rn the house of ",
    "git commit -m 'the end of the ",
    "echo she said that ",
)
PROMPT = b"<@>"
GHOST = re.compile(rb"\x1b\[(?:90|2|38;5;8)m.")
KEY_SECONDS = 1 / 15
MOST_SECONDS = 20.0
CHILD = "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execvp(sys.argv[1], sys.argv[1:])"
"""The first terminal that the leader of a session opens is its own."""


class Shell:
    """A shell on a terminal of its own."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, b"\x18\0\x50\0\0\0\0\0")  # 24 lines of 80
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "ZDOTDIR": str(folder), "TERM": "xterm-256color"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *command],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=folder,
            env=environment | {"LC_ALL": "C.UTF-8", "XDG_RUNTIME_DIR": str(folder)},
            start_new_session=True,
        )
        os.close(terminal)

    def seconds_until(self, keys: bytes, shown: re.Pattern[bytes], most: float = MOST_SECONDS) -> float | None:
        """How long after the keys this is drawn; None if it is not."""
        begin, drawn = time.perf_counter(), b""
        os.write(self._controller, keys)
        while (left := begin + most - time.perf_counter()) > 0:
            if select.select([self._controller], [], [], left)[0]:
                drawn += os.read(self._controller, 65536)
                if shown.search(drawn):
                    return time.perf_counter() - begin
        return None

    def rest(self) -> None:
        """Until the next key: read what is still drawn."""
        end = time.perf_counter() + KEY_SECONDS
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._controller], [], [], left)[0]:
                os.read(self._controller, 65536)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._controller)


@contextmanager
def shell(name: str, *, has_script: bool, has_daemon: bool = False) -> Generator[Shell]:
    """A shell at its prompt."""
    with tempfile.TemporaryDirectory(prefix="elman-") as made:
        folder = Path(made)
        script = subprocess.check_output([sys.executable, "-m", "elman", "shell", "init", name, "--model", MODEL], text=True)
        lines = [f"PS1='{PROMPT.decode()}'", script if has_script else ""]
        if not has_daemon:
            lines.insert(1, "typeset -gi _elman_launches=3" if name == "zsh" else "")
            lines[2] = lines[2].replace("_elman_launches=0", "_elman_launches=3")
        (folder / ".zshrc").write_text("\n".join(lines))
        serve = [sys.executable, "-m", "elman", "shell", "serve", "--model", MODEL]
        at = ["--socket", str(folder / "elman" / socket_name(MODEL))]
        daemon = subprocess.Popen([*serve, *at], stdout=subprocess.PIPE) if has_daemon else None
        if daemon and daemon.stdout:
            daemon.stdout.readline()
        one = Shell(["zsh"] if name == "zsh" else ["bash", "--noprofile", "--rcfile", str(folder / ".zshrc")], folder)
        try:
            one.seconds_until(b"", re.compile(PROMPT))
            one.rest()
            yield one
        finally:
            one.close()
            if daemon:
                daemon.terminate()
                daemon.wait()


def keys_to_ghost(times: int) -> list[float]:
    """Milliseconds, of every key that a ghost follows before the next."""
    found: list[float] = []
    with shell("zsh", has_script=True, has_daemon=True) as zsh:
        for _ in range(times):
            for line in LINES:
                for key in line.encode():
                    seconds = zsh.seconds_until(bytes([key]), GHOST, KEY_SECONDS)
                    found += [1000 * seconds] if seconds else []
                    zsh.rest()
                zsh.seconds_until(b"\x15", re.compile(b"."), KEY_SECONDS)
    return found


def keys_alone(times: int) -> list[float]:
    """Milliseconds until zsh has drawn a key, without the script."""
    found: list[float] = []
    with shell("zsh", has_script=False) as zsh:
        for _ in range(times):
            for line in LINES:
                for key in line.encode():
                    seconds = zsh.seconds_until(bytes([key]), re.compile(re.escape(bytes([key]))), KEY_SECONDS)
                    found += [1000 * seconds] if seconds else []
                    zsh.rest()
                zsh.seconds_until(b"\x15", re.compile(b"."), KEY_SECONDS)
    return found


def key_to_ghost_in_bash(times: int) -> list[float]:
    """Milliseconds from Alt-G to what bash shows."""
    found: list[float] = []
    with shell("bash", has_script=True, has_daemon=True) as bash:
        for _ in range(4 * times):
            for line in LINES:
                bash.seconds_until(line.encode(), re.compile(b"."), KEY_SECONDS)
                bash.rest()
                seconds = bash.seconds_until(b"\x1bg", GHOST, 1.0)
                found += [1000 * seconds] if seconds else []
                bash.seconds_until(b"\x15", re.compile(b"."), KEY_SECONDS)
                bash.rest()
    return found


def prompts(times: int) -> tuple[list[float], list[float]]:
    """Milliseconds from Enter to the next prompt: with the script and no daemon, and without the script, in turns."""
    found: tuple[list[float], list[float]] = ([], [])
    with shell("zsh", has_script=True) as ours, shell("zsh", has_script=False) as plain:
        for _ in range(40 * times):
            for one, told in zip((ours, plain), found, strict=True):
                seconds = one.seconds_until(b"\r", re.compile(PROMPT))
                told += [1000 * seconds] if seconds else []
                one.rest()
    return found


def measure(is_quick: bool) -> dict[str, float]:
    """All figures, by name."""
    times = 1 if is_quick else 4
    ours, plain = prompts(times)
    measured = {
        "shell_ghost": keys_to_ghost(times),
        "shell_key": keys_alone(times),
        "shell_bash_ghost": key_to_ghost_in_bash(times),
        "shell_prompt_down": ours,
        "shell_prompt_without": plain,
    }
    return {
        "shell_prompt_ms": float(np.median(ours) - np.median(plain)),
        **{
            f"{name}_ms_p{percent}": float(np.percentile(all_, percent))
            for name, all_ in measured.items()
            for percent in (50, 95)
        },
    }
