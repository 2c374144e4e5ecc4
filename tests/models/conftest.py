"""Lets the tests of this folder share `prose`, which a child process imports too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
