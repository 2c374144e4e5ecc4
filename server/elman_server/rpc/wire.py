"""From bytes to methods and back: which method answers which name, and what is answered to bytes that are not a message."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Amount, InvalidField
from elman_server.rpc.call import Context, answering
from elman_server.rpc.service import CompletionService
from elman_server.telemetry.metrics import Metrics

SERVICE = pb.DESCRIPTOR.services_by_name["CompletionService"].full_name
Behaviour: TypeAlias = Callable[[Any, Context], Awaitable[Any]]


def handlers(service: CompletionService, metrics: Metrics) -> grpc.GenericRpcHandler:
    """The methods by name. They decode for themselves: the library would answer UNKNOWN to bytes that do not decode."""
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    complete = decoding(pb.CompleteRequest, service.complete, "Complete", metrics)
    score = decoding(pb.ScoreRequest, service.score, "Score", metrics)
    list_models = decoding(pb.ListModelsRequest, service.list_models, "ListModels", metrics)
    methods = {
        "Follow": grpc.stream_stream_rpc_method_handler(
            follow_behaviour(service), decoder(pb.FollowRequest), pb.FollowResponse.SerializeToString
        ),
        "Complete": stream(*complete, pb.CompleteResponse.SerializeToString),
        "Score": unary(*score, pb.ScoreResponse.SerializeToString),
        "ListModels": unary(*list_models, pb.ListModelsResponse.SerializeToString),
    }
    return grpc.method_handlers_generic_handler(SERVICE, methods)


class Undecodable(NamedTuple):
    """Bytes that are not a message; only their number is remembered."""

    size: int


def decoding(kind: type[Message], behaviour: Behaviour, method: str, metrics: Metrics) -> tuple[Any, Any]:
    """The behaviour, which refuses bytes that are not a message of the kind, and the decoder for it."""

    async def behave(request: Message | Undecodable, context: Context) -> object:
        if isinstance(request, Undecodable):
            async with answering(method, context, metrics):
                raise undecodable(request, kind)
        return await behaviour(request, context)

    return behave, decoder(kind)


def follow_behaviour(service: CompletionService) -> Behaviour:
    """The behaviour of Follow, which decodes its requests as it takes them."""

    async def behave(_: object, context: Context) -> None:
        async def read() -> pb.FollowRequest | None:
            request = await context.read()
            if isinstance(request, Undecodable):
                raise undecodable(request, pb.FollowRequest)
            return request if isinstance(request, pb.FollowRequest) else None  # anything else is the end of the stream

        await service.follow(read, context)

    return behave


def decoder(kind: type[Message]) -> Callable[[bytes], Message | Undecodable]:
    """Decodes messages of the kind."""

    def decode(data: bytes) -> Message | Undecodable:
        try:
            return kind.FromString(data)
        except DecodeError:
            return Undecodable(len(data))

    return decode


def undecodable(request: Undecodable, kind: type[Message]) -> InvalidField:
    """The error that says what bytes that are not a message should have been."""
    allowed = f"{kind.DESCRIPTOR.name} that decodes, with every text in UTF-8"
    return InvalidField("request", Amount(f"{request.size} bytes"), allowed)
