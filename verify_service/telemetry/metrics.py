"""The metrics, as Prometheus reads them. Each label has few values, all of them known."""

from __future__ import annotations

import os
from collections.abc import Iterator

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
        self._registry = registry = CollectorRegistry()
        self.starts = Counter(
            "verify_starts", "Starts that no limit refused.", ["outcome"], registry=registry
        )
        self.refusals = Counter(
            "verify_refusals", "Starts that a limit refused.", ["limit"], registry=registry
        )
        self.dry_refusals = Counter(
            "verify_dry_refusals",
            "Starts that a limit in dry run would have refused.",
            ["limit"],
            registry=registry,
        )
        self.alarms = Counter(
            "verify_alarms", "Alarms and blocks of the guards.", ["guard"], registry=registry
        )
        self.checks = Counter("verify_checks", "Checks.", ["verdict"], registry=registry)
        self.repeats = Counter(
            "verify_repeats",
            "Requests that were repeated under their Idempotency-Key.",
            ["operation"],
            registry=registry,
        )
        self.callbacks = Counter(
            "verify_callbacks", "Callbacks.", ["status", "applied"], registry=registry
        )
        self.caller_mismatches = Counter(
            "verify_caller_mismatches",
            "Calls from a number that does not end in the code.",
            registry=registry,
        )
        self.provider_errors = Counter(
            "verify_provider_errors",
            "Calls that the provider did not place.",
            ["code"],
            registry=registry,
        )
        self.breaker_changes = Counter(
            "verify_breaker_changes",
            "How often the breaker paused or resumed calls.",
            ["to"],
            registry=registry,
        )
        self.breaker_refusals = Counter(
            "verify_breaker_refusals", "Starts that the breaker refused.", registry=registry
        )
        self.not_recorded = Counter(
            "verify_outcomes_not_recorded",
            "Calls whose outcome could not be recorded.",
            registry=registry,
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
