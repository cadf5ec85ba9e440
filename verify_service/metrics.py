"""The counters, in Prometheus' terms. Labels take few values, all of them known beforehand."""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
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
        self.not_recorded = Counter(
            "verify_outcomes_not_recorded",
            "Calls whose outcome could not be kept.",
            registry=registry,
        )

    def render(self) -> bytes:
        """Return the text format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)
