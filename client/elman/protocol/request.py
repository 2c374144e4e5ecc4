"""From keywords to requests. Refuses only what the wire cannot carry: every other range is checked by the server."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from elman.allowed import ALTERNATIVES
from elman.errors import MendRequest
from elman.ranges import LARGEST_UINT64, as_double, check_type, encodable, in_range, switch, unsigned
from elman.v1 import completion_service_pb2 as pb

LOG_PROBABILITIES: Final = "include_log_probabilities"
MOST_ALTERNATIVES: Final = int(ALTERNATIVES.most)

LONGEST_TEXT: Final = 1 << 18
"""The most characters of one message: 1 MiB of UTF-8 at most."""


def complete_request(
    *,
    prefix: str,
    model: str | None,
    digest: str,
    state: bytes,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    seed: int | None,
    max_characters: int,
    stop: Sequence[str],
    min_confidence: float | None,
    alternatives: int,
    first_alternative: int,
    include_log_probabilities: bool,
) -> pb.CompleteRequest:
    """The request with every parameter spelled out and a seed, so that it can be repeated. Raises MendRequest."""
    return pb.CompleteRequest(
        model=model_of(model, digest),
        state=checked_state(state),
        prefix=encodable("prefix", prefix),
        sampling=sampling(temperature, top_k, top_p, min_p, seed),
        limits=limits(max_characters, stop, min_confidence),
        alternatives=unsigned("alternatives", alternatives),
        first_alternative=unsigned("first_alternative", first_alternative),
        include_log_probabilities=switch(LOG_PROBABILITIES, include_log_probabilities),
    )


def opening(
    *,
    model: str | None,
    digest: str,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    seed: int | None,
    max_characters: int,
    stop: Sequence[str],
    min_confidence: float | None,
    alternatives: int,
    include_log_probabilities: bool,
) -> pb.Open:
    """All of an open but state and prefix, spelled out in the same way. Raises MendRequest."""
    return pb.Open(
        model=model_of(model, digest),
        sampling=sampling(temperature, top_k, top_p, min_p, seed),
        limits=limits(max_characters, stop, min_confidence),
        alternatives=in_range("alternatives", alternatives, 1, MOST_ALTERNATIVES),
        include_log_probabilities=switch(LOG_PROBABILITIES, include_log_probabilities),
        use_model_confidence=min_confidence is None,
    )


def score_request(*, model: str | None, digest: str, state: bytes, include_log_probabilities: bool) -> pb.ScoreRequest:
    """The request to score a text, but for the text. Raises MendRequest."""
    return pb.ScoreRequest(
        model=model_of(model, digest),
        state=checked_state(state),
        include_log_probabilities=switch(LOG_PROBABILITIES, include_log_probabilities),
    )


def checked_state(state: bytes) -> bytes:
    """The state. Raises TypeError, above all for the Base64 of a record."""
    check_type("state", state, bytes, "bytes; a record's Base64 is to be decoded first")
    return state


def model_of(model: str | None, digest: str) -> pb.Model:
    """The model that a name and a digest mean; both empty mean the server's default."""
    return pb.Model(name=encodable("model", model or ""), digest=encodable("digest", digest))


def sampling(temperature: float, top_k: int, top_p: float, min_p: float, seed: int | None) -> pb.Sampling:
    """How to draw, always with a seed."""
    return pb.Sampling(
        temperature=as_double("temperature", temperature),
        top_k=unsigned("top_k", top_k),
        top_p=as_double("top_p", top_p),
        min_p=as_double("min_p", min_p),
        seed=unsigned("seed", draw_seed() if seed is None else seed, LARGEST_UINT64),
    )


def limits(max_characters: int, stop: Sequence[str], min_confidence: float | None) -> pb.Limits:
    """Where to end."""
    if isinstance(stop, str):
        raise MendRequest(f"stop: {stop!r} is one string; allowed: a sequence of strings, such as [{stop!r}]")
    check_type("stop", stop, Iterable, "a sequence of strings")
    strings = [encodable(f"stop[{index}]", each) for index, each in enumerate(stop)]
    limits = pb.Limits(max_characters=unsigned("max_characters", max_characters), stop=strings)
    if min_confidence:
        limits.min_confidence = as_double("min_confidence", min_confidence)
    return limits


def draw_seed() -> int:
    """A seed of 64 random bits. The client draws it, so that every retry and every replica continues the same text."""
    return secrets.randbits(64)
