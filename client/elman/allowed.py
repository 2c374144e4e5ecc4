"""What the numbers of a request may be: said once, for the engine that checks them and for whoever tells of them.

    if value not in allowed.TEMPERATURE:
        raise InvalidField("temperature", value, str(allowed.TEMPERATURE))

All three packages stand on this file. The proto's comments name the same ranges, which a test holds.
"""

from typing import Any, Final

from elman.settings import Range


class Above(Range):
    """The numbers above `least`, to `most`."""

    def __contains__(self, value: Any) -> bool:
        return bool(self.least < value <= self.most)


class OrZero(Range):
    """0, and the numbers from `least` to `most`."""

    def __contains__(self, value: Any) -> bool:
        return value == 0 or super().__contains__(value)


TEMPERATURE: Final = OrZero(0.05, 10, "0, or 0.05 to 10")
TOP_K: Final = Range(0, (1 << 32) - 1)
TOP_P: Final = Above(0, 1, "above 0, at most 1")
MIN_P: Final = Range(0, 1)
SEED: Final = Range(0, (1 << 64) - 1)
MAX_CHARACTERS: Final = Range(1, 1 << 20)
MAX_SUGGESTED: Final = Range(1, 1 << 14)
"""Of a followed document, its alternatives together."""
MIN_CONFIDENCE: Final = Range(2.0**-20, 1, "2^-20 to 1")
ALTERNATIVES: Final = Range(1, 16)
FIRST_ALTERNATIVE: Final = Range(0, (1 << 16) - 1)
CONTEXT_CHARACTERS: Final = Range(1, (1 << 32) - 1)
TIMEOUT: Final = Above(0, float("inf"), "above 0 seconds, or none")

LONGEST_TOKEN: Final = 512
"""Characters of a token that a caller bears."""
