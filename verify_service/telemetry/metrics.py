"""The metrics of the processes of one machine. Each label has few values, all of them known."""

from __future__ import annotations

import os
from typing import Generic, TypeVar

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector

from verify_service.telemetry import metrics_folder
from verify_service.telemetry.families import Family, ProcessFamilies

Series = TypeVar("Series", bound=MetricWrapperBase)
CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What the page of metrics is."""

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 25)
"""Upper bounds of the buckets of durations. A check takes milliseconds, Redis at most 2 s, the
provider's deadline 10 s by default, and a request at most 26 s."""

# The library adds a series with the creation time of each counter. Nothing reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Labeled(Generic[Series]):
    """A metric with labels. Each of its series is looked up in the library once."""

    def __init__(self, metric: Series) -> None:
        self._metric = metric
        self._series: dict[tuple[str, ...], Series] = {}

    def of(self, *values: str) -> Series:
        """Return the series with these values of the labels, in the labels' order."""
        found = self._series.get(values)
        if found is None:
            found = self._series[values] = self._metric.labels(*values)
        return found


class Metrics:
    """The counters of one application.

    If ``PROMETHEUS_MULTIPROC_DIR`` is set, all processes write to that folder, and each can render
    the counters of all.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.starts = self._labeled(ProcessFamilies.STARTS)
        self.refusals = self._labeled(ProcessFamilies.REFUSALS)
        self.dry_refusals = self._labeled(ProcessFamilies.DRY_REFUSALS)
        self.alarms = self._labeled(ProcessFamilies.ALARMS)
        self.checks = self._labeled(ProcessFamilies.CHECKS)
        self.repeats = self._labeled(ProcessFamilies.REPEATS)
        self.callbacks = self._labeled(ProcessFamilies.CALLBACKS)
        self.callback_refusals = self._labeled(ProcessFamilies.CALLBACK_REFUSALS)
        self.provider_errors = self._labeled(ProcessFamilies.PROVIDER_ERRORS)
        self.breaker_changes = self._labeled(ProcessFamilies.BREAKER_CHANGES)
        self.redis_errors = self._labeled(ProcessFamilies.REDIS_ERRORS)
        self.caller_mismatches = self._counter(ProcessFamilies.CALLER_MISMATCHES)
        self.breaker_refusals = self._counter(ProcessFamilies.BREAKER_REFUSALS)
        self.not_recorded = self._counter(ProcessFamilies.NOT_RECORDED)
        self.requests = self._timed(ProcessFamilies.REQUESTS)
        self.exchanges = self._timed(ProcessFamilies.EXCHANGES)
        self.redis_calls = self._timed(ProcessFamilies.REDIS_CALLS)
        self.event_deliveries = self._timed(ProcessFamilies.EVENT_DELIVERIES)
        self.pool_waits = self._histogram(ProcessFamilies.POOL_WAITS)
        self.calls_in_flight = Gauge(
            ProcessFamilies.CALLS_IN_FLIGHT.name,
            ProcessFamilies.CALLS_IN_FLIGHT.meaning,
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def _counter(self, of: Family) -> Counter:
        return Counter(of.name, of.meaning, of.labels, registry=self._registry)

    def _histogram(self, of: Family) -> Histogram:
        return Histogram(of.name, of.meaning, of.labels, buckets=SECONDS, registry=self._registry)

    def _labeled(self, of: Family) -> Labeled[Counter]:
        return Labeled(self._counter(of))

    def _timed(self, of: Family) -> Labeled[Histogram]:
        return Labeled(self._histogram(of))

    def refused_callbacks(self) -> dict[str, int]:
        """Return how many callbacks were refused, by the reason, since the processes began."""
        return {
            sample.labels["reason"]: int(sample.value)
            for family in self._of_all_processes().collect()
            if family.name == ProcessFamilies.CALLBACK_REFUSALS.name
            for sample in family.samples
        }

    def render(self) -> bytes:
        """Return the text format."""
        return generate_latest(self._of_all_processes())

    def _of_all_processes(self) -> CollectorRegistry:
        if metrics_folder.VARIABLE not in os.environ:
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry
