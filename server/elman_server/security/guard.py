"""Before a call is anything else: whether it bears a token that is taken. Knows no method but those that need none."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final

import grpc

from elman_server.errors import RANDOM
from elman_server.security.tokens import Grant, Tokens

OPEN: Final = ("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch")
"""What needs no token: clients and balancers ask it on their own, with none."""
REFUSAL: Final = "no token, or one that is not taken"
"""The same for both."""
REFUSAL_SECONDS: Final = 0.1
"""How long who is refused waits for it, give or take a half: whoever asks again and again costs others little, and those who
came together do not come back together."""
MOST_WAITING: Final = 1024
"""More are refused at once: those who wait take memory."""

GRANT: Final[ContextVar[Grant | None]] = ContextVar("grant", default=None)
"""Of the call that runs in this context; None where no tokens are asked for."""


class Guard(grpc.aio.ServerInterceptor):
    """Lets calls with a token through, and refuses all others before anything of a request is read."""

    def __init__(self, tokens: Tokens, note_refused: Callable[[str], None]) -> None:
        """`note_refused` is told the method of each call that is refused, as it was asked for."""
        self._tokens, self._note_refused = tokens, note_refused
        self._waiting = 0
        streaming: Any = grpc.stream_stream_rpc_method_handler
        self._refusing = streaming(self._refuse)

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        """What answers a call."""
        method = handler_call_details.method
        if method not in OPEN:
            grant = self._tokens.grant_of(bearer(handler_call_details.invocation_metadata))
            if grant is None:
                self._note_refused(method)
                return self._refusing
            GRANT.set(grant)
        return await continuation(handler_call_details)

    async def _refuse(self, _: object, context: Any) -> None:
        """End a call that bears no token that is taken."""
        if self._waiting < MOST_WAITING:
            self._waiting += 1
            try:
                await asyncio.sleep(RANDOM.uniform(0.5, 1.5) * REFUSAL_SECONDS)
            finally:
                self._waiting -= 1
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, REFUSAL)


def bearer(metadata: Sequence[tuple[str, str | bytes]] | None) -> str:
    """The token that a call bears: of several, the first; "" for none."""
    value = next((str(value) for key, value in metadata or () if key == "authorization"), "")
    scheme, _, token = value.partition(" ")
    return token if scheme.lower() == "bearer" else ""
