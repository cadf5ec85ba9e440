"""The metrics that all processes share: what Redis has counted, and what is in force there now."""

from __future__ import annotations

import math
from collections import Counter
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
    Tally,
    combined,
)
from verify_service.domain.diagnosis import LimitUsage, Restriction
from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.limits import APP, COUNTRY, DAY_TOTAL
from verify_service.domain.models import Readiness
from verify_service.domain.operator import Operator
from verify_service.domain.outboxes import OutboxUsage
from verify_service.telemetry.families import MAX_RESTRICTIONS, MAX_SCOPES, Family, SharedFamilies
from verify_service.telemetry.metrics import Metrics

RECENT_HOURS = 2
"""The present hour and the one before. The present one alone would have few events at its start."""
_TIMED = (DELIVERED, APPROVED)


@dataclass(frozen=True, slots=True)
class SharedState:
    """What one scrape read from Redis."""

    readiness: Readiness
    statistics: Statistics
    restrictions: list[Restriction]
    limits: list[LimitUsage]
    outboxes: list[OutboxUsage]


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
                self._operator.outbox_usage(),
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
        yield _gauge(SharedFamilies.REDIS_UP, {(): self._state is not None})
        if self._state is not None:
            yield from _readiness(self._state.readiness)
            yield from _totals(self._state.statistics.total)
            yield from _recent(combined(self._state.statistics.hours))
            yield _restrictions(self._state.restrictions[:MAX_RESTRICTIONS])
            yield from _outboxes(self._state.outboxes)
            yield _limits(self._state.limits)


Values = Mapping[tuple[str, ...], float]
"""Numbers by the values of the labels."""


def _readiness(readiness: Readiness) -> Iterator[Metric]:
    yield _gauge(SharedFamilies.BREAKER_OPEN, {(): readiness.breaker_open})
    yield _gauge(SharedFamilies.CALLS_PAUSED, {(): readiness.calls_paused})
    in_force = {warning.name for warning in readiness.warnings}
    known = (EVICTION, PERSISTENCE, FAILOVER)
    yield _gauge(SharedFamilies.WARNING, {(name,): name in in_force for name in known})


def _totals(total: Tally) -> Iterator[Metric]:
    yield _counter(SharedFamilies.EVENTS, _events(total.apps))
    yield _counter(SharedFamilies.COUNTRY_EVENTS, _events(total.countries))
    yield _times(SharedFamilies.DELIVERED, DELIVERED, total.apps)
    yield _times(SharedFamilies.APPROVED, APPROVED, total.apps)


def _recent(recent: Tally) -> Iterator[Metric]:
    yield _gauge(SharedFamilies.RECENT_EVENTS, _events(recent.apps))
    yield _gauge(SharedFamilies.RECENT_COUNTRY_EVENTS, _events(recent.countries))
    yield _gauge(SharedFamilies.RECENT_REFUSALS, dict(recent.scopes.most_common(MAX_SCOPES)))


def _restrictions(restrictions: list[Restriction]) -> Metric:
    values: Values = {(one.who, one.kind, one.scope): 1 for one in restrictions}
    return _gauge(SharedFamilies.RESTRICTION, values)


def _outboxes(outboxes: list[OutboxUsage]) -> Iterator[Metric]:
    yield _gauge(SharedFamilies.EVENTS_WAITING, {(one.app,): one.waiting for one in outboxes})
    yield _gauge(SharedFamilies.OLDEST_EVENT, {(one.app,): one.oldest for one in outboxes})
    yield _gauge(SharedFamilies.WEBHOOK_OFF, {(one.app,): one.off for one in outboxes})


def _limits(limits: list[LimitUsage]) -> Metric:
    values: Values = {(one.limit, one.scope): one.share for one in limits}
    return _gauge(SharedFamilies.LIMIT_USED, values)


def _events(groups: Mapping[str, Counts]) -> Values:
    """Return the numbers of events by group, event and detail. A time's bucket is no detail."""
    values: Counter[tuple[str, ...]] = Counter()
    for group, counts in sorted(groups.items()):
        for name, number in sorted(counts.items()):
            event, _, detail = name.partition(".")
            values[group, event, "" if event in _TIMED else detail] += number
    return values


def _times(family: Family, event: str, apps: Mapping[str, Counts]) -> Metric:
    """Return a histogram. Its buckets are cumulative, those of the counts are not."""
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for app, counts in sorted(apps.items()):
        found, reached, buckets = counts.times(event).buckets, 0, []
        for bound in (*BUCKETS, math.inf):
            reached += found.get(bound, 0)
            buckets.append(("+Inf" if bound == math.inf else f"{bound}", reached))
        metric.add_metric([app], buckets, sum_value=None)
    return metric


def _gauge(family: Family, values: Values) -> Metric:
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in values.items():
        metric.add_metric(labels, value)
    return metric


def _counter(family: Family, values: Values) -> Metric:
    metric = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in values.items():
        metric.add_metric(labels, value)
    return metric
