"""The metrics that all processes share: what Redis has counted, and what is in force there now."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from verify_service.domain.check_result import EVICTION, FAILOVER, PERSISTENCE
from verify_service.domain.counts import (
    APPROVED,
    BUCKETS,
    DELIVERED,
    OTHER,
    Counts,
    Statistics,
    combined,
)
from verify_service.domain.diagnosis import LimitUsage, Restriction
from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.limits import APP, COUNTRY, DAY_TOTAL
from verify_service.domain.models import Readiness
from verify_service.domain.operator import Operator
from verify_service.telemetry.metrics import Metrics

RECENT_HOURS = 2
"""The present hour and the one before. The present one alone would have few events at its start."""
MAX_SCOPES = 20
"""Scopes of refused starts: those with the most refusals. Each is a time series."""
MAX_RESTRICTIONS = 50
_TIMED = (DELIVERED, APPROVED)


@dataclass(frozen=True, slots=True)
class SharedState:
    """What one scrape read from Redis."""

    readiness: Readiness
    statistics: Statistics
    restrictions: list[Restriction]
    limits: list[LimitUsage]


class MetricsPage:
    """Renders ``/metrics``: the metrics of this machine's processes, and the shared ones.

    Args:
        metrics: Those of the processes.
        readiness: Reads what prevents starts. Raises StoreUnavailable.
        operator: Reads the counts, and what is in force.
    """

    def __init__(
        self, metrics: Metrics, readiness: Callable[[], Readiness], operator: Operator
    ) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._operator = operator

    def render(self) -> bytes:
        """Return the text format. Without Redis the shared metrics are missing."""
        registry = CollectorRegistry()
        registry.register(SharedMetrics(self._read()))
        return self._metrics.render() + generate_latest(registry)

    def _read(self) -> SharedState | None:
        try:
            statistics = self._operator.counts.statistics(hours=RECENT_HOURS)
            return SharedState(
                self._readiness(),
                statistics,
                self._operator.restrictions(),
                self._operator.limit_usage(list(_limited_scopes(statistics))),
            )
        except StoreUnavailable:  # an outage of Redis is when the other metrics are needed most
            return None


def _limited_scopes(statistics: Statistics) -> Iterator[tuple[str, str]]:
    """Yield the limits over many numbers whose scopes are few, and those scopes."""
    recent = combined(statistics.hours)
    yield DAY_TOTAL, ""
    yield from ((APP, app) for app in recent.apps)
    yield from ((COUNTRY, country) for country in recent.countries if country != OTHER)


class SharedMetrics(Collector):
    """The metrics of one scrape. They have no file, so that none outlives a process."""

    def __init__(self, state: SharedState | None) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield GaugeMetricFamily(
            "verify_redis_up",
            "Whether Redis could be read.",
            value=self._state is not None,
        )
        if self._state is not None:
            yield from _readiness(self._state.readiness)
            yield from _totals(self._state.statistics)
            yield from _recent(self._state.statistics)
            yield _restrictions(self._state.restrictions)
            yield _limits(self._state.limits)


def _readiness(readiness: Readiness) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "verify_breaker_open",
        "Whether the breaker has paused calls.",
        value=readiness.breaker_open,
    )
    yield GaugeMetricFamily(
        "verify_calls_paused",
        "Whether the operator has paused calls.",
        value=readiness.calls_paused,
    )
    warnings = GaugeMetricFamily(
        "verify_redis_warning",
        "Whether /readyz warns of it: Redis may evict keys, or loses data at its end.",
        labels=["warning"],
    )
    in_force = {warning.name for warning in readiness.warnings}
    for name in (EVICTION, PERSISTENCE, FAILOVER):
        warnings.add_metric([name], name in in_force)
    yield warnings


def _totals(statistics: Statistics) -> Iterator[Metric]:
    total = statistics.total
    for label, name, groups in (
        ("app", "verify_events", total.apps),
        ("country", "verify_country_events", total.countries),
    ):
        family = CounterMetricFamily(
            name, f"What happened, by {label}. Counted in Redis.", labels=[label, "event", "detail"]
        )
        _add_events(family, groups)
        yield family
    for event in _TIMED:
        yield _times(event, total.apps)


def _recent(statistics: Statistics) -> Iterator[Metric]:
    recent = combined(statistics.hours)
    for label, name, groups in (
        ("app", "verify_recent_events", recent.apps),
        ("country", "verify_recent_country_events", recent.countries),
    ):
        family = GaugeMetricFamily(
            name,
            f"What happened in this hour and the one before, by {label}.",
            labels=[label, "event", "detail"],
        )
        _add_events(family, groups)
        yield family
    refusals = GaugeMetricFamily(
        "verify_recent_refusals",
        f"Refused starts of this hour and the one before; the {MAX_SCOPES} scopes with the most.",
        labels=["limit", "scope"],
    )
    for scope, number in recent.scopes.most_common(MAX_SCOPES):
        refusals.add_metric(scope, number)
    yield refusals


def _add_events(
    family: CounterMetricFamily | GaugeMetricFamily, groups: Mapping[str, Counts]
) -> None:
    for group, counts in sorted(groups.items()):
        for name in sorted(counts):
            event, _, detail = name.partition(".")
            if event not in _TIMED:
                family.add_metric([group, event, detail], counts[name])
        for event in _TIMED:
            if number := counts.of(event):
                family.add_metric([group, event, ""], number)


def _times(event: str, apps: Mapping[str, Counts]) -> Metric:
    family = HistogramMetricFamily(
        f"verify_{event}_seconds",
        f"Seconds from the start to `{event}`. Counted in Redis.",
        labels=["app"],
    )
    for app, counts in sorted(apps.items()):
        found, reached, buckets = counts.times(event).buckets, 0, []
        for bound in (*BUCKETS, math.inf):
            reached += found.get(bound, 0)
            buckets.append(("+Inf" if bound == math.inf else f"{bound}", reached))
        family.add_metric([app], buckets, sum_value=None)
    return family


def _restrictions(restrictions: list[Restriction]) -> Metric:
    family = GaugeMetricFamily(
        "verify_restriction",
        f"1 for each block, exemption, pause and alarm in force; at most {MAX_RESTRICTIONS}.",
        labels=["who", "kind", "scope"],
    )
    for one in restrictions[:MAX_RESTRICTIONS]:
        family.add_metric([one.who, one.kind, one.scope], 1)
    return family


def _limits(limits: list[LimitUsage]) -> Metric:
    family = GaugeMetricFamily(
        "verify_limit_used_ratio",
        "The used share of a limit's fullest window: the day's, an app's, a country's.",
        labels=["limit", "scope"],
    )
    for one in limits:
        family.add_metric([one.limit, one.scope], one.share)
    return family
