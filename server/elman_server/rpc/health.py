"""The health service of gRPC, whose package ships without types: it is named only here.

The package's own servicer writes while it holds a lock: one watcher who does not read would keep the news from all others, and
from the drain. Here each waits for its own reader alone. Who asks needs no token, so little is held for them, and counted.
"""

import asyncio
from collections import Counter
from typing import Any, Final, cast

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2

from elman_server.engine.budget import Budget
from elman_server.errors import OutOfMemory
from elman_server.rpc.call import Context

WATCH_BYTES: Final = 24 << 10
"""About what a watch holds: its task and its stream."""
MOST_SILENT: Final = 32
"""Calls whose requests have not come, each of which may be of 4 MB. With one more, the one that came first is ended."""
SILENT_SECONDS: Final = 5.0
LONGEST_REQUEST: Final = 256
"""Bytes; what is longer names no service that there is."""
TOO_MANY: Final = "watches: as many as there may be of one connection, or of all"
HEALTH: Final = cast("Any", health_pb2)
NO_NAME: Final = "no name"


class Health:
    """Whether the server and its one service are SERVING, under the names "" and the service's own."""

    def __init__(self, service: str, budget: Budget, most: int) -> None:
        """Of at most so many watches."""
        self._names = ("", service)
        self._budget, self._most = budget, most
        self._watches = Counter[str]()
        self._silent: dict[asyncio.Task[Any], None] = {}  # who has not asked yet, the oldest first
        self._changed = asyncio.Event()
        self._unknown = HEALTH.HealthCheckResponse(status=HEALTH.HealthCheckResponse.SERVICE_UNKNOWN)
        self.is_serving = False

    def add_to(self, server: grpc.aio.Server) -> None:
        """Answer health checks on the server."""
        streaming: Any = grpc.stream_stream_rpc_method_handler
        answers = {"Check": self._check, "Watch": self._watch}
        write = HEALTH.HealthCheckResponse.SerializeToString
        methods = {name: streaming(answer, None, write) for name, answer in answers.items()}
        cast("Any", server).add_registered_method_handlers(health.SERVICE_NAME, methods)

    def set_serving(self, is_serving: bool) -> None:
        """Tell those who check and those who watch."""
        self.is_serving = is_serving
        self._changed.set()
        self._changed = asyncio.Event()

    async def _check(self, _: object, context: Context) -> None:
        """The status now."""
        name = await self._name(context)
        if name not in self._names:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        await context.write(self._response())

    async def _watch(self, _: object, context: Context) -> None:
        """The status now, and again whenever it is another, until the caller leaves.

        Who may not watch is told UNIMPLEMENTED, after which clients call without: they lose the news, and not the service.
        """
        name, peer = await self._name(context), context.peer()
        if not self._has_room(peer):
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, TOO_MANY)
        holding = self._budget.open()
        self._watches[peer] += 1
        try:
            holding.hold(WATCH_BYTES)
            await self._tell(name in self._names, context)
        except OutOfMemory as refused:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(refused))
        except grpc.aio.InternalError as broken:  # a write to a caller who is gone, noticed before the cancel itself
            raise asyncio.CancelledError from broken
        finally:
            holding.close()
            self._watches[peer] -= 1
            if not self._watches[peer]:
                del self._watches[peer]

    def _has_room(self, peer: str) -> bool:
        """One connection has fewer than are left for all others (dynamic thresholds: Choudhury and Hahne 1998)."""
        return self._watches[peer] < self._most - self._watches.total()

    async def _tell(self, is_known: bool, context: Context) -> None:
        told: Any = None
        while True:
            changed = self._changed
            response = self._response() if is_known else self._unknown
            if response != told:
                await context.write(response)
            told = response
            await changed.wait()

    def _response(self) -> Any:
        response = HEALTH.HealthCheckResponse
        return response(status=response.SERVING if self.is_serving else response.NOT_SERVING)

    async def _name(self, context: Context) -> str:
        """The service that is asked for; NO_NAME for none that there could be."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        if len(self._silent) >= MOST_SILENT:
            oldest = next(iter(self._silent))
            del self._silent[oldest]
            oldest.cancel()
        self._silent[task] = None
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                data = cast("object", await context.read())
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"no request within {SILENT_SECONDS:g} s")
        except asyncio.CancelledError:
            if task in self._silent:  # its caller has left
                raise
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "others ask, and no request has come")
        finally:
            self._silent.pop(task, None)
        if not isinstance(data, bytes) or len(data) > LONGEST_REQUEST:
            return NO_NAME
        try:
            return str(HEALTH.HealthCheckRequest.FromString(data).service)
        except DecodeError:
            return NO_NAME
