"""Sampling parameters, checked and made canonical once, where they enter. Draws nothing itself: the executions do.

Canonical parameters are integers, so that every execution computes with the same ones (LAW.md, Sampling).
"""

from dataclasses import dataclass
from functools import lru_cache

from elman import allowed
from elman.settings import Range
from elman_models.errors import InvalidField

LARGEST_SEED = (1 << 64) - 1
FRACTION = 1 << 16  # top_p, min_p and the inverse temperature are counted in 1/65536


@dataclass(frozen=True, slots=True)
class Sampling:
    """Canonical sampling parameters.

    inverse_temperature: rint(65536 / temperature); 0 stands for temperature 0. top_k: 0 keeps all. top_p, min_p: in 1/65536.
    """

    inverse_temperature: int
    top_k: int
    top_p: int
    min_p: int

    @property
    def is_greedy(self) -> bool:
        """Whether the temperature is 0."""
        return self.inverse_temperature == 0

    @property
    def truncates(self) -> bool:
        """Whether top-k, top-p or min-p may leave characters out."""
        return self.top_k > 0 or self.top_p < FRACTION or self.min_p > 0

    @classmethod
    @lru_cache(maxsize=256, typed=True)  # what compares equal in another type is checked by itself
    def of(cls, temperature: float = 0.8, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0) -> "Sampling":
        """The canonical form of parameters as people write them. Raises InvalidField."""
        check("temperature", temperature, allowed.TEMPERATURE)
        check("top_k", top_k, allowed.TOP_K)
        check("top_p", top_p, allowed.TOP_P)
        check("min_p", min_p, allowed.MIN_P)
        inverse = round(FRACTION / temperature) if temperature else 0
        return cls(inverse, top_k, round(FRACTION * top_p), round(FRACTION * min_p))


def check(field: str, value: float, legal: Range) -> None:
    """Raise InvalidField unless the value is a legal number."""
    if value not in legal:
        raise InvalidField(field, value, str(legal))
