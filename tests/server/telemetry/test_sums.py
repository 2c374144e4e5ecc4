"""Metrics of several processes add up, and what has happened remains so when a process ends."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from elman_server.telemetry.sums import Families, Sums, SumsCollector, families_of


def told(calls: int, *, oldest: float = 0.0, started: float = 1.0) -> Families:
    """What a process tells that has answered calls of one second each, and has one running."""
    registry = CollectorRegistry()
    counter = Counter("elman_calls", "Calls.", ["model"], registry=registry)
    seconds = Histogram("elman_seconds", "Their time.", registry=registry, buckets=[0.5, 2.0])
    for _ in range(calls):
        counter.labels("one").inc()
        seconds.observe(1.0)
    Gauge("elman_running", "Calls now.", registry=registry).set(1)
    Gauge("elman_queue_oldest_seconds", "The longest wait.", registry=registry).set(oldest)
    Gauge("elman_model_kept", "Whether a file is not taken.", ["model"], registry=registry).labels("one").set(1)
    Gauge("elman_models_replaced", "Models that go.", registry=registry).set(2)
    Gauge("elman_build_info", "The version.", ["version"], registry=registry).labels("1").set(1)
    Gauge("process_start_time_seconds", "When.", registry=registry).set(started)
    return families_of(registry)


def shown(sums: Sums, *running: Families) -> dict[tuple[str, ...], float]:
    """The value of each series, as Prometheus would read it."""
    registry = CollectorRegistry()
    registry.register(SumsCollector(lambda: sums.with_running(running)))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [one for family in families for one in family.samples]
    return {(one.name, *one.labels.values()): one.value for one in samples if not one.name.endswith("_created")}


def test_counts_and_times_add_up_and_a_moment_is_of_those_who_run() -> None:
    sums = Sums()
    sums.retire(told(3, oldest=9.0))
    sums.retire(told(4))
    assert shown(sums, told(10, oldest=2.0, started=7.0), told(20, oldest=5.0, started=6.0)) == {
        ("elman_calls_total", "one"): 37,
        ("elman_seconds_bucket", "0.5"): 0,
        ("elman_seconds_bucket", "2.0"): 37,
        ("elman_seconds_bucket", "+Inf"): 37,
        ("elman_seconds_count",): 37,
        ("elman_seconds_sum",): 37,
        ("elman_running",): 2,
        ("elman_queue_oldest_seconds",): 5,
        ("elman_model_kept", "one"): 1,
        ("elman_models_replaced",): 2,
        ("elman_build_info", "1"): 1,
        ("process_start_time_seconds",): 6,
    }


def test_a_count_never_falls_when_a_process_ends() -> None:
    sums = Sums()
    one, other = told(10), told(5)
    before = shown(sums, one, other)
    sums.retire(one)
    after = shown(sums, other)
    counted = [series for series in before if series[0].startswith(("elman_calls", "elman_seconds"))]
    assert {series: after[series] for series in counted} == {series: before[series] for series in counted}
    assert shown(sums, other, told(1))["elman_calls_total", "one"] == 16
