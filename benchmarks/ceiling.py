"""The ceilings of this machine, one thread: int8 multiply-accumulates, and bytes read over a working set. In C++ (ceiling.cpp).

No execution can take less time for a step than the slower of two things: its products at the one rate, or reading every weight
once at the other (a roofline: Williams, Waterman and Patterson, 2009). Both take turns with the contestants.
"""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_suffix(".cpp")
COMPILER = ("g++", "-std=c++17", "-O3", "-march=native", "-shared", "-fPIC")
LINE = 64  # bytes


class Ceiling:
    """The compiled measurements. Raises OSError without a compiler, subprocess.CalledProcessError without AVX2."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder, "ceiling.so")
            subprocess.run([*COMPILER, str(SOURCE), "-o", str(library)], check=True)
            self._compiled = ctypes.CDLL(str(library))
        self._compiled.multiply.argtypes = [ctypes.c_int64]
        self._compiled.read.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]

    def multiply(self, products: int) -> None:
        """This many int8 multiply-accumulates, from registers."""
        self._compiled.multiply(products)

    def read(self, working_set: "WorkingSet", times: int) -> None:
        """The whole working set, from whichever cache holds it."""
        self._compiled.read(working_set.address, working_set.size, times)


class WorkingSet:
    """This many bytes of memory, from the start of a cache line on."""

    def __init__(self, size: int) -> None:
        self._bytes = np.ones(size + LINE, np.uint8)
        self.address = self._bytes.ctypes.data + -self._bytes.ctypes.data % LINE
        self.size = size
