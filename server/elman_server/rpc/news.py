"""What the engine tells of one call's jobs, until it is written. Knows no messages."""

from collections import deque

from elman_server.engine.job import Job, Progress
from elman_server.rpc.bell import Bell


class News:
    """What the engine tells of one call's jobs, on its way to the caller."""

    def __init__(self) -> None:
        self._told: deque[Progress] = deque()
        self._held: dict[Job, Progress] = {}  # what is not worth a message yet
        self._bell = Bell()

    def tell(self, progress: Progress) -> None:
        """Keep news for the caller. Called in the event loop's thread."""
        if progress.failure:
            self._told.extend(self._held.values())
            self._held.clear()
        elif earlier := self._held.pop(progress.job, None):
            progress = progress.after(earlier)
        if len(progress.text) < progress.enough:
            self._held[progress.job] = progress
            return
        self._told.append(progress)
        self._bell.ring()

    def drop(self) -> None:
        """Forget what was told."""
        self._told.clear()
        self._held.clear()

    async def next(self) -> Progress:
        """The next news. Raises what ended a job before its text did."""
        while not self._told:
            self._bell.mute()
            await self._bell.heard()
        progress = self._told.popleft()
        if progress.failure:
            raise progress.failure
        return progress
