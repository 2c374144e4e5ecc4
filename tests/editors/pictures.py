"""Records the pictures of the documents from real editors and the real page: `python -m tests.editors.pictures [NAME...]`."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from html import escape
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from tests.conftest import Authority
from tests.deploy.replicas import behind_envoy
from tests.editors.emacs import Emacs
from tests.editors.nvim_typist import GROUP, Typist
from tests.editors.terminal import GHOST_COLOUR, Terminal
from tests.editors.vim import Vim
from tests.editors.vscode import Code, browsing

from elman.languages import DEFAULT_MODEL

DOCS: Final = Path(__file__).parents[2] / "docs"
TEXT: Final = """\
def distance(here: Point, there: Point) -> float:
    return math.hypot(there.x - here.x, there.y - here.y)


"""
LINE: Final = "print(distance(here, there))\n"
TYPED: Final = "print(distance(h"
PROSE: Final = """\
The letter came on a Monday. Nobody at the old mill had expected a letter, and so nobody at the old"""
SECONDS: Final = 1.8
WIDTH, HEIGHT, ROWS, COLUMNS = 8, 18, 10, 64
PROMPT: Final = "~/notes $ "
HISTORY: Final = (
    "git add garden.txt",
    "git commit -m 'Note what is sown'",
    "git log --oneline",
    "git push origin main",
    "ssh ann@garden uptime",
    "rsync -av ~/notes ann@garden:backup",
    "python -m http.server 8000",
    "grep -rn beans ~/notes",
)
SHELLS: Final = {
    "zsh": (["zsh"], ".zshrc", f"PS1='{PROMPT}' ELMAN_SHELL_STYLE=fg={GHOST_COLOUR}"),
    "bash": (
        ["bash", "--noprofile", "--rcfile", "../.bashrc"],
        ".bashrc",
        f"PS1='{PROMPT}' ELMAN_SHELL_STYLE='38;5;{GHOST_COLOUR}'",
    ),
    "fish": (
        ["fish"],
        ".config/fish/config.fish",
        f"function fish_prompt; echo -n '{PROMPT}'; end; set -g fish_greeting; set -g fish_autosuggestion_enabled 0",
    ),
}
"""By name: the command, the file that it reads, and what stands there before the script."""
KEYS: Final = {"zsh": ("M-f", "Right"), "bash": ("M-g", "M-f", "Right"), "fish": ("M-G", "M-g")}
SPOKEN: Final = {"M-f": "Alt-F", "M-g": "Alt-G", "M-G": "Alt-Shift-G"}
ELMAN: Final = (sys.executable, "-m", "elman")
STYLE: Final = """\
text { font: 13px ui-monospace, monospace; fill: #d4d4d4; white-space: pre }
.ghost { fill: #8a8a8a; font-style: italic } .key { fill: #e5c07b }
g { visibility: hidden; animation: shown %(total)ss infinite }
@keyframes shown { 0%%, %(share)s%% { visibility: visible } %(after)s%%, 100%% { visibility: hidden } }
@media (prefers-reduced-motion) { g { animation: none } g:first-of-type { visibility: visible } }
"""


class Frame(NamedTuple):
    """What the screen showed after some keys."""

    keys: str
    rows: list[list[tuple[bool, str]]]  # of parts: whether it is ghost text, and what it says
    cursor: tuple[int, int]


def frame(terminal: Terminal, keys: str) -> Frame:
    """What is on the screen now."""
    rows: list[list[tuple[bool, str]]] = [[]]
    parts = groupby(terminal.cells(), lambda cell: (cell.character == "\n", cell.colour == f"38;5;{GHOST_COLOUR}"))
    for (is_end, is_ghost), cells in parts:
        if is_end:
            rows += [[] for _ in cells]
        else:
            rows[-1].append((is_ghost, "".join(cell.character for cell in cells)))
    return Frame(keys, rows, terminal.cursor())


def session(terminal: Terminal, word: str) -> Iterator[Frame]:
    """Typing, accepting two words and then the rest. `word` is what tmux calls the key that accepts a word."""
    for start in range(0, len(TYPED), 5):
        typed = TYPED[: start + 5]
        terminal.type(typed[start:])
        terminal.wait_until(lambda typed=typed: terminal.cursor()[1] == len(typed) and terminal.ghost())
        yield frame(terminal, typed)
    for key in (word, "Tab", "Tab"):
        column = terminal.cursor()[1]
        terminal.press(key)
        terminal.wait_until(lambda column=column: terminal.cursor()[1] > column)
        terminal.wait_until(lambda: terminal.ghost() or LINE.strip() in terminal.rows()[terminal.cursor()[0]])
        yield frame(terminal, key)


def drawing(frames: list[Frame]) -> str:
    """The frames, one after the other, as an SVG."""
    total = SECONDS * len(frames)
    style = STYLE % {"total": f"{total:g}", "share": f"{100 / len(frames):.2f}", "after": f"{100 / len(frames) + 0.01:.2f}"}
    groups = "".join(group(each, number) for number, each in enumerate(frames))
    width, height = COLUMNS * WIDTH + 20, (ROWS + 2) * HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f'<style>\n{style}</style>\n<rect width="100%" height="100%" rx="6" fill="#1e1e1e"/>\n{groups}</svg>\n'
    )


def group(shown: Frame, number: int) -> str:
    """One frame, at its time, with the keys that led to it below."""
    row, column = shown.cursor
    cursor = f'<rect x="{10 + column * WIDTH}" y="{10 + row * HEIGHT}" width="{WIDTH}" height="{HEIGHT}" fill="#5a5a5a"/>'
    lines = "".join(line(parts, number) for number, parts in enumerate(shown.rows) if parts)
    keys = f'<text class="key" x="10" y="{(ROWS + 1) * HEIGHT + 4}">{escape(shown.keys)}</text>'
    return f'<g style="animation-delay: {number * SECONDS:g}s">{cursor}\n{lines}{keys}</g>\n'


def line(parts: list[tuple[bool, str]], row: int) -> str:
    """A row of the screen; each part begins at its own cell, whatever the font's width."""
    spans, column = "", 0
    for is_ghost, text in parts:
        kind = ' class="ghost"' if is_ghost else ""
        spans += f'<tspan x="{10 + column * WIDTH}" textLength="{len(text) * WIDTH}"{kind}>{escape(text)}</tspan>'
        column += len(text)
    return f'<text y="{24 + row * HEIGHT}">{spans}</text>\n'


def vim(folder: Path) -> Iterator[Frame]:
    """Vim."""
    (folder / "points.py").write_text(TEXT + LINE)
    with Vim(folder, "points.py", settings="set laststatus=2 noruler", columns=COLUMNS, lines=ROWS) as editor:
        editor.type("Go")
        yield from session(editor, "C-Right")


def emacs(folder: Path) -> Iterator[Frame]:
    """Emacs."""
    (folder / "points.py").write_text(TEXT + LINE)
    with Emacs(folder, "points.py", columns=COLUMNS, lines=ROWS) as editor:
        editor.press("M->")
        yield from session(editor, "M-f")


def nvim(folder: Path) -> Iterator[Frame]:
    """Neovim, whose cells come by its own protocol."""
    with Typist(folder, size=(ROWS, COLUMNS)) as typist:
        typist.open("points.py", TEXT + LINE)
        for start in range(0, len(TYPED), 5):
            typist.type_until_ghost(TYPED[start : start + 5])
            yield seen(typist, TYPED[: start + 5])
        for key in ("C-Right", "Tab", "Tab"):
            typist.press(f"<{key}>")
            typist.ghost()
            yield seen(typist, key)


def seen(typist: Typist, keys: str) -> Frame:
    """What Neovim shows now."""
    frame = typist.frame
    rows: list[list[tuple[bool, str]]] = []
    for number, row in enumerate(frame.rows):
        filled = row[: len(frame.line(number))]
        parts = groupby(filled, frame.is_in(GROUP))
        rows.append([(is_ghost, "".join(cell.character for cell in cells)) for is_ghost, cells in parts])
    return Frame(keys, rows, frame.cursor)


def shell(name: str, folder: Path) -> Iterator[Frame]:
    """A shell in which the first commands of a made-up history are entered once more, with a model that has learnt it."""
    command, file, configuration = SHELLS[name]
    model = folder / "shell.safetensors"
    model.write_bytes(taught())
    script = subprocess.check_output([*ELMAN, "shell", "init", name, "--model", model], text=True)
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(f"{configuration}\n{script}")
    notes = folder / "notes"
    subprocess.run(["git", "init", "-q", notes], check=True)
    for name_, value in (("user.name", "Ann"), ("user.email", "ann@example.org")):
        subprocess.run(["git", "-C", notes, "config", name_, value], check=True)
    (notes / "garden.txt").write_text("peas, beans\n")
    folder.chmod(0o700)
    environment = {"HOME": str(folder), "ZDOTDIR": str(folder), "XDG_RUNTIME_DIR": str(folder), "LC_ALL": "C.UTF-8"}
    with (
        subprocess.Popen(
            [*ELMAN, "shell", "serve", "--model", model], stdout=subprocess.PIPE, env=os.environ | environment
        ) as daemon,
        Terminal(command, notes, environment, columns=COLUMNS, lines=ROWS) as terminal,
    ):
        assert daemon.stdout
        daemon.stdout.readline()  # it listens
        terminal.wait_until(lambda: terminal.rows()[-1] == PROMPT.rstrip())
        for line, begin in zip(HISTORY, ("git a", "git c", "git l"), strict=False):
            yield from entered(terminal, name, line, begin)
        daemon.terminate()


@cache
def taught() -> bytes:
    """A model of the made-up history."""
    with tempfile.TemporaryDirectory() as name:
        history, model = Path(name, "history"), Path(name, "model.safetensors")
        history.write_text("".join(f"{line}\n" for line in Random(1).choices(HISTORY, k=500)))
        subprocess.run([*ELMAN, "train", "--shell-history", history, "-o", model], check=True)
        return model.read_bytes()


def entered(terminal: Terminal, name: str, line: str, begin: str) -> Iterator[Frame]:
    """Type how a command begins, and accept the rest with the shell's own keys; at the end Enter."""
    terminal.type(begin)
    terminal.wait_until(lambda: terminal.cursor()[1] == len(PROMPT + begin) and (terminal.ghost() or name != "zsh"))
    yield frame(terminal, begin)
    for key in KEYS[name]:
        column, ghost = terminal.cursor()[1], terminal.ghost()
        terminal.press(key)
        terminal.wait_until(lambda column=column, ghost=ghost: (terminal.cursor()[1], terminal.ghost()) != (column, ghost))
        terminal.wait_until(lambda: terminal.ghost() or name == "fish" or PROMPT + line in terminal.rows()[-1])
        yield frame(terminal, SPOKEN.get(key, key))
    row = terminal.cursor()[0]
    terminal.press("Enter")
    terminal.wait_until(lambda: terminal.cursor()[0] > row and terminal.rows()[-1] == PROMPT.rstrip())
    yield frame(terminal, "Enter")


def photograph_code(folder: Path) -> None:
    """VS Code is no terminal: its page is photographed as it stands."""
    with browsing() as browser, Code(browser, folder, settings={"workbench.activityBar.location": "hidden"}) as editor:
        editor.press("Control+b")
        editor.open("points.py", TEXT + LINE)
        editor.type(TYPED)
        editor.wait_for_ghost()
        editor.page.set_viewport_size({"width": 640, "height": 300})
        editor.wait_for_ghost()
        editor.page.screenshot(path=DOCS / "vscode.png")


def photograph_page(folder: Path) -> None:
    """The page that Envoy shows."""
    envoy = shutil.which("envoy", path=Path(sys.executable).parent) or "envoy"
    with (
        behind_envoy(envoy, folder, Authority(folder), DEFAULT_MODEL) as behind,
        browsing() as browser,
        browser.new_context(ignore_https_errors=True, viewport={"width": 720, "height": 360}) as context,
    ):
        page = context.new_page()
        page.goto(f"https://{behind.envoy.address}/")
        page.get_by_label("Token").fill(behind.token)
        page.keyboard.press("Enter")
        page.get_by_label("Model").wait_for()
        page.keyboard.insert_text(PROSE[:-1])
        page.keyboard.type(PROSE[-1])
        page.wait_for_function("() => document.querySelector('#ghost').textContent.length > 8")
        page.screenshot(path=DOCS / "page.png")


PHOTOGRAPHS: Final = {"vscode": photograph_code, "page": photograph_page}
EDITORS: Final[dict[str, Callable[[Path], Iterator[Frame]]]] = {
    "nvim": nvim,
    "vim": vim,
    "emacs": emacs,
    **{name: partial(shell, name) for name in SHELLS},
}


def main() -> None:
    """Record them all."""
    for name in sys.argv[1:] or (*EDITORS, *PHOTOGRAPHS):
        with tempfile.TemporaryDirectory() as folder:
            if name in PHOTOGRAPHS:
                PHOTOGRAPHS[name](Path(folder))
                continue
            record = EDITORS[name]
            (DOCS / f"{name}.svg").write_text(drawing(list(record(Path(folder)))))


if __name__ == "__main__":
    main()
