"""The metrics of the processes of one machine. Each label has few values, all of them known."""

from __future__ import annotations

import os
from collections.abc import Sequence

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
        counter, labeled, timed = self._counter, self._labeled, self._timed
        self.starts = labeled("verify_starts", "Starts that no limit refused.", ["outcome"])
        self.refusals = labeled("verify_refusals", "Starts that a limit refused.", ["limit"])
        self.dry_refusals = labeled(
            "verify_dry_refusals", "Starts that a limit in dry run would have refused.", ["limit"]
        )
        self.alarms = labeled("verify_alarms", "Alarms and blocks of the guards.", ["guard"])
        self.checks = labeled("verify_checks", "Checks.", ["verdict"])
        self.repeats = labeled(
            "verify_repeats",
            "Requests that were repeated under their Idempotency-Key.",
            ["operation"],
        )
        self.callbacks = labeled("verify_callbacks", "Callbacks.", ["status", "applied"])
        self.callback_refusals = labeled(
            "verify_callback_refusals", "Callbacks that were refused.", ["reason"]
        )
        self.caller_mismatches = counter(
            "verify_caller_mismatches",
            "Calls whose caller is unknown, or is a number that does not end in the code.",
        )
        self.provider_errors = labeled(
            "verify_provider_errors", "Calls that the provider did not place.", ["code"]
        )
        self.breaker_changes = labeled(
            "verify_breaker_changes", "How often the breaker paused or resumed calls.", ["to"]
        )
        self.breaker_refusals = counter(
            "verify_breaker_refusals", "Starts that the breaker refused."
        )
        self.not_recorded = counter(
            "verify_outcomes_not_recorded", "Calls whose outcome could not be recorded."
        )
        self.requests = timed(
            "verify_request_duration_seconds",
            "Requests, from their arrival to their response, by the rule of the URL.",
            ["rule", "http"],
        )
        self.exchanges = timed(
            "verify_provider_exchange_seconds",
            "Exchanges with the provider, by the outcome of the call.",
            ["outcome"],
        )
        self.redis_calls = timed(
            "verify_redis_call_seconds",
            "Calls of Redis functions, the wait for a connection included.",
            ["function"],
        )
        self.redis_errors = labeled(
            "verify_redis_errors", "Calls of Redis functions that failed.", ["function"]
        )
        self.pool_waits = Histogram(
            "verify_redis_pool_wait_seconds",
            "Waits for a connection to Redis. A call that finds one free is not counted.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self.calls_in_flight = Gauge(
            "verify_calls_in_flight",
            "Calls that are being placed with the provider.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def _counter(self, name: str, documentation: str) -> Counter:
        return Counter(name, documentation, registry=self._registry)

    def _timed(self, name: str, documentation: str, labels: Sequence[str]) -> LabeledHistogram:
        histogram = Histogram(name, documentation, labels, buckets=SECONDS, registry=self._registry)
        return LabeledHistogram(histogram)

    def _labeled(self, name: str, documentation: str, labels: Sequence[str]) -> LabeledCounter:
        return LabeledCounter(Counter(name, documentation, labels, registry=self._registry))

    def render(self) -> bytes:
        """Return the text format."""
        if metrics_folder.VARIABLE not in os.environ:
            return generate_latest(self._registry)
        all_processes = CollectorRegistry()
        MultiProcessCollector(all_processes)  # type: ignore[no-untyped-call]
        return generate_latest(all_processes)
