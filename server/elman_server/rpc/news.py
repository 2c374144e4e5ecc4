"""What the engine tells of one call's jobs, until it is written. Knows no messages."""

from collections import deque

from elman_server.engine.job import Progress
from elman_server.rpc.bell import Bell


class News:
    """What the engine tells of one call's jobs, on its way to the caller."""

    def __init__(self) -> None:
        self._told: deque[Progress] = deque()
        self._bell = Bell()

    def tell(self, progress: Progress) -> None:
        """Keep news for the caller. Called in the event loop's thread."""
        self._told.append(progress)
        self._bell.ring()

    def drop(self) -> None:
        """Forget what was told."""
        self._told.clear()

    async def next(self) -> Progress:
        """The next news. Raises what ended a job before its text did."""
        while not self._told:
            self._bell.mute()
            await self._bell.heard()
        progress = self._told.popleft()
        if progress.failure:
            raise progress.failure
        return progress
