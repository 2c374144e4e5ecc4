"""What a caller sees of a completion, the same in both faces. Knows no transport."""

from dataclasses import asdict
from typing import Any

from elman.protocol.exchange import Exchange
from elman.protocol.results import Alternative, Usage, base64
from elman.settings import shown
from elman.v1 import completion_service_pb2 as pb

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "seed")


class ReceivedCompletion:
    """What was received of a completion so far. `text`, `finish_reason`, `state` and `usage` are the first alternative's."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._has_begun = False

    def __repr__(self) -> str:
        text = shown(self._first.text) if self._has_begun else "not begun"
        return f"<{type(self).__name__} of seed {self.seed}: {text}>"

    @property
    def text(self) -> str:
        """The text received so far; `read()` waits for all of it. Raises RuntimeError before the first is asked for."""
        return self._first.text

    @property
    def finish_reason(self) -> str | None:
        """ "length", "stop" or "confidence"; None before the end."""
        return self._first.finish_reason

    @property
    def state(self) -> bytes:
        """The hidden state after the text, once it has ended: with it, a later call continues without the text."""
        return self._first.state

    @property
    def usage(self) -> Usage | None:
        """What it cost, once it has ended."""
        return self._first.usage

    @property
    def alternatives(self) -> list[Alternative]:
        """The alternatives of which something was received."""
        return self._exchange.alternatives

    @property
    def seed(self) -> int:
        """The seed, known from the start."""
        return self._exchange.request.sampling.seed

    @property
    def model(self) -> str:
        """The model's name; empty before the stream has begun."""
        return self._exchange.started.model.name if self._exchange.started else ""

    @property
    def digest(self) -> str:
        """The model's digest; empty before the stream has begun."""
        return self._exchange.started.model.digest if self._exchange.started else ""

    def record(self) -> dict[str, Any]:
        """Everything that is needed to repeat the completion, and its result, as a value that `json.dumps` takes.

        `record["request"]` holds the keywords of `Client.complete`, digest and seed included; its state is in Base64.
        """
        request, started = self._exchange.request, self._exchange.started
        first = self._first
        return {
            "request": keywords(request) | {"model": self.model or request.model.name, "digest": self.digest},
            "model": {"name": self.model, "digest": self.digest},
            "seed": self.seed,
            "start_position": started.start_position if started else None,
            "text": first.text,
            "finish_reason": first.finish_reason,
            "state": base64(first.state),
            "usage": asdict(first.usage) if first.usage else None,
            "alternatives": [alternative.to_json() for alternative in self.alternatives],
        }

    @property
    def _first(self) -> Alternative:
        if not self._has_begun:
            raise RuntimeError("nothing is received yet: iterate over the completion, or call read()")
        return (self._exchange.alternatives or [Alternative(self._exchange.request.first_alternative)])[0]


def keywords(request: pb.CompleteRequest) -> dict[str, Any]:
    """The keywords that make this request, every one with its value."""
    limits = request.limits
    return {
        "prefix": request.prefix,
        "state": base64(request.state),
        **{name: getattr(request.sampling, name) for name in SAMPLING},
        "max_characters": limits.max_characters,
        "stop": list(limits.stop),
        "min_confidence": limits.min_confidence if limits.HasField("min_confidence") else None,
        "alternatives": request.alternatives,
        "first_alternative": request.first_alternative,
        "include_log_probabilities": request.include_log_probabilities,
    }
