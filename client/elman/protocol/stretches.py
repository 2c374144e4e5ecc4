"""A text that is too long for one request: a stretch after another is scored, and the state after it goes with the next.

    text:  [ stretch | stretch | rest ]      state -> Score -> state -> Score -> state -> Score, or Complete

By the law, together they say what one request would. Knows no transport.
"""

import math
from array import array
from typing import Final

from elman.protocol.request import LONGEST_TEXT
from elman.protocol.results import Score
from elman.v1 import completion_service_pb2 as pb

LARGEST_PREFIX_BYTES: Final = 1 << 20
"""The most that the prefix of one completion may take."""


class Stretches:
    """A text that is read in stretches, at least one, and what was said of it so far."""

    def __init__(self, request: pb.ScoreRequest, text: str) -> None:
        """`request` is what to ask of each stretch, but for its text."""
        self._request, self._text = request, text
        self._begun_with = request.state
        self.progress = 0
        """How many stretches were read, all beginnings together."""
        self._begin()

    def _begin(self) -> None:
        self._request.state = self._begun_with
        self._unknown = self._place = 0
        self._totals, self._log_probabilities = array("d"), array("d")

    def begin_again(self) -> bool:
        """Forget what was read; False if nothing was, for then it is the caller's own state or digest that is refused."""
        is_begun = self._place > 0
        self._begin()
        return is_begun

    def next_request(self) -> pb.ScoreRequest | None:
        """What to ask for now; None once all is read."""
        if self._totals and self._place == len(self._text):
            return None
        request = pb.ScoreRequest(text=self._text[self._place : self._place + LONGEST_TEXT])
        request.MergeFrom(self._request)
        return request

    def take(self, response: pb.ScoreResponse) -> None:
        """Take the answer to the last request."""
        self.progress += 1
        self._place += response.characters
        self._unknown += response.unknown_characters
        self._totals.append(response.total_log_probability)
        self._log_probabilities.extend(response.log_probabilities)
        self._request.state = response.state

    @property
    def score(self) -> Score:
        """How likely the text is, as far as it is read."""
        logs = tuple(self._log_probabilities)
        return Score(self._place, self._unknown, math.fsum(self._totals), logs, self._request.state)


def before_the_rest(request: pb.CompleteRequest) -> Stretches | None:
    """The stretches of a prefix that is too long for its request, without the rest of it; None if it is not too long."""
    prefix = request.prefix
    if len(prefix.encode()) <= LARGEST_PREFIX_BYTES:
        return None
    return Stretches(pb.ScoreRequest(model=request.model, state=request.state), prefix[:-LONGEST_TEXT])


def after(request: pb.CompleteRequest, read: Score) -> pb.CompleteRequest:
    """The request for what is left once the first of the prefix is read."""
    rest = pb.CompleteRequest()
    rest.CopyFrom(request)
    rest.state, rest.prefix = read.state, request.prefix[read.characters :]
    return rest


def add_to_usage(usage: pb.Usage, read: Score) -> None:
    """Let it count what was read before as consumed, for it was."""
    usage.consumed_characters += read.characters
    usage.spared_characters -= read.characters
    usage.unknown_characters += read.unknown_characters
