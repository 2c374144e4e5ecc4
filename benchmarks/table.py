"""Tables for people."""

from collections.abc import Sequence


def show(title: str, head: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown, its columns aligned to the right but for the first."""
    cells = [list(head), *[[text(value) for value in line] for line in lines]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    ruler = ["-" * width for width in widths]
    print(f"\n{title}\n")
    for line in (cells[0], ruler, *cells[1:]):
        padded = [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print(f"| {' | '.join(padded)} |")


def text(value: object) -> str:
    """Three digits that matter, and no more; nothing for None."""
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
