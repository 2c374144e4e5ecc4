"""`python -m elman` is `elman`."""

import sys

from elman.cli import main

if __name__ == "__main__":
    sys.exit(main())
