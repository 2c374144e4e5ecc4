"""The states that are kept of a document, for each place where what is read may begin; and which to ask for next.

cursor's page:   [ begins ----- s ----- s ----- s -- cursor       what another replica, or a jump back, goes on from
pages near:      [ begins ----- s ----- s ----- s -----]          read while nobody types, so that a jump costs little

Asked for one at a time, each from the one before it. Knows no transport and no time.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from elman.protocol.context import Context, Slices
from elman.protocol.landmarks import MOST_BYTES, Landmarks
from elman.v1 import completion_service_pb2 as pb

SPACING: Final = 1 << 12
"""The characters between one state on the way to the cursor and the next."""

LONGEST_STRETCH: Final = 1 << 14
"""The most characters that one request for a state has consumed, and that a jump to a page near the cursor has."""


class Stretch(NamedTuple):
    """What was asked, and of which text it gives the state."""

    request: pb.ScoreRequest
    start: int
    end: int


class Gathering:
    """The states of the pages of a document. They take 1 MiB at most, all together."""

    def __init__(self, text: Slices, context: Context) -> None:
        self._text, self._context = text, context
        self.forget()

    @property
    def states(self) -> int:
        """How many are kept."""
        return sum(map(len, self._landmarks.values()))

    def forget(self) -> None:
        """Forget all states: another model suggests."""
        self._landmarks: dict[int, Landmarks] = {}  # by where their page begins
        self._stretch: Stretch | None = None

    def forget_request(self) -> None:
        """What was asked for is not answered any more."""
        self._stretch = None

    def nearest(self, start: int, cursor: int) -> tuple[int, bytes]:
        """The nearest state at or before a cursor of the page that begins at `start`, preceded by its offset."""
        if (landmarks := self._landmarks.get(start)) is None:
            return start, b""
        position, state = landmarks.at_or_before(cursor - start)
        return start + position, state

    def add(self, start: int, end: int, state: bytes, cursor: int) -> None:
        """Keep the state after a part of the text; of pages that are not near the cursor, none are kept."""
        near = {self._context.start(page) for page in self._context.near(cursor)} | {start}
        self._landmarks = {begins: kept for begins, kept in self._landmarks.items() if begins in near}
        if start not in self._landmarks:
            self._landmarks[start] = Landmarks(MOST_BYTES // (2 * self._context.reach + 1))
        self._landmarks[start].add(end - start, state)

    def edit(self, start: int, end: int, added: int) -> None:
        """What lay between two offsets was replaced by `added` characters. What begins after it moves along."""
        moved: dict[int, Landmarks] = {}
        for begins, landmarks in self._landmarks.items():
            if begins >= end:
                moved[begins + start + added - end] = landmarks
            elif begins <= start:
                landmarks.cut(start - begins)
                moved[begins] = landmarks
        self._landmarks = moved
        if self._stretch and self._stretch.end > start:
            self._stretch = None

    def request(self, model: pb.Model, cursor: int) -> pb.ScoreRequest | None:
        """The request for a state on the way to the cursor, if one is due and none was asked for."""
        return None if self._stretch else self._request(model, cursor, [self._context.page(cursor)])

    def request_near(self, model: pb.Model, cursor: int) -> pb.ScoreRequest | None:
        """The request for a state of a page near the cursor, if one is due; it takes the place of what was asked for."""
        return self._request(model, cursor, self._context.near(cursor)) if self._context.is_bounded else None

    def _request(self, model: pb.Model, cursor: int, pages: Iterable[int]) -> pb.ScoreRequest | None:
        spacing = SPACING  # of the cursor's own page, which comes first
        for page in pages:
            start, end = self._context.start(page), self._context.end(page)
            if start <= cursor < end:
                end = cursor  # what lies behind it changes with every key
            offset, state = self.nearest(start, end)
            if end - offset >= spacing:
                text = self._text.slice(offset, min(end, offset + LONGEST_STRETCH))
                line = text.rfind("\n", SPACING // 2) + 1 or len(text)
                request = pb.ScoreRequest(model=model, state=state, text=text[:line])
                self._stretch = Stretch(request, start, offset + line)
                return request
            spacing = LONGEST_STRETCH
        return None

    def note(self, request: pb.ScoreRequest, state: bytes, cursor: int) -> None:
        """Take the answer; no bytes if there was none. The text may have changed meanwhile."""
        stretch = self._stretch
        if stretch and stretch.request is request:
            self._stretch = None
            if state:
                self.add(stretch.start, stretch.end, state, cursor)
