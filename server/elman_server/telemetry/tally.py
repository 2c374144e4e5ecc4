"""Counts and times as plain numbers, which become Prometheus's own when somebody scrapes. Knows the name of no metric.

One thread adds; another may read meanwhile. The library's counters take a lock for each number, and its histograms walk along
their buckets: at a few microseconds each they were a tenth of what a completion cost.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Tally(Protocol):
    """What can be read as one metric."""

    def read(self) -> Metric:
        """The metric as it stands."""
        ...


class Counts:
    """A count for each combination of label values; those that are known start at 0, as does one without labels."""

    def __init__(self, name: str, text: str, labels: Sequence[str], known: Iterable[tuple[str, ...]] = ()) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._counts: dict[tuple[str, ...], int] = dict.fromkeys(known if labels else [()], 0)

    def add(self, count: int, *labels: str) -> None:
        """Add to the count of these label values."""
        self._counts[labels] = self._counts.get(labels, 0) + count

    def read(self) -> Metric:
        """The metric as it stands."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in list(self._counts.items()):
            family.add_metric(labels, count)
        return family


class Times:
    """A histogram of seconds for each combination of label values, with a last bucket beyond the given bounds.

    Those that are known start empty, as does one without labels.
    """

    def __init__(
        self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float], known: Iterable[tuple[str, ...]] = ()
    ) -> None:
        self._name, self._text, self._labels, self._bounds = name, text, labels, bounds
        self._histograms = {values: Histogram(bounds) for values in (known if labels else [()])}

    def observe(self, seconds: float, *labels: str) -> None:
        """Add one duration to the histogram of these label values."""
        histogram = self._histograms.get(labels)
        if histogram is None:
            histogram = self._histograms[labels] = Histogram(self._bounds)
        histogram.counts[bisect_left(self._bounds, seconds)] += 1
        histogram.seconds += seconds

    def read(self) -> Metric:
        """The metric as it stands."""
        family: Any = HistogramMetricFamily(self._name, self._text, labels=self._labels)  # its types know no sum
        for labels, histogram in list(self._histograms.items()):
            family.add_metric(labels, list(cumulated(self._bounds, histogram.counts.copy())), histogram.seconds)
        return family


class Histogram:
    """The buckets and the sum of one histogram."""

    __slots__ = ("counts", "seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.counts = [0] * (len(bounds) + 1)
        self.seconds = 0.0


def cumulated(bounds: Sequence[float], counts: Sequence[int]) -> Iterator[tuple[str, int]]:
    """The buckets as Prometheus wants them: up to each bound, all before it included."""
    total = 0
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        total += count
        yield bound, total


class TallyCollector(Collector):
    """Tallies, read when somebody scrapes."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._tallies = tallies

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""
        return (one.read() for one in self._tallies)
