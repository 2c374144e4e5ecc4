"""Tallies say what prometheus_client's own counters and histograms would have said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from elman_server.telemetry.tally import Counts, TallyCollector, Times

if TYPE_CHECKING:
    from collections.abc import Sequence

BOUNDS = (0.001, 0.25, 1.0, 21.5)
LABELS = st.sampled_from(["a", 'b "quoted"', "c\n"])
SECONDS = st.one_of(st.sampled_from(BOUNDS), st.floats(0, 100))  # bounds themselves among them


def told(registry: CollectorRegistry) -> list[str]:
    """What a scrape shows, but for the library's own times of creation."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


@given(st.lists(st.tuples(st.integers(0, 1 << 40), LABELS)))
def test_counts_are_told_as_the_library_tells_its_own(added: Sequence[tuple[int, str]]) -> None:
    own, theirs = CollectorRegistry(), CollectorRegistry()
    counts, plain = Counts("elman_things_total", "Things.", ("kind",)), Counts("elman_others_total", "Others.", ())
    own.register(TallyCollector([counts, plain]))
    counter = Counter("things_total", "Things.", ("kind",), namespace="elman", registry=theirs)
    unlabelled = Counter("others_total", "Others.", namespace="elman", registry=theirs)
    for count, label in added:
        counts.add(count, label)
        plain.add(count)
        counter.labels(label).inc(count)
        unlabelled.inc(count)
    assert told(own) == told(theirs)


@given(st.lists(st.tuples(SECONDS, LABELS)))
def test_times_are_told_as_the_library_tells_its_own(observed: Sequence[tuple[float, str]]) -> None:
    own, theirs = CollectorRegistry(), CollectorRegistry()
    times, plain = Times("elman_a_seconds", "A.", ("kind",), BOUNDS), Times("elman_b_seconds", "B.", (), BOUNDS)
    own.register(TallyCollector([times, plain]))
    labelled = Histogram("a_seconds", "A.", ("kind",), namespace="elman", registry=theirs, buckets=BOUNDS)
    unlabelled = Histogram("b_seconds", "B.", namespace="elman", registry=theirs, buckets=BOUNDS)
    for seconds, label in observed:
        times.observe(seconds, label)
        plain.observe(seconds)
        labelled.labels(label).observe(seconds)
        unlabelled.observe(seconds)
    assert told(own) == told(theirs)
