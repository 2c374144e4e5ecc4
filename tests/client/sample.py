"""A text of which is known how the model for Python goes on in it."""

PYTHON = '''"""Reads names, one a line."""

import sys
from pathlib import Path


class Names:
    """The names in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = [line.strip() for line in path.read_text().splitlines()]

    def __len__(self):
        return len(self.names)


def main():
    names = Names(Path(sys.argv[1]))
    print(len(names))


if __name__ == "__main__":
    main()
'''
