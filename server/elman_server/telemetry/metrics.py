"""Every metric of the server, beside the standard ones of a process.

Labels hold configured names only; units are seconds and counts.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from elman_server.engine.budget import Budget
from elman_server.engine.engine import Statistics
from elman_server.telemetry.tally import Counts, Tally, TallyCollector, Times

BUCKETS = tuple(50e-6 * 1.5**power for power in range(33))
"""From 50 microseconds, each half as much again, to 21 seconds."""


class Metrics:
    """What calls did, beside what the engine itself counts."""

    def __init__(
        self, statistics: Callable[[], Statistics], version: str, dropped_lines: Callable[[], int], budget: Budget
    ) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, processor time, and open files, of which each connection is one
        self.registry.register(EngineCollector(statistics, version, dropped_lines, budget))

        tallies: list[Tally] = []

        def counter(name: str, text: str, *labels: str) -> Counts:
            tallies.append(counts := Counts(f"elman_{name}", text, labels))
            return counts

        def histogram(name: str, text: str, *labels: str) -> Times:
            tallies.append(times := Times(f"elman_{name}", text, labels, BUCKETS))
            return times

        self.requests = counter("requests_total", "Calls by how they ended.", "method", "model", "outcome")
        self.request_seconds = histogram("request_seconds", "The time from a call's arrival to its end.", "method")
        self.first_character = histogram("time_to_first_character_seconds", "The time from a call's arrival to its first text.")
        self.inter_character = histogram("inter_character_seconds", "The time between pieces of text over the characters sent.")
        self.loop_lag = histogram("loop_lag_seconds", "How late the event loop came to what was due.")
        self.queue_seconds = histogram("queue_seconds", "The time that a text waited for a row.")
        self.prefix_characters = counter(
            "prefix_characters_total", "Characters of prefix, sent or spared by a state.", "source"
        )
        self.suggestions = counter(
            "suggestions_total", "Revisions of followed documents by what became of their suggestions.", "outcome"
        )
        self.generated_characters = counter("generated_characters_total", "Characters sent as completions.")
        self.registry.register(TallyCollector(tallies))


class EngineCollector(Collector):
    """The engine's own numbers, read when somebody scrapes."""

    def __init__(
        self, statistics: Callable[[], Statistics], version: str, dropped_lines: Callable[[], int], budget: Budget
    ) -> None:
        self._statistics, self._version, self._dropped_lines, self._budget = statistics, version, dropped_lines, budget

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""
        now = self._statistics()
        rows = GaugeMetricFamily("elman_rows", "Rows by what they do.", labels=["state"])
        rows.add_metric(["busy"], now.busy_rows)
        rows.add_metric(["free"], now.rows - now.busy_rows)
        yield rows
        yield GaugeMetricFamily("elman_queue_length", "Texts that wait for a row.", value=now.waiting)
        yield CounterMetricFamily("elman_steps", "Steps of the network, each over a batch of rows.", value=now.steps)
        yield CounterMetricFamily("elman_row_steps", "Steps of single rows.", value=now.row_steps)
        memory = GaugeMetricFamily("elman_memory_bytes", "Memory for calls: held, and free.", labels=["state"])
        memory.add_metric(["held"], self._budget.held)
        memory.add_metric(["free"], self._budget.most - self._budget.held)
        yield memory
        yield CounterMetricFamily(
            "elman_log_lines_dropped", "Lines of the log that nobody read in time.", value=self._dropped_lines()
        )
        build = GaugeMetricFamily("elman_build_info", "The version that runs.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build
