"""Takes calls from gRPC's core beside grpc.aio, and gives each to it. Knows no method but by its name.

core     a b c d e f                    grpc.aio alone takes one of a method, and asks for the next about six turns of the
loop     a . . . . . b . . . . . c      event loop later: under a flood, who is to be refused waits for that, and not for us
with     a b . . . . c d . . . . e f    a loop that has no time.

Of methods that are not registered, which are those that there are not, it takes all: grpc.aio would end for good at the first
whose path is not UTF-8. This needs what grpc.aio keeps to itself (grpcio 1.85). Where that is not as it was, grpc.aio takes its
calls alone.
"""

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import grpc
import grpc.aio._server as grpc_aio
from grpc._cython import cygrpc  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType] # has no types

Interceptors: TypeAlias = Sequence[grpc.aio.ServerInterceptor]
Options: TypeAlias = Sequence[tuple[str, int]]

CORE: Final = cast("Any", cygrpc)
AT_A_TIME: Final = 1
"""Calls of a method that are asked for at a time, beside the one of grpc.aio. With four who is refused hears of it as soon,
and who is served is so a tenth less often at three times the load."""
KNOWN: Final = {
    "_handle_rpc": ["method_name", "method_resolver", "interceptors", "rpc_state", "loop", "concurrency_exceeded"],
    "_schedule_rpc_coro": ["rpc_coro", "rpc_state", "loop", "method_name"],
}
"""The functions that a call is given to, and their parameters."""
OWN: Final = ("_make_request_call_future", "_request_call", "_request_registered_call", "add_generic_rpc_handlers")
"""What grpc.aio's own loop asks for calls with."""
UNKNOWN: Final = "/"
"""The path of what is not there: that which was asked for is not looked at."""


def is_possible() -> bool:
    """Whether grpc.aio is as it is known here."""
    names = ("_MethodResolver", "_RequestCallError", "AioServer", "get_working_loop")
    if not all(hasattr(CORE, name) for name in names) or not all(hasattr(CORE.AioServer, name) for name in OWN):
        return False
    return all(hasattr(CORE, name) and list(inspect.signature(getattr(CORE, name)).parameters) == KNOWN[name] for name in KNOWN)


def open_server(interceptors: Interceptors, options: Options) -> grpc.aio.Server:
    """As `grpc.aio.server`, but a call of what there is not ends by itself, whatever its path is."""
    opens: Any = careful_server if is_possible() else grpc.aio.server
    return opens(interceptors=interceptors, options=options)


def careful_server(interceptors: Interceptors, options: Options) -> grpc.aio.Server:
    """A server whose calls of unknown methods are taken here."""

    class Core(CORE.AioServer):
        """Gives grpc.aio's own loop no call of an unknown method."""

        unknown: tuple[grpc.GenericRpcHandler, ...] = ()

        def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
            theirs: Any = super()
            theirs.add_generic_rpc_handlers(handlers)
            self.unknown += tuple(handlers)

        def _make_request_call_future(self, path: str | None) -> Any:
            theirs: Any = super()
            if path is not None:
                return theirs._make_request_call_future(path)
            giving = Giving(CORE._MethodResolver(list(self.unknown), {}), interceptors)
            return asyncio.get_running_loop().create_task(take_unknown(self, giving))

    class Server(grpc_aio.Server):
        """grpc.aio's, with that core."""

        def __init__(self) -> None:
            self._loop = CORE.get_working_loop()
            self._server = Core(self._loop, None, (), tuple(interceptors), tuple(options), None)

    return cast("grpc.aio.Server", Server())


class TakesNoCalls(Exception):
    """grpc.aio has ended by itself, and its port is closed."""


def is_taking(server: grpc.aio.Server) -> bool:
    """Whether a server that was started still takes calls, as far as it says."""
    is_running = getattr(getattr(server, "_server", None), "is_running", None)
    return is_running is None or bool(is_running())


async def take_unknown(core: Any, giving: "Giving") -> None:
    """Take calls of methods that are not registered, until the server is stopped, which ends this by an error."""
    while True:
        state = await core._request_call()
        giving.give(UNKNOWN, state)


class Giving:
    """Gives calls to what answers them, as grpc.aio's own loop does."""

    def __init__(self, resolver: Any, interceptors: Interceptors) -> None:
        self._resolver, self._interceptors = resolver, tuple(interceptors)
        self._loop = asyncio.get_running_loop()
        self._tasks = set[asyncio.Task[None]]()

    def give(self, path: str, state: Any) -> None:
        """What answers the call begins once something listens whether its caller leaves."""
        answering = CORE._handle_rpc(path, self._resolver, self._interceptors, state, self._loop, False)
        task = self._loop.create_task(CORE._schedule_rpc_coro(answering, state, self._loop, path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Taking:
    """Takes calls of registered methods, by their paths, from a server that was started, until it is stopped."""

    def __init__(self, server: grpc.aio.Server, methods: Mapping[str, Any], interceptors: Interceptors):
        self._server: Any = cast("Any", server)._server
        self._giving = Giving(CORE._MethodResolver([], dict(methods)), interceptors)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._take(path)) for path in methods for _ in range(AT_A_TIME)]

    async def _take(self, path: str) -> None:
        name = path.encode()
        while self._server.is_running():
            try:
                state = await self._server._request_registered_call(name)
            except CORE._RequestCallError:  # the server is being stopped
                return
            self._giving.give(path, state)
