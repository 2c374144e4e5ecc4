"""Where suggestions come from: engines in this process, in a thread of their own, or servers, in the event loop."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from elman.aio.client import AsyncClient
from elman.aio.document import AsyncDocument
from elman.protocol.suggestions import Suggestion
from elman.sync.client import Client
from elman.sync.document import Document
from elman.sync.embedded import open_client


class Engine(Protocol):
    """What follows documents, each with a model of its own."""

    async def load(self, model: str) -> None:
        """Have a model ready. Raises ElmanError or OSError."""
        ...

    def open(self, text: str, model: str, fields: dict[str, Any]) -> Any:
        """A document to follow, with a model that is ready."""
        ...

    async def suggestions(self, document: Any) -> Sequence[Suggestion]:
        """All that is suggested for a document's text; if that changes meanwhile, for the newer. Raises ElmanError."""
        ...

    async def let_go(self, document: Any) -> None:
        """Follow a document no longer."""
        ...

    async def close(self) -> None:
        """End."""
        ...


class EngineHere:
    """Engines in this process: one for each model, loaded when it is first asked for. One thread does all of their work."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._thread = ThreadPoolExecutor(1, "elman-engines")

    async def load(self, model: str) -> None:
        if model not in self._clients:
            loop = asyncio.get_running_loop()
            self._clients[model] = await loop.run_in_executor(self._thread, lambda: open_client(model, device="cpu"))

    def open(self, text: str, model: str, fields: dict[str, Any]) -> Document:
        return self._clients[model].document(text, **fields)

    async def suggestions(self, document: Document) -> Sequence[Suggestion]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, all_of, document)

    async def let_go(self, document: Document) -> None:
        await asyncio.get_running_loop().run_in_executor(None, document.close)  # which may wait for a step of the engine

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def all_of(document: Document) -> Sequence[Suggestion]:
    """All that is suggested for the document's text, once nothing more will come."""
    for _ in document.suggestions():
        pass
    return document.suggested


class EngineElsewhere:
    """Servers."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._client = AsyncClient(addresses)

    async def load(self, model: str) -> None:
        """Do nothing: servers have their models, or say that they have not."""

    def open(self, text: str, model: str, fields: dict[str, Any]) -> AsyncDocument:
        return self._client.document(text, model=model or None, **fields)

    async def suggestions(self, document: AsyncDocument) -> Sequence[Suggestion]:
        async for _ in document.suggestions():
            pass
        return document.suggested

    async def let_go(self, document: AsyncDocument) -> None:
        await document.close()

    async def close(self) -> None:
        await self._client.close()
