"""Where suggestions come from: engines in this process, in a thread of their own, or servers, in the event loop."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from elman.protocol.editable import Editable
from elman.protocol.suggestions import Suggestion

if TYPE_CHECKING:
    from elman.aio.document import AsyncDocument
    from elman.sync.client import Client
    from elman.sync.document import Document


class Follower(Protocol):
    """A client's document, and what waits for its suggestions."""

    @property
    def document(self) -> Editable:
        """The document to edit."""
        ...

    async def suggestions(self) -> Sequence[Suggestion]:
        """All that is suggested for its text; if that changes meanwhile, for the newer. Raises ElmanError."""
        ...

    def let_go(self) -> None:
        """Follow it no longer."""
        ...


class Engine(Protocol):
    """What follows documents, each with a model of its own."""

    def has(self, model: str) -> bool:
        """Whether a model is loaded."""
        ...

    async def load(self, model: str) -> None:
        """Load a model, unless it is. Raises ElmanError or OSError."""
        ...

    def follow(self, text: str, model: str, fields: dict[str, Any]) -> Follower:
        """Follow a text with a model that is loaded. Raises ElmanError."""
        ...

    async def close(self) -> None:
        """End."""
        ...


class EngineHere:
    """Engines in this process, one for each model. One thread does all of their work, for one person types at one place."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._thread = ThreadPoolExecutor(1, "elman-engines")

    def has(self, model: str) -> bool:
        return model in self._clients

    async def load(self, model: str) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load, model)

    def _load(self, model: str) -> None:
        from elman.sync.embedded import open_client  # takes a fifth of a second, in which the editor is answered

        if model not in self._clients:
            self._clients[model] = open_client(model, device="cpu")

    def follow(self, text: str, model: str, fields: dict[str, Any]) -> "FollowedHere":
        return FollowedHere(self._clients[model].document(text, **fields), self._thread)

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


class FollowedHere:
    """A document of an engine in this process."""

    def __init__(self, document: "Document", thread: ThreadPoolExecutor) -> None:
        self.document, self._thread = document, thread

    async def suggestions(self) -> Sequence[Suggestion]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._all)

    def _all(self) -> Sequence[Suggestion]:
        for _ in self.document.suggestions():
            pass
        return self.document.suggested

    def let_go(self) -> None:
        self.document.dismiss()
        self._thread.submit(self.document.close)  # waits for a step that it may be doing there


class EngineElsewhere:
    """Servers, which have models of their own."""

    def __init__(self, addresses: Sequence[str]) -> None:
        from elman.aio.client import AsyncClient

        self._client = AsyncClient(addresses)

    def has(self, model: str) -> bool:
        return True

    async def load(self, model: str) -> None:
        pass

    def follow(self, text: str, model: str, fields: dict[str, Any]) -> "FollowedElsewhere":
        return FollowedElsewhere(self._client.document(text, model=model, **fields))

    async def close(self) -> None:
        await self._client.close()


class FollowedElsewhere:
    """A document at a server."""

    def __init__(self, document: "AsyncDocument") -> None:
        self.document = document
        self._turn = asyncio.Lock()  # the document tells one task at a time
        self._end: asyncio.Task[None] | None = None

    async def suggestions(self) -> Sequence[Suggestion]:
        async with self._turn:
            async for _ in self.document.suggestions():
                pass
            return self.document.suggested

    def let_go(self) -> None:
        self._end = asyncio.ensure_future(self.document.close())
