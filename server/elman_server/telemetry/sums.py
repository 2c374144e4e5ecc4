"""The metrics of several processes as those of one: counts and times add up, also those of processes that have ended.

What a process has told last is kept, so a count never falls.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

Sample: TypeAlias = tuple[str, Mapping[str, str], float]
"""Name, labels and value."""
Family: TypeAlias = tuple[str, str, str, Sequence[Sample]]
"""Name, help, type and samples."""
Families: TypeAlias = Sequence[Family]

LASTING: Final = ("counter", "histogram")
"""What has happened remains so; what is at a moment ends with its process."""
LARGEST: Final = ("elman_draining", "elman_model_kept", "elman_models_replaced", "elman_queue_oldest_seconds")
"""What is no number of things of which each process has its own."""
SMALLEST: Final = ("process_start_time_seconds",)


def families_of(registry: CollectorRegistry) -> Families:
    """All metrics of this process, as they stand."""
    return [
        (one.name, one.documentation, one.type, [(each.name, each.labels, each.value) for each in one.samples])
        for one in registry.collect()
    ]


class Sums:
    """The sums of those who run, and of those who have ended."""

    def __init__(self) -> None:
        self._ended: dict[str, Sum] = {}

    def retire(self, families: Families) -> None:
        """Keep what a process has counted that has ended."""
        add(self._ended, (family for family in families if family[2] in LASTING))

    def with_running(self, running: Iterable[Families]) -> Iterator[Metric]:
        """The sums of all."""
        sums: dict[str, Sum] = {}
        add(sums, (one.family for one in self._ended.values()))
        for families in running:
            add(sums, families)
        return (one.metric for one in sums.values())


def add(sums: "dict[str, Sum]", families: Iterable[Family]) -> None:
    """Add to the sums, by name."""
    for name, text, kind, samples in families:
        if name not in sums:
            sums[name] = Sum(name, text, kind)
        sums[name].add(samples)


class Sum:
    """One metric, over processes."""

    def __init__(self, name: str, text: str, kind: str) -> None:
        self._name, self._text, self._kind = name, text, kind
        is_largest = name in LARGEST or name.endswith("_info")
        self._join = max if is_largest else min if name in SMALLEST else plus
        self._values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def add(self, samples: Sequence[Sample]) -> None:
        """Those of one more process."""
        for name, labels, value in samples:
            key = (name, tuple(labels.items()))
            self._values[key] = self._join(self._values[key], value) if key in self._values else value

    @property
    def family(self) -> Family:
        """The sums, as a process would tell them."""
        samples = [(name, dict(labels), value) for (name, labels), value in self._values.items()]
        return self._name, self._text, self._kind, samples

    @property
    def metric(self) -> Metric:
        """The sums, as Prometheus's own library has them."""
        made = Metric(self._name, self._text, self._kind)
        for name, labels, value in self.family[3]:
            made.add_sample(name, dict(labels), value)
        return made


def plus(one: float, other: float) -> float:
    """The sum."""
    return one + other


class SumsCollector(Collector):
    """The sums, when somebody scrapes."""

    def __init__(self, sums: Callable[[], Iterator[Metric]]) -> None:
        self._sums = sums

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""
        return self._sums()
