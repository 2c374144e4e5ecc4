"""What an execution can be asked for by name. Imports nothing, so that flags can be checked before numpy is there."""

from typing import Final

DEVICES: Final = ("auto", "cpu", "cuda")
INSTRUCTIONS: Final = ("auto", "avx512vbmi", "avx512vnni", "avx2", "dotprod", "portable", "numpy", "reference")
