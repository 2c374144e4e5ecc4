"""Every metric of the server. Labels hold configured names only; units are seconds, bytes and counts.

Every series whose labels are known is there from the start, at 0: the first increase of one that appears late goes unseen.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Refused
from elman_server.engine.budget import Budget
from elman_server.engine.engine import ModelStatistics, Statistics
from elman_server.engine.job import Job
from elman_server.errors import Busy
from elman_server.telemetry.tally import Counts, Tally, TallyCollector, Times

BUCKETS: Final = (
    *(0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01),
    *(0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0),
)
METHODS: Final = tuple(pb.DESCRIPTOR.services_by_name["CompletionService"].methods_by_name)
OUTCOMES: Final = (
    *("OK", "CANCELLED", "DEADLINE_EXCEEDED", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"),
    *("RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNAUTHENTICATED", "INTERNAL"),
)
SUGGESTIONS: Final = ("accepted", "dismissed", "ignored", "superseded", "empty")


class ServedModel(NamedTuple):
    """What is told of a model that is served, or was until another took its place."""

    name: str
    digest: str
    execution: str
    is_kept: bool = False  # its file holds something else, which is not taken
    is_replaced: bool = False


class CallsNow(NamedTuple):
    """The calls that are running."""

    methods: Mapping[str, int]
    connections: int  # that have any
    unread: int  # whose callers do not read what is written


class Sources(NamedTuple):
    """Where the metrics find what they show when somebody scrapes."""

    version: str
    up_seconds: Callable[[], float]
    models: Callable[[], Sequence[ServedModel]]
    statistics: Callable[[], Statistics]
    calls: Callable[[], CallsNow]
    budget: Budget
    is_draining: Callable[[], bool]
    dropped_lines: Callable[[], int]


class Metrics:
    """What calls did, beside what the engine itself counts. `models` are the names that are served."""

    def __init__(self, models: Sequence[str] = ()) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, processor time, and open files, of which each connection is one
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        tallies: list[Tally] = []

        def counter(name: str, text: str, **labels: Iterable[str]) -> Counts:
            tallies.append(counts := Counts(f"elman_{name}", text, tuple(labels), product(*labels.values())))
            return counts

        def histogram(name: str, text: str, **labels: Iterable[str]) -> Times:
            tallies.append(times := Times(f"elman_{name}", text, tuple(labels), BUCKETS, product(*labels.values())))
            return times

        self.requests = counter(
            "requests_total", "Calls by how they ended.", method=METHODS, model=("", *models), outcome=OUTCOMES
        )
        self.requests.add(0, "unknown", "", "UNIMPLEMENTED")
        self.refusals = counter("refusals_total", "Refusals by their reason.", reason=map(reason_of, below(Refused)))
        self.request_seconds = histogram("request_seconds", "The time from a call's arrival to its end.", method=METHODS)
        self.first_character = histogram("time_to_first_character_seconds", "The time from a call's arrival to its first text.")
        self.inter_character = histogram("inter_character_seconds", "The time between pieces of text over the characters sent.")
        self.queue_seconds = histogram("queue_seconds", "The time that a text waited for a row.")
        self.abandoned_seconds = histogram(
            "queue_abandoned_seconds",
            "The time that a text waited which never got a row.",
            reason=("cancelled", "expired"),
        )
        self.tick_seconds = histogram("tick_seconds", "The time that a tick took: the rows of one model moving together.")
        self.loop_lag = histogram("loop_lag_seconds", "How late the event loop was, looked at four times a second.")
        self.prefix_characters = counter(
            "prefix_characters_total", "Characters of prefix, sent or spared by a state.", source=("sent", "spared")
        )
        self.suggestions = counter(
            "suggestions_total",
            "Revisions of followed documents by what became of their suggestions.",
            outcome=SUGGESTIONS,
        )
        self.generated_characters = counter("generated_characters_total", "Characters sent as completions.")
        self.registry.register(TallyCollector(tallies))

    def note_abandoned(self, job: Job) -> None:
        """Count a text that left the queue without a row."""
        self.abandoned_seconds.observe(job.timing.queue_seconds, "expired" if job.has_run_out else "cancelled")

    def show(self, sources: Sources) -> None:
        """Show what these say, too."""
        self.registry.register(SourcesCollector(sources))


class SourcesCollector(Collector):
    """What is so at the moment, read when somebody scrapes."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""
        models = self._sources.models()
        yield from engine_metrics(self._sources.statistics(), models)
        yield from call_metrics(self._sources.calls(), self._sources.budget)
        yield gauge("draining", "1 from the signal to leave on.", int(self._sources.is_draining()))
        yield CounterMetricFamily(
            "elman_log_lines_dropped", "Lines of the log that nobody read in time.", value=self._sources.dropped_lines()
        )
        yield gauge("workers", "Processes that serve at this port.", 1)
        yield CounterMetricFamily("elman_workers_replaced", "Workers that ended before all were to leave.", value=0)
        yield gauges("build_info", "The version that runs.", ["version"], {(self._sources.version,): 1})
        yield from model_metrics(models)


def model_metrics(models: Sequence[ServedModel]) -> Iterator[Metric]:
    """What is served. There is one series for each name, so that others can be joined to it."""
    served = [model for model in models if not model.is_replaced]
    infos = {(model.name, model.digest, model.execution): 1 for model in served}
    yield gauges("model_info", "The models that are served, and what runs each.", ["model", "digest", "execution"], infos)
    kept = {(model.name,): int(model.is_kept) for model in served}
    yield gauges("model_kept", "1 while a model is served though its file holds another, or none.", ["model"], kept)
    yield gauge("models_replaced", "Models that were replaced and still answer.", len(models) - len(served))


def engine_metrics(now: Statistics, models: Sequence[ServedModel]) -> Iterator[Metric]:
    """What the engine is doing and has done. Models of one digest share rows, and go by the first of their names.

    What a name stood for before it was replaced counts for it as well.
    """
    names = {model.digest: model.name for model in reversed(models)}
    each: dict[str, list[ModelStatistics]] = {}
    for digest, statistics in now.models.items():
        each.setdefault(names[digest], []).append(statistics)
    busy = {(name, "busy"): sum(one.busy_rows for one in all_) for name, all_ in each.items()}
    free = {(name, "free"): sum(one.rows - one.busy_rows for one in all_) for name, all_ in each.items()}
    yield gauges("rows", "Rows by what they do.", ["model", "state"], busy | free)
    waiting = {(name,): sum(one.waiting for one in all_) for name, all_ in each.items()}
    yield gauges("queue_length", "Texts that wait for a row.", ["model"], waiting)
    oldest = {(name,): max(one.oldest_seconds for one in all_) for name, all_ in each.items()}
    yield gauges("queue_oldest_seconds", "How long a text has waited for its first row.", ["model"], oldest)
    yield gauge("paused_texts", "Texts that left their rows because their readers are slow.", now.paused)
    yield gauge("callers", "Connections that have texts in the engine.", now.callers)
    yield CounterMetricFamily("elman_steps", "Steps of the network, each over a batch of rows.", value=now.steps)
    yield CounterMetricFamily("elman_row_steps", "Steps of single rows.", value=now.row_steps)


def call_metrics(now: CallsNow, budget: Budget) -> Iterator[Metric]:
    """What callers have running, and what is held for them."""
    yield gauges("calls", "Calls that are running.", ["method"], {(method,): now.methods.get(method, 0) for method in METHODS})
    yield gauge("connections", "Connections that have a call running.", now.connections)
    yield gauge("unread_calls", "Calls whose callers do not read what is written.", now.unread)
    held = {("held",): budget.held, ("free",): budget.most - budget.held}
    yield gauges("memory_bytes", "Memory for calls: held, and free.", ["state"], held)


def gauge(name: str, text: str, value: float) -> Metric:
    """One value."""
    return GaugeMetricFamily(f"elman_{name}", text, value=value)


def gauges(name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]) -> Metric:
    """A value for each combination of label values."""
    family = GaugeMetricFamily(f"elman_{name}", text, labels=labels)
    for given, value in values.items():
        family.add_metric(given, value)
    return family


@cache
def reason_of(kind: type[Refused]) -> str:
    """The name of an error's class as the value of a label: `QueueFull` is `queue_full`."""
    return re.sub(r"\B([A-Z])", r"_\1", kind.__name__).lower()


def below(kind: type[Refused]) -> Iterator[type[Refused]]:
    """The classes below one, but for that which is raised by none of its own."""
    for each in kind.__subclasses__():
        if each is not Busy:
            yield each
        yield from below(each)
