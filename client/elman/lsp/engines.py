"""Where suggestions come from: engines in this process, one for each model, or servers. Both work in the event loop."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from elman.aio.document import AsyncDocument
from elman.credentials import Credentials
from elman.errors import ElmanError
from elman.protocol.suggestions import Suggestion

if TYPE_CHECKING:
    from elman.aio.client import AsyncClient
    from elman.engine import EmbeddedEngine


class Engine(Protocol):
    """What follows documents, each with a model of its own."""

    def has(self, model: str) -> bool:
        """Whether a model is loaded, as its file is now."""
        ...

    def load(self, model: str) -> None:
        """Load a model, unless it is. Raises ElmanError or OSError."""
        ...

    def follow(self, text: str, model: str, fields: dict[str, Any]) -> "Follower":
        """Follow a text with a model that is loaded. Raises ElmanError."""
        ...

    async def look(self) -> None:
        """Find out whether the servers are there. Raises ElmanError if none is."""
        ...

    async def close(self) -> None:
        """End."""
        ...


class EngineHere:
    """Engines in this process. A model is loaded when it is first asked for, and again once its file was replaced."""

    def __init__(self) -> None:
        self._engines: dict[str, EmbeddedEngine] = {}
        self._clients: dict[str, AsyncClient] = {}

    def has(self, model: str) -> bool:
        return model in self._engines and not self._engines[model].is_outdated

    def load(self, model: str) -> None:
        from elman.aio.client import AsyncClient  # with what follows a fifth of a second, in which the editor is answered
        from elman.aio.embedded import AsyncEngineTransport
        from elman.engine import open_engine

        if self.has(model):
            return
        try:
            engine = open_engine(model, "cpu")
        except (ElmanError, OSError):
            if model not in self._engines:
                raise
            self._engines[model].stay()  # what is there now is no model
            return
        self._engines[model] = engine
        self._clients[model] = AsyncClient.over([AsyncEngineTransport(engine)])

    def follow(self, text: str, model: str, fields: dict[str, Any]) -> "Follower":
        return Follower(self._clients[model].document(text, **fields))

    async def look(self) -> None:
        pass

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


class EngineElsewhere:
    """Servers, which have models of their own."""

    def __init__(self, addresses: Sequence[str], credentials: Credentials) -> None:
        """Raises ElmanError."""
        from elman.aio.client import AsyncClient

        self._client = AsyncClient(addresses, credentials=credentials)

    def has(self, model: str) -> bool:
        return True

    def load(self, model: str) -> None:
        pass

    def follow(self, text: str, model: str, fields: dict[str, Any]) -> "Follower":
        return Follower(self._client.document(text, model=model, **fields))

    async def look(self) -> None:
        await self._client.models()

    async def close(self) -> None:
        await self._client.close()


class Follower:
    """A client's document, and what waits for its suggestions."""

    def __init__(self, document: AsyncDocument) -> None:
        self.document = document
        self._turn = asyncio.Lock()  # the document tells one task at a time
        self._end: asyncio.Task[None] | None = None

    async def suggestions(self) -> Sequence[Suggestion]:
        """All that is suggested for its text; if that changes meanwhile, for the newer. Raises ElmanError."""
        async with self._turn:
            async for _ in self.document.suggestions():
                pass
            return self.document.suggested

    def let_go(self) -> None:
        """Follow it no longer."""
        self._end = asyncio.ensure_future(self.document.close())
