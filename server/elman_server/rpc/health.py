"""The health service of gRPC, whose package ships without types: it is named only here.

The package's own servicer writes while it holds a lock: one watcher who does not read would keep the news from all others, and
from the drain. Here each waits for its own reader alone, and there are no more than is said.
"""

import asyncio
from collections import Counter
from typing import Any, Final, cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from elman_server.engine.budget import Budget
from elman_server.errors import OutOfMemory
from elman_server.rpc.call import Context

WATCH_BYTES: Final = 24 << 10
"""About what a watch holds: its task and its stream."""
TOO_MANY: Final = "watches: as many as there may be of one connection, or of all"
HEALTH: Final = cast("Any", health_pb2)
BASE: Final = cast("Any", health_pb2_grpc).HealthServicer


class Health:
    """Whether the server and its one service are SERVING, under the names "" and the service's own."""

    def __init__(self, service: str, budget: Budget, most: int) -> None:
        """Of at most so many watches."""
        self._names = ("", service)
        self._budget, self._most = budget, most
        self._watches = Counter[str]()
        self._changed = asyncio.Event()
        self.is_serving = False

    def add_to(self, server: grpc.aio.Server) -> None:
        """Answer health checks on the server."""
        cast("Any", health_pb2_grpc).add_HealthServicer_to_server(Servicer(self), server)

    def set_serving(self, is_serving: bool) -> None:
        """Tell those who check and those who watch."""
        self.is_serving = is_serving
        self._changed.set()
        self._changed = asyncio.Event()

    def status_of(self, service: str) -> int | None:
        """The status of a name; None if there is no such name."""
        statuses = HEALTH.HealthCheckResponse
        if service not in self._names:
            return None
        return statuses.SERVING if self.is_serving else statuses.NOT_SERVING

    async def watch(self, service: str, context: Context) -> None:
        """Write the status, and again whenever it is another, until the caller leaves."""
        holding, peer = self._budget.open(), context.peer()
        if not self._has_room(peer):
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY)
        self._watches[peer] += 1
        try:
            holding.hold(WATCH_BYTES)
            await self._tell(service, context)
        except OutOfMemory as refused:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(refused))
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

    async def _tell(self, service: str, context: Context) -> None:
        told: int | None = None
        while True:
            changed, status = self._changed, self.status_of(service)
            status = HEALTH.HealthCheckResponse.SERVICE_UNKNOWN if status is None else status
            if status != told:
                await context.write(HEALTH.HealthCheckResponse(status=status))
            told = status
            await changed.wait()


class Servicer(BASE):
    """The service's methods, under the names that its package gives them."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def Check(self, request: Any, context: Context) -> Any:  # noqa: N802
        """The status now."""
        status = self._health.status_of(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        return HEALTH.HealthCheckResponse(status=status)

    async def Watch(self, request: Any, context: Context) -> None:  # noqa: N802
        """The status now, and whenever it changes."""
        await self._health.watch(request.service, context)
