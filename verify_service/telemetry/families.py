"""Every metric: its name, labels and meaning. ``docs/metrics.md`` is made from these lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MAX_LABELED_ERROR_CODE = 99
"""Larger errorCodes of the provider share a label, since each label is a time series."""
MAX_SCOPES = 20
"""Scopes of refused starts: those with the most refusals."""
MAX_RESTRICTIONS = 50


class Kind(StrEnum):
    """The types of Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Attributes:
        name: Without ``_total``, which Prometheus adds to a counter.
        meaning: A sentence.
        labels: Their names, in their order.
        series: How many combinations of labels there can be at a time.
    """

    kind: Kind
    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    series: str = "1"


def _counter(name: str, meaning: str, *labels: str, series: str = "1") -> Family:
    return Family(Kind.COUNTER, name, meaning, labels, series)


def _gauge(name: str, meaning: str, *labels: str, series: str = "1") -> Family:
    return Family(Kind.GAUGE, name, meaning, labels, series)


def _histogram(name: str, meaning: str, *labels: str, series: str = "1") -> Family:
    return Family(Kind.HISTOGRAM, name, meaning, labels, series)


class ProcessFamilies:
    """The metrics of the processes of one machine."""

    REQUESTS = _histogram(
        "verify_request_duration_seconds",
        "Requests, from their arrival to their response, by the rule of the URL.",
        *("rule", "http"),
        series="about 15 rules, each with up to 10 HTTP statuses",
    )
    EXCHANGES = _histogram(
        "verify_provider_exchange_seconds",
        "Exchanges with the provider, by the outcome of the call.",
        "outcome",
        series="3",
    )
    REDIS_CALLS = _histogram(
        "verify_redis_call_seconds",
        "Calls of Redis functions, the wait for a connection included.",
        "function",
        series="9",
    )
    REDIS_ERRORS = _counter(
        "verify_redis_errors", "Calls of Redis functions that failed.", "function", series="9"
    )
    POOL_WAITS = _histogram(
        "verify_redis_pool_wait_seconds",
        "Waits for a connection to Redis. A call that finds one free is not counted.",
    )
    CALLS_IN_FLIGHT = _gauge(
        "verify_calls_in_flight", "Calls that are being placed with the provider."
    )
    EVENT_DELIVERIES = _histogram(
        "verify_event_delivery_seconds",
        "Tries to deliver an event to its receiver, by their result.",
        "result",
        series="4",
    )
    STARTS = _counter("verify_starts", "Starts that no limit refused.", "outcome", series="4")
    REFUSALS = _counter(
        "verify_refusals", "Starts that a limit, or the operator, refused.", "limit", series="13"
    )
    DRY_REFUSALS = _counter(
        "verify_dry_refusals",
        "Starts that a limit in dry run would have refused.",
        "limit",
        series="12",
    )
    ALARMS = _counter("verify_alarms", "Alarms and blocks of the guards.", "guard", series="2")
    CHECKS = _counter("verify_checks", "Checks.", "verdict", series="4")
    REPEATS = _counter(
        "verify_repeats",
        "Requests that were repeated under their Idempotency-Key.",
        "operation",
        series="2",
    )
    CALLBACKS = _counter(
        "verify_callbacks", "Callbacks.", *("status", "applied"), series="7 words, applied or not"
    )
    CALLBACK_REFUSALS = _counter(
        "verify_callback_refusals", "Callbacks that were refused.", "reason", series="13"
    )
    CALLER_MISMATCHES = _counter(
        "verify_caller_mismatches",
        "Calls whose caller is unknown, or is a number that does not end in the code.",
    )
    PROVIDER_ERRORS = _counter(
        "verify_provider_errors",
        "Calls that the provider did not place.",
        "code",
        series=f"{MAX_LABELED_ERROR_CODE + 2}",
    )
    BREAKER_CHANGES = _counter(
        "verify_breaker_changes", "How often the breaker paused or resumed calls.", "to", series="2"
    )
    BREAKER_REFUSALS = _counter("verify_breaker_refusals", "Starts that the breaker refused.")
    NOT_RECORDED = _counter(
        "verify_outcomes_not_recorded", "Calls whose outcome could not be recorded."
    )


class SharedFamilies:
    """The metrics of Redis, which are the same whichever process is asked."""

    REDIS_UP = _gauge("verify_redis_up", "Whether Redis could be read. Without it, no other is.")
    BREAKER_OPEN = _gauge("verify_breaker_open", "Whether the breaker has paused calls.")
    CALLS_PAUSED = _gauge("verify_calls_paused", "Whether the operator has paused calls.")
    WARNING = _gauge(
        "verify_redis_warning",
        "Whether /readyz warns of it: Redis may evict keys, or loses data at its end.",
        "warning",
        series="3",
    )
    EVENTS = _counter(
        "verify_events",
        "What happened, by app.",
        *("app", "event", "detail"),
        series="49 for each app",
    )
    COUNTRY_EVENTS = _counter(
        "verify_country_events",
        "What happened, by country.",
        *("country", "event", "detail"),
        series="49 for each country",
    )
    DELIVERED = _histogram(
        "verify_delivered_seconds",
        "Seconds from the start to the report that the phone rang.",
        "app",
        series="1 for each app",
    )
    APPROVED = _histogram(
        "verify_approved_seconds",
        "Seconds from the start to the right code.",
        "app",
        series="1 for each app",
    )
    RECENT_EVENTS = _gauge(
        "verify_recent_events",
        "What happened in this hour and the one before, by app.",
        *("app", "event", "detail"),
        series="as verify_events",
    )
    RECENT_COUNTRY_EVENTS = _gauge(
        "verify_recent_country_events",
        "What happened in this hour and the one before, by country.",
        *("country", "event", "detail"),
        series="as verify_country_events",
    )
    RECENT_REFUSALS = _gauge(
        "verify_recent_refusals",
        "Refused starts of this hour and the one before; the scopes with the most.",
        *("limit", "scope"),
        series=f"{MAX_SCOPES} at a time",
    )
    RESTRICTION = _gauge(
        "verify_restriction",
        "1 for each block, exemption, pause, alarm and switched-off address in force.",
        *("who", "kind", "scope"),
        series=f"{MAX_RESTRICTIONS} at a time",
    )
    EVENTS_WAITING = _gauge(
        "verify_events_waiting",
        "Events that their receiver has not accepted; of a verification with several, about one.",
        "app",
        series="1 for each app with an address",
    )
    OLDEST_EVENT = _gauge(
        "verify_oldest_event_seconds",
        "The age of the oldest of these events; 0 if there is none.",
        "app",
        series="1 for each app with an address",
    )
    WEBHOOK_OFF = _gauge(
        "verify_webhook_off_seconds",
        "For how long no event is posted, since the receiver answered 410; 0 if events are posted.",
        "app",
        series="1 for each app with an address",
    )
    LIMIT_USED = _gauge(
        "verify_limit_used_ratio",
        "The used share of a limit's fullest window: the day's, an app's, a country's.",
        *("limit", "scope"),
        series="1 for each app and country",
    )


def families(owner: type[ProcessFamilies | SharedFamilies]) -> Iterator[Family]:
    """Yield the metrics of a class, in their order."""
    return (each for each in vars(owner).values() if isinstance(each, Family))


def table(owner: type[ProcessFamilies | SharedFamilies]) -> str:
    """Return a table in Markdown."""
    rows = ["| name | type | labels | series | meaning |", "|---|---|---|---|---|"]
    for each in families(owner):
        name = f"{each.name}_total" if each.kind is Kind.COUNTER else each.name
        labels = ", ".join(f"`{label}`" for label in each.labels) or "–"
        rows.append(f"| `{name}` | {each.kind} | {labels} | {each.series} | {each.meaning} |")
    return "\n".join(rows)
