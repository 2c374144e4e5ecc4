"""From bytes to methods and back: which method answers which name, and what is answered to bytes that are no legal message.

Every method reads its requests itself, so that their size is known to the budget before they are decoded; to a caller it is as
if those with one request and one response were declared so.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, TypeVar, cast
from weakref import WeakValueDictionary

import grpc
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Amount, InvalidField
from elman_server.errors import Shortage
from elman_server.rpc.call import CALL_BYTES, METHODS, SERVICE, CallRecord, Calls, Context
from elman_server.rpc.service import CompletionService
from elman_server.rpc.shape import check_shape

Behaviour: TypeAlias = Callable[[Any, Context, CallRecord], Awaitable[None]]
Request = TypeVar("Request", bound=Message)

DECODED: Final = 6
"""What a request takes while it is decoded and checked, over its bytes."""
CANCELLED_SECONDS: Final = 0.005
"""How long after the end of its requests gRPC may take to cancel a call that it has ended."""
NO_MEMORY: Final = "alloc failed"
"""What protobuf says where it is not the bytes that are at fault."""
TAKES_TIME: Final = (pb.CompleteRequest, pb.ScoreRequest)
"""What asks for work of the engine."""
READING: Final = 16
"""Requests of a connection that are received at a time, apart from those of streams: as many of the largest may be on the
way."""
PLACE_SECONDS: Final = 0.1
"""How long a request that does not come keeps another from being received: a proxy's connection is that of many callers."""


def add_methods(service: CompletionService, calls: Calls, server: grpc.aio.Server) -> Mapping[str, Any]:
    """Answer calls on a server; after all others that are added, for it counts calls of what there is not.

    Each method is registered: gRPC then takes its calls beside those of others, so that a flood of one holds up no other.
    Returns them by their paths.
    """
    methods = handlers(service, calls)
    registering = cast("Any", server)
    registering.add_registered_method_handlers(SERVICE.full_name, {METHODS[path]: each for path, each in methods.items()})
    server.add_generic_rpc_handlers((Methods(methods, calls),))
    return methods


def handlers(service: CompletionService, calls: Calls) -> dict[str, Any]:
    """The methods by their paths."""
    places = Places()
    streaming: Any = grpc.stream_stream_rpc_method_handler

    async def receive(kind: type[Request], context: Context, call: CallRecord) -> Request:
        if kind in TAKES_TIME:
            service.check_arrival(context, call)  # before the request is read
        async with places.one_of(call.peer):
            call.reading(True)
            data = await read(context)
            call.reading(False)
        return decode(kind, data, call)

    def one(kind: type[Message], response: type[Message], behaviour: Behaviour, method: str) -> Any:
        async def behave(_: object, context: Context) -> None:
            async with calls.answering(method, context) as call:
                call.begin(context)
                await behaviour(await receive(kind, context, call), context, call)
            await call.refuse_if_failed(context)

        return streaming(behave, None, response.SerializeToString)

    async def follow(_: object, context: Context) -> None:
        async with calls.answering("Follow", context) as call:
            call.begin(context)

            async def read_one() -> pb.FollowRequest | None:
                data = await read(context)
                call.check_grant()
                return None if data is None else decode(pb.FollowRequest, data, call)

            await service.follow(read_one, context, call)
        await call.refuse_if_failed(context)

    answers: dict[str, Any] = {
        "Follow": streaming(follow, None, pb.FollowResponse.SerializeToString),
        "Complete": one(pb.CompleteRequest, pb.CompleteResponse, service.complete, "Complete"),
        "Score": one(pb.ScoreRequest, pb.ScoreResponse, service.score, "Score"),
        "ListModels": one(pb.ListModelsRequest, pb.ListModelsResponse, service.list_models, "ListModels"),
    }
    return {path: answers[name] for path, name in METHODS.items()}


class Methods(grpc.GenericRpcHandler):
    """The methods by their paths; asked last, it counts calls of what there is not."""

    def __init__(self, methods: Mapping[str, Any], calls: Calls) -> None:
        self._methods, self._calls = methods, calls

    def service(self, handler_call_details: Any) -> Any:
        """What answers a call; None: nothing does, and the library says UNIMPLEMENTED."""
        handler = self._methods.get(handler_call_details.method)
        if handler is None:
            self._calls.note_unknown()
        return handler


class Places:
    """Of those whose requests are received, connection by connection."""

    def __init__(self) -> None:
        self._connections = WeakValueDictionary[str, asyncio.Semaphore]()

    @asynccontextmanager
    async def one_of(self, peer: str) -> AsyncGenerator[None]:
        """Wait for a place and keep it, but not for long: who sends slowly goes on beside the others."""
        places = self._connections.get(peer)
        if places is None:
            places = self._connections[peer] = asyncio.Semaphore(READING)
        await places.acquire()
        loop = asyncio.get_running_loop()
        giving_up = loop.call_later(PLACE_SECONDS, places.release)
        try:
            yield
        finally:
            if giving_up.when() > loop.time():
                giving_up.cancel()
                places.release()


async def read(context: Context) -> bytes | None:
    """The bytes of the next request; None at the end of the stream.

    gRPC tells of the end of requests also where it ends the call, because a message is too large, say; and then cancels it.
    """
    data = cast("object", await context.read())
    if isinstance(data, bytes):
        return data
    await asyncio.sleep(CANCELLED_SECONDS)
    return None


def decode(kind: type[Request], data: bytes | None, call: CallRecord) -> Request:
    """The request, if there is memory for it. Raises Refused."""
    if data is None:
        raise InvalidField("request", Amount("absent"), f"one {kind.DESCRIPTOR.name}")
    call.holding.hold(max(call.holding.size, CALL_BYTES) + DECODED * len(data))
    try:
        check_shape(cast("Descriptor", kind.DESCRIPTOR), data)
        return kind.FromString(data)
    except DecodeError as error:
        if NO_MEMORY in str(error):
            raise Shortage from None
        allowed = f"{kind.DESCRIPTOR.name} that decodes, with every text in UTF-8"
        raise InvalidField("request", Amount(f"{len(data)} bytes"), allowed) from None
