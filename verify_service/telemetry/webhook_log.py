"""How events fare on their way to the login flows: a line for each try, and a count by its result.

A line has no number, no body and no address: an address may contain a token.
"""

from __future__ import annotations

import structlog

from verify_service.domain.events import Result, TakenEvent
from verify_service.domain.receiver_answers import remedy
from verify_service.telemetry.metrics import Metrics

_TOO_OLD = "Their receiver did not accept them for two hours, or its address was switched off."
_OUTBOX_FULL = "Their receiver accepts less than what happens. The oldest ones are lost."

log = structlog.get_logger()


class StructuredWebhookLog:
    """Implements ``WebhookLog`` of ``domain/ports.py``."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def tried(
        self, taken: TakenEvent, result: Result, http: int | None, problem: str, seconds: float
    ) -> None:
        """An event was posted to its receiver."""
        self._metrics.event_deliveries.of(result).observe(seconds)
        event = taken.event
        about = {
            "app": taken.app,
            "type": event.type,
            "webhook_id": event.id,
            "verification_id": event.verification.id,
            "tries": taken.tries,
            "ms": round(seconds * 1000, 1),
            **({"http": http} if http else {"problem": problem}),
        }
        match result:
            case Result.DELIVERED:
                log.info("event_delivered", **about)
            case Result.FAILED:
                log.warning("event_failed", **about, hint=_hint(taken.app, http))
            case Result.GONE:
                hint = f"`flask --app wsgi webhook on {taken.app}` switches it on again."
                log.error("webhook_switched_off", **about, hint=hint)
            case _:
                log.error("event_dropped", **about, hint=_hint(taken.app, http))

    def dropped(self, app: str, number: int) -> None:
        """Events of an app were too old to be delivered."""
        log.error("events_dropped", app=app, number=number, hint=_TOO_OLD)

    def lost(self, app: str, number: int) -> None:
        """Events of an app fell out of its outbox, which is full."""
        log.error("events_lost", app=app, number=number, hint=_OUTBOX_FULL)

    def bug(self, error: Exception) -> None:
        """An unexpected error in the delivery of events."""
        log.error("bug", exc_info=error)


def _hint(app: str, http: int | None) -> str:
    """Return what the operator does about an event that was not accepted."""
    tries = f"`flask --app wsgi webhook test {app}` posts a test event."
    return f"{remedy(http or 0)} {tries}".lstrip()
