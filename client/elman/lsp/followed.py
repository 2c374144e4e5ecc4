"""The client's documents that follow open ones: few at a time, and the one that was used least recently gives way."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from elman.lsp.engines import Follower
from elman.lsp.open_document import OpenDocument
from elman.lsp.open_text import Change
from elman.protocol.suggestions import Suggestion

MOST_FOLLOWED: Final = 8
MOST_CHARACTERS: Final = 1 << 22
"""What the texts of all may have together; the one in use may have more."""


class Followed:
    """One, which is brought up to date when it is asked, however many changes there were.

    then:  same .......... same      `before` characters at its start and `after` at its end have not changed since
    now:   same ...... same
    """

    def __init__(self, follower: Follower, model: str, length: int) -> None:
        self.follower, self.model = follower, model
        self.length: int = length
        self._before: int = length
        self._after: int = length

    def note(self, change: Change, length: int) -> None:
        """The text has changed, and is so long now."""
        self._before = min(self._before, change.start)
        self._after = min(self._after, length - change.start - len(change.inserted))

    def take_over(self, document: OpenDocument, cursor: int) -> None:
        """Take over the text, and want suggestions at the cursor."""
        text, followed = document.text, self.follower.document
        if self._before < self.length or text.length != self.length:
            before, after = self._before, self._after
            fresh = text.slice(before, text.length - after)
            followed.replace(before, self.length - after, fresh, suggest=before + len(fresh) == cursor)
            self._before = self._after = self.length = text.length
            if followed.cursor == cursor:
                return
        followed.move(cursor)

    async def suggestions(self) -> Sequence[Suggestion]:
        """All that is suggested now. Raises ElmanError."""
        return await self.follower.suggestions()


class Key(NamedTuple):
    """Which one: what is typed gets one suggestion, and who asks by a key of its own gets more."""

    uri: str
    is_invoked: bool


class Shelf:
    """Those that are followed."""

    def __init__(self) -> None:
        self._followed: OrderedDict[Key, Followed] = OrderedDict()

    def __len__(self) -> int:
        return len(self._followed)

    def of(self, uri: str) -> list[Followed]:
        """Those of an open document."""
        return [followed for key, followed in self._followed.items() if key.uri == uri]

    def use(self, key: Key, model: str) -> Followed | None:
        """The one that is meant, if it is followed with a model. It is in use now."""
        found = self._followed.get(key)
        if found is None or found.model != model:
            return None
        self._followed.move_to_end(key)
        return found

    def put(self, key: Key, followed: Followed) -> None:
        """Follow one more; it is in use now."""
        self._drop(key)
        self._followed[key] = followed
        while len(self._followed) > 1 and self._is_full:
            self._drop(next(iter(self._followed)))

    @property
    def _is_full(self) -> bool:
        characters = sum(each.length for each in self._followed.values())
        return len(self._followed) > MOST_FOLLOWED or characters > MOST_CHARACTERS

    def drop(self, uri: str) -> None:
        """Follow an open document no longer."""
        for key in [key for key in self._followed if key.uri == uri]:
            self._drop(key)

    def drop_model(self, model: str) -> None:
        """Follow none any longer with a model."""
        for key in [key for key, followed in self._followed.items() if followed.model == model]:
            self._drop(key)

    def clear(self) -> None:
        """Follow none."""
        while self._followed:
            self._drop(next(iter(self._followed)))

    def _drop(self, key: Key) -> None:
        if followed := self._followed.pop(key, None):
            followed.follower.let_go()
