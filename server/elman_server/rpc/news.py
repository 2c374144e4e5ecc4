"""What the engine tells of one call's jobs, until it is written. Knows no messages.

engine:  a  bc  de  f ->  a | bcde | f      what is not enough for a message waits for more of the same text; and what is not
                                            taken when more comes is told with it, so that a slow writer writes less often
"""

from elman_server.engine.job import Job, Progress
from elman_server.rpc.bell import Bell


class News:
    """What the engine tells of one call's jobs, on its way to the caller."""

    def __init__(self) -> None:
        self._told: dict[Job, Progress] = {}
        self._held: dict[Job, Progress] = {}  # what is not worth a message yet
        self._failure: Exception | None = None
        self._bell = Bell()

    def tell(self, progress: Progress) -> None:
        """Keep news for the caller. Called in the event loop's thread."""
        if progress.failure:
            self._failure = self._failure or progress.failure  # the first says why
            self._told |= self._held
            self._held = {}
        else:
            self._add(progress)
        if self._told or self._failure:
            self._bell.ring()

    def _add(self, progress: Progress) -> None:
        job = progress.job
        if earlier := self._told.get(job) or self._held.pop(job, None):
            progress = progress.after(earlier)
        is_enough = job in self._told or len(progress.text) >= progress.enough
        (self._told if is_enough else self._held)[job] = progress

    def drop(self) -> None:
        """Forget what was told."""
        self._told.clear()
        self._held.clear()

    async def next(self) -> Progress:
        """The next news. Raises what ended a job before its text did."""
        while not self._told:
            if self._failure:
                raise self._failure
            self._bell.mute()
            await self._bell.heard()
        return self._told.pop(next(iter(self._told)))
