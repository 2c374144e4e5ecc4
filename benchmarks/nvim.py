"""What a person feels of elman in Neovim, beside a language server of pygls that computes nothing (empty_server.py).

A real Neovim with the plugin, seen through its screen (tests/editors/neovim.py). Three figures:

keys      from a key to the frame that shows the ghost asked for with it; the same line is typed with both in turns, at the
          same pace, and only keys count after which elman suggests something
pace      15 keys a second: questions that were not answered before the next key, and ghosts for a text that is no longer there
megabyte  a file of 1 MB: the longest time that Neovim did not answer, and the time to the first ghost
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from tests.editors.neovim import Frame  # noqa: E402 # found by the path above
from tests.editors.nvim_typist import GROUP, TEXT, Typist  # noqa: E402

EMPTY = (sys.executable, str(Path(__file__).with_name("empty_server.py")))
OPENED, TYPED = ((ROOT / "client" / "elman" / name).read_text() for name in ("words.py", "text.py"))
WIDE = (12, 200)
"""Rows and columns, so that no line is wrapped."""
KEYS_A_SECOND = 15
BETWEEN_KEYS_SECONDS = 0.1
"""From a key to the next, whichever server: after a pause, all that is between key and screen is cold and twice as slow. And so
long after a key without a ghost, none will come."""
MEGABYTE = 1 << 20

COUNT = """
local server = require('elman.server')
local ask = server.ask
ASKED, ANSWERED, ANSWERS = 0, 0, {}
server.ask = function(is_invoked, place, answer)
  ASKED = ASKED + 1
  ask(is_invoked, place, function(items)
    ANSWERED = ANSWERED + 1
    for _, item in ipairs(items) do
      ANSWERS[#ANSWERS + 1] = place.before .. item.text
    end
    answer(items)
  end)
end
"""
"""Counts what is asked and what is answered in time, and keeps what the row was to be by each answer."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure."""

    lines: int  # typed with each server in turns
    seconds: int  # of typing at an even pace


FULL, QUICK = Effort(16, 60), Effort(4, 5)


def measure(is_quick: bool) -> dict[str, float]:
    """All figures, by name."""
    effort = QUICK if is_quick else FULL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return {**keys(folder, effort.lines), **pace(folder, effort.seconds), **megabyte(folder)}


def keys(folder: Path, lines: int) -> dict[str, float]:
    """How long it takes from a key to its ghost."""
    with Typist(folder, size=WIDE) as elman, Typist(folder, command=EMPTY, size=WIDE) as empty:
        for typist, name in ((elman, "elman.py"), (empty, "empty.py")):
            typist.open(name, OPENED)
            line_of(typist, "import os")
        pairs: list[tuple[float, float]] = []
        for line in typed_lines(lines):
            own, others = line_of(elman, line), line_of(empty, line)
            pairs += [(a, b) for a, b in zip(own, others, strict=True) if a is not None and b is not None]
    own, others = np.percentile(pairs, [50, 95], axis=0).T.tolist()
    return {
        "nvim_ghost_vs_empty_p50": own[0] / others[0],
        "nvim_ghost_vs_empty_p95": own[1] / others[1],
        "nvim_ghost_over_empty_ms_p95": 1000 * (own[1] - others[1]),
        "nvim_ghost_ms_p50": 1000 * own[0],
        "nvim_ghost_ms_p95": 1000 * own[1],
        "nvim_empty_ms_p50": 1000 * others[0],
        "nvim_empty_ms_p95": 1000 * others[1],
        "nvim_ghosts": len(pairs),
    }


def typed_lines(most: int) -> Sequence[str]:
    """What is typed: the lines of a real file."""
    return [line for line in TYPED.splitlines() if line.strip()][:most]


def line_of(typist: Typist, line: str) -> list[float | None]:
    """Type a line: for each key the seconds to the ghost asked for with it, None where that was not asked or not shown."""
    times: list[float | None] = []
    shown = ""
    for at, character in enumerate(line):
        since, started = len(typist.screen.frames), time.perf_counter()
        typist.press("<lt>" if character == "<" else character)
        frame = typist.glimpse(lambda frame, typed=line[: at + 1]: has_ghost_after(frame, typed), since, BETWEEN_KEYS_SECONDS)
        is_asked = not shown.startswith(character)
        times.append(frame.seconds - started if frame and is_asked else None)
        shown = frame.shown(GROUP, frame.cursor[0]) if frame else ""
        time.sleep(max(0.0, started + BETWEEN_KEYS_SECONDS - time.perf_counter()))
    typist.press("<CR>")
    typist.settle()
    return times


def has_ghost_after(frame: Frame, typed: str) -> bool:
    """Whether the cursor's row shows the typed text and a ghost."""
    row = frame.cursor[0]
    ghost = frame.shown(GROUP, row)
    return ghost != "" and frame.line(row).rstrip() == (typed + ghost).rstrip()


def pace(folder: Path, seconds: int) -> dict[str, float]:
    """What comes too late for somebody who types evenly."""
    with Typist(folder, size=WIDE) as typist:
        typist.open("pace.py", OPENED)
        typist.type("import os\n")
        typist.settle()
        typist.lua(COUNT)
        since = len(typist.screen.frames)
        keys = steady(seconds)
        for key in keys:
            typist.press(key)
        typist.settle()
        asked, answered, answers = typist.lua("return { ASKED, ANSWERED, ANSWERS }")
        stale = sum(is_stale(frame, set(answers)) for frame in typist.seen(since))
    return {"nvim_late_share": (asked - answered) / asked, "nvim_stale": stale, "nvim_questions": asked}


def steady(seconds: int) -> Iterator[str]:
    """Keys of a real file, each when its time has come."""
    started = time.perf_counter()
    for at, character in enumerate((TYPED * 9)[: seconds * KEYS_A_SECOND]):
        time.sleep(max(0.0, started + at / KEYS_A_SECOND - time.perf_counter()))
        yield {"<": "<lt>", "\n": "<CR>"}.get(character, character)


def is_stale(frame: Frame, answers: set[str]) -> bool:
    """Whether the cursor's row shows a ghost that no answer put there."""
    row = frame.cursor[0]
    return frame.shown(GROUP, row) != "" and not any(answer.rstrip() == frame.line(row) for answer in answers)


def megabyte(folder: Path) -> dict[str, float]:
    """A large file: how long Neovim is held up, and when the first ghost is there. Without the plugin, for comparison."""
    sources = sorted(Path(json.__file__).parents[1].glob("*.py"))
    text = "".join(path.read_text(errors="replace") for path in sources)[:MEGABYTE] + "\n" + TEXT
    (folder / "large.py").write_text(text)
    with Typist(folder, "enabled = false") as typist:
        without, _ = opened(typist)
    with Typist(folder) as typist:
        typist.open()  # the server runs and has its model
        typist.type_until_ghost("measure_the_distance")
        typist.press("<Esc>")
        typist.settle()
        blocked, first = opened(typist, is_ghost_wanted=True)
    return {
        "nvim_open_1mb_blocked_ms": 1000 * blocked,
        "nvim_open_1mb_ghost_s": first,
        "nvim_open_1mb_without_ms": 1000 * without,
    }


def opened(typist: Typist, is_ghost_wanted: bool = False) -> tuple[float, float]:
    """Open the large file and type at its end: the longest that Neovim did not answer once it was read, and until a ghost."""
    patience = 20 if is_ghost_wanted else 2
    typist.call("nvim_eval", "1")
    started = time.perf_counter()
    typist.command("silent edit! large.py")
    answers = [time.perf_counter()]
    typist.press("Gomeasure_the_distance")
    since = len(typist.screen.frames)
    while not (frame := typist.glimpse(shows_ghost, since, 0)) and answers[-1] < answers[0] + patience:
        typist.call("nvim_eval", "1")
        answers.append(time.perf_counter())
    seconds = frame.seconds - started if frame else float("inf")
    return max(after - before for before, after in pairwise(answers)), seconds


def shows_ghost(frame: Frame) -> bool:
    """Whether there is a ghost in the cursor's row."""
    return frame.shown(GROUP, frame.cursor[0]) != ""
