"""A terminal with a program on it: tmux in control mode, which tells whenever something was drawn, so that nothing polls."""

import os
import re
import select
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

WAIT_SECONDS = 20.0
STYLE = re.compile(r"\x1b\[[0-9;:]*m")
GHOST = re.compile(r"\x1b\[(?:90|2|2;\d+)m(.*?)(?=\x1b\[|$)", re.MULTILINE)
"""What is drawn in the colour of ghosts, bright black, or faint."""


class Screen:
    """One program, what is typed to it, and what it shows."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], columns: int = 80) -> None:
        variables = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        size = ["-x", str(columns), "-y", "24"]
        self._process = subprocess.Popen(
            [
                "tmux",
                "-S",
                str(folder / "tmux"),
                "-f",
                "/dev/null",
                "-C",
                "new-session",
                *size,
                *variables,
                shlex.join(command),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder), "TERM": "xterm-256color"},
        )
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        self._unread, self._seen = b"", ""
        self._answer()  # to new-session
        self.process = int(self.tell("display-message -p '#{pane_pid}'")[0])

    def tell(self, command: str) -> list[str]:
        """Give tmux a command; returns what it prints."""
        assert self._process.stdin
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> list[str]:
        while not self._line().startswith("%begin"):
            pass
        lines: list[str] = []
        while not (line := self._line()).startswith(("%end", "%error")):
            lines.append(line)
        assert line.startswith("%end"), lines
        return lines

    def _line(self, what: str = "an answer of tmux") -> str:
        end = time.monotonic() + WAIT_SECONDS
        assert self._process.stdout
        while b"\n" not in self._unread:
            left = end - time.monotonic()
            assert left > 0, f"waited in vain for {what}"
            select.select([self._process.stdout], [], [], left)
            piece = self._process.stdout.read()
            assert piece != b"", "the terminal is closed"
            self._unread += piece or b""
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode(errors="replace")

    def type(self, text: str) -> None:
        """Text, as it would be typed."""
        self.tell(f"send-keys -l -- {shlex.quote(text)}")

    def press(self, *keys: str) -> None:
        """Keys, by their names in tmux."""
        self.tell(f"send-keys {' '.join(keys)}")

    def interrupt(self) -> None:
        """Ctrl-C until the prompt is there: a shell may lose one that comes in the same millisecond as a key."""
        while self.line != ">":
            self.rest()
            self.press("C-c")

    def rest(self) -> None:
        """Wait until the program waits, as it does once all is drawn."""
        end = time.monotonic() + WAIT_SECONDS
        while Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < end, "the program does not come to rest"

    def paste(self, text: str) -> None:
        """Text, as a terminal pastes it."""
        self.tell(f"set-buffer -- {shlex.quote(text)}")
        self.tell("paste-buffer -p")

    def styled(self) -> str:
        """What is on the screen, with its styles."""
        self._seen = "\n".join(self.tell("capture-pane -p -e")).rstrip()
        return self._seen

    @property
    def text(self) -> str:
        """What is on the screen."""
        return STYLE.sub("", self.styled())

    @property
    def line(self) -> str:
        """Its last line."""
        return self.text.rpartition("\n")[2]

    @property
    def ghost(self) -> str:
        """What is dim in its last line, but for spaces at its end, of which a terminal shows some and some not."""
        found = GHOST.search(self.styled().rpartition("\n")[2])
        return found[1].rstrip() if found else ""

    def until(self, is_so: Callable[["Screen"], object], what: str = "") -> None:
        """Wait until something is so: looked at after each time that something was drawn."""
        while not is_so(self):
            while not self._line(f"{what or 'a change'}; on the screen is:\n{self._seen}").startswith("%output"):
                pass

    def close(self) -> None:
        """Close the window, and wait until the program, which is told so, has ended."""
        try:
            program = os.pidfd_open(self.process)
        except ProcessLookupError:
            program = None
        self._process.communicate(b"kill-server\n", timeout=WAIT_SECONDS)
        if program is not None:
            assert select.select([program], [], [], WAIT_SECONDS)[0], "the program goes on without its terminal"
            os.close(program)
