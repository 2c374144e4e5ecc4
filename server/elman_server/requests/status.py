"""What ListModels answers to whoever asks how the server is doing."""

from collections.abc import Iterable

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


def joined(own: pb.ServerStatus, others: Iterable[pb.ServerStatus]) -> pb.ServerStatus:
    """The status of several processes as that of one."""
    for other in others:
        own.calls += other.calls
        own.held_bytes += other.held_bytes
        own.most_bytes += other.most_bytes
        own.up_seconds = max(own.up_seconds, other.up_seconds)
        own.is_draining |= other.is_draining
        for theirs in other.models:
            ours = next((each for each in own.models if each.model == theirs.model), None)
            add(ours or own.models.add(model=theirs.model, is_replaced=theirs.is_replaced), theirs)
    return own


def add(ours: pb.ModelStatus, theirs: pb.ModelStatus) -> None:
    """Count what a model does in another process, too."""
    ours.execution = ours.execution or theirs.execution
    ours.is_kept |= theirs.is_kept
    ours.is_replaced &= theirs.is_replaced
    ours.rows += theirs.rows
    ours.busy_rows += theirs.busy_rows
    ours.waiting += theirs.waiting
    ours.oldest_seconds = max(ours.oldest_seconds, theirs.oldest_seconds)
