"""The metrics, as Prometheus reads them. Each label has few values, all of them known."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What :meth:`Metrics.render` returns."""

# The library adds a series with the creation time of each counter. Nothing reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counters of one application.

    If ``PROMETHEUS_MULTIPROC_DIR`` is set, all processes write to that folder, and each can render
    the counters of all.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        counter = partial(Counter, registry=self._registry)
        self.starts = counter("verify_starts", "Starts that no limit refused.", ["outcome"])
        self.refusals = counter("verify_refusals", "Starts that a limit refused.", ["limit"])
        self.dry_refusals = counter(
            "verify_dry_refusals", "Starts that a limit in dry run would have refused.", ["limit"]
        )
        self.alarms = counter("verify_alarms", "Alarms and blocks of the guards.", ["guard"])
        self.checks = counter("verify_checks", "Checks.", ["verdict"])
        self.repeats = counter(
            "verify_repeats",
            "Requests that were repeated under their Idempotency-Key.",
            ["operation"],
        )
        self.callbacks = counter("verify_callbacks", "Callbacks.", ["status", "applied"])
        self.caller_mismatches = counter(
            "verify_caller_mismatches",
            "Calls whose caller is unknown, or is a number that does not end in the code.",
        )
        self.provider_errors = counter(
            "verify_provider_errors", "Calls that the provider did not place.", ["code"]
        )
        self.breaker_changes = counter(
            "verify_breaker_changes", "How often the breaker paused or resumed calls.", ["to"]
        )
        self.breaker_refusals = counter(
            "verify_breaker_refusals", "Starts that the breaker refused."
        )
        self.not_recorded = counter(
            "verify_outcomes_not_recorded", "Calls whose outcome could not be recorded."
        )

    def render(self, *, breaker_open: bool | None = None) -> bytes:
        """Return the text format.

        Args:
            breaker_open: The state in Redis, which all processes share; None if it is unknown.
        """
        return self._counters() + _state(breaker_open)

    def _counters(self) -> bytes:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        all_processes = CollectorRegistry()
        MultiProcessCollector(all_processes)  # type: ignore[no-untyped-call]
        return generate_latest(all_processes)


class _BreakerState(Collector):
    """A gauge without a file: one of the library's own would leave a file for each process."""

    def __init__(self, *, is_open: bool) -> None:
        self._is_open = is_open

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "verify_breaker_open", "Whether the breaker has paused calls.", value=self._is_open
        )


def _state(breaker_open: bool | None) -> bytes:
    if breaker_open is None:
        return b""
    registry = CollectorRegistry()
    registry.register(_BreakerState(is_open=breaker_open))
    return generate_latest(registry)
