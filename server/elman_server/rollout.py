"""Model files that change while the server runs: the new model is loaded beside the old, and the old goes when it is done.

    file     old |   new                               a file that is damaged, or of another digest than is pinned, or gone,
    loaded   old |   old + new       | new             leaves the old in place, which the log and the metrics tell
    serves   old |      new          | new             at once, whoever does not ask for the old
    old      ....|... for who names it ... calls end   for the grace: who names its digest or brings a state of it; then
                                                       documents are told goodbye, and running calls go on to their ends

Loading happens in a thread of its own; all else in the event loop.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from elman_models.execution.protocol import Execution
from elman_models.law.artifact import Model
from elman_server.engine.engine import Engine
from elman_server.errors import Unavailable
from elman_server.renewal import Contents, Events, Renewal
from elman_server.requests.catalogue import Catalogue, ModelFile, Served, Source, is_same, stamp
from elman_server.rpc.service import CompletionService
from elman_server.telemetry.log import log
from elman_server.telemetry.metrics import ServedModel

EVENTS: Final = Events("", "model kept")
LOOK_SECONDS: Final = 1.0
"""How often is looked whether anybody still uses a model that was replaced."""
REPLACED: Final = "another model has taken the place of this one; open the document again"


class Rows(NamedTuple):
    """What runs one model: for all, and for what somebody types."""

    execution: Execution
    typing: Execution | None


MakeRows: TypeAlias = Callable[[Model, str], Rows]
"""Makes the rows of a model that is to take the place of what a digest names. Blocks."""


class Rollout:
    """Watches the files of the models that are served."""

    def __init__(
        self,
        files: Sequence[ModelFile],
        catalogue: Catalogue,
        engine: Engine,
        service: CompletionService,
        make_rows: MakeRows,
        grace_seconds: float,
    ) -> None:
        self._catalogue, self._engine, self._service = catalogue, engine, service
        self._make_rows, self._grace_seconds = make_rows, grace_seconds
        self._renewals = {file.source.name: self._renewal(file) for file in files}
        self._leaving: list[Served] = []  # those that were replaced and whose rows are still there

    def _renewal(self, file: ModelFile) -> Renewal:
        source = file.source
        take = partial(self._take, source)
        return Renewal(EVENTS, [source.path], take, see=stamp, taken=[file.stamp], fields={"model": source.name})

    @property
    def renewals(self) -> Sequence[Renewal]:
        """What is to be looked at."""
        return list(self._renewals.values())

    @property
    def models(self) -> Sequence[ServedModel]:
        """What is told of the models: those that are served, the default first, and then those that were replaced."""
        served = [self._told(one, is_kept=bool(self._renewals[one.name].trouble)) for one in self._catalogue]
        return served + [self._told(one, is_replaced=True) for one in self._leaving]

    def _told(self, one: Served, *, is_kept: bool = False, is_replaced: bool = False) -> ServedModel:
        return ServedModel(one.name, one.model.digest, self._engine.name_of(one.model.digest), is_kept, is_replaced)

    async def run(self) -> None:
        """Let models go that were replaced, once nobody uses them."""
        self._loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._let_go()

    def _take(self, source: Source, _: Contents) -> None:
        """Load what the file holds now, and have it served. Blocks; in a thread that is not the loop's."""
        began = time.monotonic()
        new = source.load()
        old = next(each for each in self._catalogue if each.name == new.name)
        if is_same(old, new):
            log("model unchanged", model=new.name, digest=new.model.digest)
            return
        rows = self._make_rows(new.model, old.model.digest)
        asyncio.run_coroutine_threadsafe(self._switch(new, rows, began), self._loop).result()

    async def _switch(self, new: Served, rows: Rows, began: float) -> None:
        """From now on, the new model is meant by its name."""
        self._engine.add(new.model.digest, *rows)
        for older in [each for each in self._catalogue.replaced if each.name == new.name and not is_same(each, new)]:
            self._retire(older)  # at most one for each name
        old = self._catalogue.replace(new)
        self._leaving = [each for each in self._leaving if not is_same(each, new)] + [old]
        self._loop.call_later(self._grace_seconds, self._retire, old)
        log(
            "model loaded",
            model=new.name,
            digest=new.model.digest,
            replaced=old.model.digest,
            execution=rows.execution.name,
            seconds=round(time.monotonic() - began, 3),
        )

    def _retire(self, old: Served) -> None:
        """The grace of a model is over: documents move, and nobody begins with it any more."""
        if not any(each is old for each in self._catalogue.replaced):
            return
        self._catalogue.forget(old)
        documents = self._service.move_documents(old, Unavailable(REPLACED))
        log("model retired", model=old.name, digest=old.model.digest, documents=documents)

    def _let_go(self) -> None:
        """Free what runs the models that nobody can ask for and nobody uses."""
        served = {each.model.digest for each in self._catalogue}
        replaced = {each.model.digest for each in self._catalogue.replaced}
        for digest in set(self._engine.digests) - served - replaced:
            if not self._service.uses(digest) and self._engine.remove(digest):
                log("model freed", digest=digest)
        held = replaced | (set(self._engine.digests) - served)
        self._leaving = [each for each in self._leaving if each.model.digest in held]
