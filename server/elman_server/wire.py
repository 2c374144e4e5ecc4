"""From bytes to methods and back: which method answers which name, and what bytes that are no message get."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Amount, InvalidField
from elman_server.call import Context, answering
from elman_server.metrics import Metrics
from elman_server.service import CompletionService

SERVICE = pb.DESCRIPTOR.services_by_name["CompletionService"].full_name
Behaviour: TypeAlias = Callable[[Any, Context], Awaitable[Any]]


def handlers(service: CompletionService, metrics: Metrics) -> grpc.GenericRpcHandler:
    """The methods by name. They decode for themselves: the library would answer UNKNOWN to bytes that do not decode."""
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    complete = decoding(pb.CompleteRequest, service.complete, "Complete", metrics)
    score = decoding(pb.ScoreRequest, service.score, "Score", metrics)
    list_models = decoding(pb.ListModelsRequest, service.list_models, "ListModels", metrics)
    methods = {
        "Complete": stream(*complete, pb.CompleteResponse.SerializeToString),
        "Score": unary(*score, pb.ScoreResponse.SerializeToString),
        "ListModels": unary(*list_models, pb.ListModelsResponse.SerializeToString),
    }
    return grpc.method_handlers_generic_handler(SERVICE, methods)


class Undecodable(NamedTuple):
    """Bytes that are no message; all that is remembered of them is how many."""

    size: int


def decoding(kind: type[Message], behaviour: Behaviour, method: str, metrics: Metrics) -> tuple[Any, Any]:
    """The behaviour, which refuses bytes that are no message of the kind, and the decoder for it."""

    def decode(data: bytes) -> Message | Undecodable:
        try:
            return kind.FromString(data)
        except DecodeError:
            return Undecodable(len(data))

    async def behave(request: Message | Undecodable, context: Context) -> object:
        if isinstance(request, Undecodable):
            allowed = f"{kind.DESCRIPTOR.name} that decodes, with every text in UTF-8"
            async with answering(method, context, metrics):
                raise InvalidField("request", Amount(f"{request.size} bytes"), allowed)
        return await behaviour(request, context)

    return behave, decode
