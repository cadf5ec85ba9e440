"""What scenes share: the use cases over a real server, a provider that runs the scene's code while
a phone rings, and the rules that give the expected answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import redis

from tests.statuses import FLASH_CALL
from tests.store.rules import Number
from tests.waiting import wait_until
from verify_service.domain.calls import CallOutcome, CallStatus, Failed, Placed, Unknown
from verify_service.domain.limits import NumberLimits
from verify_service.domain.next_action import VerificationView
from verify_service.domain.verification import Verifications


class Phone:
    """A provider that runs the scene's code while it places a call."""

    def __init__(self) -> None:
        self.rings: dict[str, Callable[[str], CallOutcome]] = {}

    def status(self, word: str) -> CallStatus | None:
        return FLASH_CALL.status(word)

    def reserve_slot(self) -> Phone:
        return self

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def place(self, number: str, code: str) -> CallOutcome:
        return self.rings[number](code)


@dataclass(frozen=True)
class Stage:
    """What all scenes of a test share."""

    phone: Phone
    redis: redis.Redis
    patient: tuple[NumberLimits, Verifications]
    hasty: tuple[NumberLimits, Verifications]
    """The same, but a call that is being placed counts as lost at once."""

    def tick(self) -> None:
        """Wait for the next millisecond of the server's clock."""
        before = self._now()
        wait_until(lambda: self._now() > before)

    def _now(self) -> int:
        seconds, microseconds = self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


def outcome_of(how: str, request: str) -> CallOutcome:
    """Return the provider's outcome."""
    if how == "unknown":
        return Unknown("timeout")
    if how == "placed":
        return Placed(request, "7917913", 11)
    return Failed("balance" if how == "refused" else "HTTP 500", refund=how == "refused")


def reads(rules: Number, name: str, stands: VerificationView) -> bool:
    """Return whether a view of a verification is what the rules give."""
    life, found = rules.lives[name], stands.verification
    known = (life.report.status, life.report.stamp) if life.report else (None, None)
    return (
        (found.state, found.checks_left, stands.call_state) == (life.state, life.left, life.call)
        and (found.call.provider_status, found.call.status_at) == known
        and (found.restart is None) is (rules.waits() == {})
    )
