"""The metrics of the processes of one machine. Each label has few values, all of them known."""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from verify_service.telemetry import metrics_folder
from verify_service.telemetry.families import Family, Process

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What the page of metrics is."""

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 25)
"""Upper bounds of the buckets of durations. A check takes milliseconds, Redis at most 2 s, the
provider's deadline 10 s by default, and a request at most 26 s."""

# The library adds a series with the creation time of each counter. Nothing reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class LabeledCounter:
    """A counter with labels. Each combination of values is looked up in the library once."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._children: dict[tuple[str, ...], Counter] = {}

    def inc(self, *values: str) -> None:
        """Add one to the series with these values of the labels, in the labels' order."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._counter.labels(*values)
        child.inc()


class LabeledHistogram:
    """A histogram with labels. Each combination of values is looked up in the library once."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._children: dict[tuple[str, ...], Histogram] = {}

    def observe(self, seconds: float, *values: str) -> None:
        """Count a duration in the series with these values of the labels, in the labels' order."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._histogram.labels(*values)
        child.observe(seconds)


class Metrics:
    """The counters of one application.

    If ``PROMETHEUS_MULTIPROC_DIR`` is set, all processes write to that folder, and each can render
    the counters of all.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.starts = self._labeled(Process.STARTS)
        self.refusals = self._labeled(Process.REFUSALS)
        self.dry_refusals = self._labeled(Process.DRY_REFUSALS)
        self.alarms = self._labeled(Process.ALARMS)
        self.checks = self._labeled(Process.CHECKS)
        self.repeats = self._labeled(Process.REPEATS)
        self.callbacks = self._labeled(Process.CALLBACKS)
        self.callback_refusals = self._labeled(Process.CALLBACK_REFUSALS)
        self.provider_errors = self._labeled(Process.PROVIDER_ERRORS)
        self.breaker_changes = self._labeled(Process.BREAKER_CHANGES)
        self.redis_errors = self._labeled(Process.REDIS_ERRORS)
        self.caller_mismatches = self._counter(Process.CALLER_MISMATCHES)
        self.breaker_refusals = self._counter(Process.BREAKER_REFUSALS)
        self.not_recorded = self._counter(Process.NOT_RECORDED)
        self.requests = self._timed(Process.REQUESTS)
        self.exchanges = self._timed(Process.EXCHANGES)
        self.redis_calls = self._timed(Process.REDIS_CALLS)
        self.pool_waits = self._histogram(Process.POOL_WAITS)
        self.calls_in_flight = Gauge(
            Process.CALLS_IN_FLIGHT.name,
            Process.CALLS_IN_FLIGHT.meaning,
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def _counter(self, of: Family) -> Counter:
        return Counter(of.name, of.meaning, of.labels, registry=self._registry)

    def _histogram(self, of: Family) -> Histogram:
        return Histogram(of.name, of.meaning, of.labels, buckets=SECONDS, registry=self._registry)

    def _labeled(self, of: Family) -> LabeledCounter:
        return LabeledCounter(self._counter(of))

    def _timed(self, of: Family) -> LabeledHistogram:
        return LabeledHistogram(self._histogram(of))

    def render(self) -> bytes:
        """Return the text format."""
        if metrics_folder.VARIABLE not in os.environ:
            return generate_latest(self._registry)
        all_processes = CollectorRegistry()
        MultiProcessCollector(all_processes)  # type: ignore[no-untyped-call]
        return generate_latest(all_processes)
