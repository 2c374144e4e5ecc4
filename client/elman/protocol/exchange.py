"""One completion from its first request to its last event, whatever breaks in between. Pure: knows no transport and no time.

    request -> [ stream 1: Started Piece Piece Piece  (broke) ]  0: "To be, "   1: "To b"    both unfinished
               [ stream 2: alternative 0, already received "To be, " ... Finished ]
               [ stream 3: alternative 1, already received "To b"    ... Finished ]

Every stream has the same seed, and every stream after a Started has the digest. So the whole equals an unbroken stream.
Of a prefix that is too long for one request, all but the rest is read before the first: `stretches`.
"""

from elman.errors import ReportDefect
from elman.protocol.results import Alternative, Piece, Score
from elman.protocol.stretches import Stretches, add_to_usage, after, before_the_rest
from elman.v1 import completion_service_pb2 as pb


class Exchange:
    """What to ask for next, and what was received so far."""

    def __init__(self, request: pb.CompleteRequest) -> None:
        self.request = self._asking = request
        self._read_before: Score | None = None
        self.started: pb.Started | None = None
        self.progress = 0  # pieces and ends, all streams together
        self._numbers = range(request.first_alternative, request.first_alternative + request.alternatives)
        self._received: dict[int, Alternative] = {}
        self._asked = self._numbers
        self._is_open = False  # whether the present stream has sent its Started

    @property
    def alternatives(self) -> list[Alternative]:
        """What was received, in the order of the alternatives' numbers."""
        return [self._received[number] for number in sorted(self._received)]

    @property
    def stretches(self) -> Stretches | None:
        """What is to be read before anything is asked for, if the prefix is too long for that."""
        return before_the_rest(self.request) if self._read_before is None else None

    def note_read(self, read: Score) -> None:
        """The stretches are read: from now on, only the rest is asked about."""
        self._read_before, self._asking = read, after(self.request, read)

    def begin_again(self) -> bool:
        """Forget the model that began to answer, and what it read; False if nothing was forgotten, or some text was given."""
        if self.progress or (self.started is None and self._read_before is None):
            return False
        self._asking, self._read_before, self.started = self.request, None, None
        return True

    def next_request(self) -> pb.CompleteRequest | None:
        """What to ask for now: all of it at first, then one unfinished alternative at a time; None once all have ended."""
        self._is_open = False
        if not self._received:
            return self._pinned()
        unfinished = next((number for number in self._numbers if not self._is_finished(number)), None)
        if unfinished is None:
            return None
        self._asked = range(unfinished, unfinished + 1)
        request = self._pinned()
        request.alternatives, request.first_alternative = 1, unfinished
        request.already_received = self._alternative(unfinished).text
        return request

    def _pinned(self) -> pb.CompleteRequest:
        """The request, for the model that began to answer it."""
        request = pb.CompleteRequest()
        request.CopyFrom(self._asking)
        if self.started is not None:
            request.model.CopyFrom(self.started.model)
        return request

    def receive(self, event: pb.CompleteResponse) -> Piece | None:
        """Take an event; returns its text, if it has any. Raises ReportDefect for one that cannot be."""
        match event.WhichOneof("event"):
            case "started":
                self._start(event.started)
            case "piece":
                return self._take(event.piece)
            case "finished":
                self._finish(event.finished)
            case _:
                pass  # an event of a newer server
        return None

    def end(self) -> None:
        """The stream has ended without an error. Raises ReportDefect if something that was asked for is missing."""
        lacking = [number for number in self._asked if not self._is_finished(number)]
        if lacking or not self._received:
            raise ReportDefect(f"the stream ended, but not the alternatives {lacking}")

    def _start(self, started: pb.Started) -> None:
        self._is_open = True
        if started.seed != self.request.sampling.seed:
            raise ReportDefect(f"the server uses seed {started.seed} instead of {self.request.sampling.seed}")
        if self.started is None:
            self.started = started
        elif started.model.digest != self.started.model.digest:
            raise ReportDefect(f"resumed by model {started.model.digest} instead of {self.started.model.digest}")
        elif started.start_position != self.started.start_position:
            raise ReportDefect(f"resumed at position {started.start_position} instead of {self.started.start_position}")

    def _take(self, message: pb.Piece) -> Piece:
        alternative = self._running(message.alternative)
        expected = self._start_position + alternative.characters
        if message.position != expected:
            what = "a gap" if message.position > expected else "a repeat"
            raise ReportDefect(
                f"{what} in alternative {alternative.number}: a piece at position {message.position}, expected at {expected}"
            )
        piece = Piece.of(message)
        alternative.add(piece)
        self.progress += 1
        return piece

    def _finish(self, finished: pb.Finished) -> None:
        if self._read_before:
            add_to_usage(finished.usage, self._read_before)
        self._running(finished.alternative).finish(finished)
        self.progress += 1

    def _running(self, number: int) -> Alternative:
        """The alternative that an event is about, which must be one that may still grow."""
        if not self._is_open:
            raise ReportDefect("the stream does not begin with Started")
        if number not in self._asked:
            raise ReportDefect(f"an event of alternative {number}, which was not asked for")
        if self._is_finished(number):
            raise ReportDefect(f"an event of alternative {number} after its end")
        return self._alternative(number)

    def _alternative(self, number: int) -> Alternative:
        return self._received.setdefault(number, Alternative(number))

    def _is_finished(self, number: int) -> bool:
        return number in self._received and self._received[number].finish_reason is not None

    @property
    def _start_position(self) -> int:
        return self.started.start_position if self.started else 0


def is_news(event: pb.CompleteResponse) -> bool:
    """Whether an event is more than the Started that opens a stream."""
    return not event.HasField("started")
