"""Takes calls from gRPC's core beside grpc.aio, and gives each to it. Knows no method but by its name.

core     a b c d e f                    grpc.aio alone takes one of a method, and asks for the next about six turns of the
loop     a . . . . . b . . . . . c      event loop later: under a flood, who is to be refused waits for that, and not for us
with     a b . . . . c d . . . . e f    a loop that has no time.

This needs what grpc.aio keeps to itself (grpcio 1.85). Where that is not as it was, grpc.aio takes its calls alone.
"""

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import grpc
from grpc._cython import cygrpc  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] # has no types

CORE: Final = cast("Any", cygrpc)
AT_A_TIME: Final = 1
"""Calls of a method that are asked for at a time, beside the one of grpc.aio. With four who is refused hears of it as soon,
and who is served is so a tenth less often at three times the load."""
KNOWN: Final = {
    "_handle_rpc": ["method_name", "method_resolver", "interceptors", "rpc_state", "loop", "concurrency_exceeded"],
    "_schedule_rpc_coro": ["rpc_coro", "rpc_state", "loop", "method_name"],
}
"""The functions that a call is given to, and their parameters."""


def is_possible() -> bool:
    """Whether grpc.aio is as it is known here."""
    names = ("_MethodResolver", "_RequestCallError")
    if not all(hasattr(CORE, name) for name in names) or not hasattr(CORE.AioServer, "_request_registered_call"):
        return False
    return all(hasattr(CORE, name) and list(inspect.signature(getattr(CORE, name)).parameters) == KNOWN[name] for name in KNOWN)


class Taking:
    """Takes calls of registered methods, by their paths, from a server that was started, until it is stopped."""

    def __init__(self, server: grpc.aio.Server, methods: Mapping[str, Any], interceptors: Sequence[grpc.aio.ServerInterceptor]):
        self._server: Any = cast("Any", server)._server
        self._interceptors = tuple(interceptors)
        self._resolver = CORE._MethodResolver([], dict(methods))
        self._loop = asyncio.get_running_loop()
        self._tasks = {self._loop.create_task(self._take(path)) for path in methods for _ in range(AT_A_TIME)}

    async def _take(self, path: str) -> None:
        name = path.encode()
        while self._server.is_running():
            try:
                state = await self._server._request_registered_call(name)
            except CORE._RequestCallError:  # the server is being stopped
                return
            self._give(path, state)

    def _give(self, path: str, state: Any) -> None:
        """As grpc.aio's own loop does: what answers the call begins once something listens whether its caller leaves."""
        answering = CORE._handle_rpc(path, self._resolver, self._interceptors, state, self._loop, False)
        task = self._loop.create_task(CORE._schedule_rpc_coro(answering, state, self._loop, path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
