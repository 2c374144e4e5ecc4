"""From keywords to requests. Refuses only what the wire cannot carry: every other range is the server's to check."""

import secrets
from collections.abc import Sequence
from typing import Final

from elman.errors import MendRequest
from elman.v1 import completion_service_pb2 as pb

LARGEST_UINT32: Final = (1 << 32) - 1
LARGEST_UINT64: Final = (1 << 64) - 1
MOST_ALTERNATIVES: Final = 16


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
        model=named(model, digest),
        state=state,
        prefix=carried("prefix", prefix),
        sampling=sampling(temperature, top_k, top_p, min_p, seed),
        limits=limits(max_characters, stop, min_confidence),
        alternatives=whole("alternatives", alternatives),
        first_alternative=whole("first_alternative", first_alternative),
        include_log_probabilities=include_log_probabilities,
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
        model=named(model, digest),
        sampling=sampling(temperature, top_k, top_p, min_p, seed),
        limits=limits(max_characters, stop, min_confidence),
        alternatives=within("alternatives", alternatives, 1, MOST_ALTERNATIVES),
        include_log_probabilities=include_log_probabilities,
    )


def score_request(
    *, text: str, model: str | None, digest: str, state: bytes, include_log_probabilities: bool
) -> pb.ScoreRequest:
    """The request to score a text. Raises MendRequest."""
    return pb.ScoreRequest(
        model=named(model, digest),
        state=state,
        text=carried("text", text),
        include_log_probabilities=include_log_probabilities,
    )


def named(model: str | None, digest: str) -> pb.Model:
    """The model that is meant."""
    return pb.Model(name=carried("model", model or ""), digest=carried("digest", digest))


def sampling(temperature: float, top_k: int, top_p: float, min_p: float, seed: int | None) -> pb.Sampling:
    """How to draw, always with a seed."""
    return pb.Sampling(
        temperature=double("temperature", temperature),
        top_k=whole("top_k", top_k),
        top_p=double("top_p", top_p),
        min_p=double("min_p", min_p),
        seed=whole("seed", draw_seed() if seed is None else seed, LARGEST_UINT64),
    )


def limits(max_characters: int, stop: Sequence[str], min_confidence: float | None) -> pb.Limits:
    """Where to end."""
    if isinstance(stop, str):
        raise MendRequest(f"stop: {stop!r} is one string; allowed: a sequence of strings, such as [{stop!r}]")
    strings = [carried(f"stop[{index}]", each) for index, each in enumerate(stop)]
    limits = pb.Limits(max_characters=whole("max_characters", max_characters), stop=strings)
    if min_confidence is not None:
        limits.min_confidence = double("min_confidence", min_confidence)
    return limits


def draw_seed() -> int:
    """A seed of 64 random bits. The client draws it, so that every retry and every replica continues the same text."""
    return secrets.randbits(64)


def whole(field: str, value: int, largest: int = LARGEST_UINT32) -> int:
    """The number, if the field can carry it."""
    return within(field, value, 0, largest)


def within(field: str, value: int, least: int, most: int) -> int:
    """The number, if it lies in the range. Raises MendRequest."""
    if not least <= value <= most:
        raise MendRequest(f"{field}: {value} is out of range; allowed: {least} to {most}")
    return value


def double(field: str, value: float) -> float:
    """The number, if a double can carry it."""
    try:
        return float(value)
    except OverflowError:
        raise MendRequest(f"{field}: a number this large is out of range; allowed: a double") from None


def carried(field: str, text: str) -> str:
    """The text, if UTF-8 can carry it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        lone = f"U+{ord(text[error.start]):04X}"
        raise MendRequest(
            f"{field}: {lone} at character {error.start} is no character; allowed: text without lone surrogates"
        ) from None
    return text


def checked_timeout(seconds: float | None) -> float | None:
    """The timeout of a call. Raises MendRequest."""
    if seconds is not None and not seconds > 0:
        raise MendRequest(f"timeout: {seconds} is out of range; allowed: above 0 seconds, or none")
    return seconds


def not_negative(field: str, seconds: float) -> float:
    """The seconds, 0 or more. Raises MendRequest."""
    if not seconds >= 0:
        raise MendRequest(f"{field}: {seconds} is out of range; allowed: 0 seconds or more")
    return seconds
