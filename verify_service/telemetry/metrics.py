"""The counters, in Prometheus' terms. Labels take few values, all of them known beforehand."""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What :meth:`Metrics.render` returns."""

# A second series beside each counter, with its birthday: nobody looks at it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """One set of counters per application.

    Where ``PROMETHEUS_MULTIPROC_DIR`` is set, all processes of the service write there and any
    of them can answer for all.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.starts = Counter(
            "verify_starts", "Starts that passed the limits.", ["outcome"], registry=registry
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
            "Requests that came again under their Idempotency-Key.",
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
            "Calls refused, or answered so that it is no use.",
            ["code"],
            registry=registry,
        )
        self.breaker_changes = Counter(
            "verify_breaker_changes",
            "How often calls were paused, or let through again.",
            ["to"],
            registry=registry,
        )
        self.refused_by_breaker = Counter(
            "verify_starts_held_back", "Starts while calls were paused.", registry=registry
        )
        self.not_recorded = Counter(
            "verify_outcomes_not_recorded",
            "Calls whose outcome could not be kept.",
            registry=registry,
        )

    def render(self, *, breaker_open: bool | None = None) -> bytes:
        """Return the text format.

        Args:
            breaker_open: What all processes share, and Redis knows; None where it cannot say.
        """
        return self._counters() + _state(breaker_open)

    def _counters(self) -> bytes:
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)


def _state(breaker_open: bool | None) -> bytes:
    if breaker_open is None:
        return b""
    now = CollectorRegistry()
    Gauge("verify_breaker_open", "Whether calls are paused.", registry=now).set(breaker_open)
    return generate_latest(now)
