"""What ListModels answers to whoever asks how the server is doing."""

from elman.v1 import completion_service_pb2 as pb
from elman_server.telemetry.metrics import Sources


def status_of(sources: Sources) -> pb.ServerStatus:
    """The status of the moment."""
    engine = sources.statistics().models
    return pb.ServerStatus(
        version=sources.version,
        up_seconds=sources.up_seconds(),
        is_draining=sources.is_draining(),
        calls=sum(sources.calls().methods.values()),
        held_bytes=sources.budget.held,
        most_bytes=sources.budget.most,
        models=[
            pb.ModelStatus(
                model=pb.Model(name=model.name, digest=model.digest),
                execution=model.execution,
                is_kept=model.is_kept,
                is_replaced=model.is_replaced,
                **engine[model.digest]._asdict(),
            )
            for model in sources.models()
        ],
    )
