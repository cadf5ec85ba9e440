"""What scenes play on: the use cases over a real server, a provider that lets things happen while
a phone rings, and the rules that every answer is held against."""

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
    """A provider that does what the scene wants while it is placing a call."""

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
    """The same, where a call that is being placed is taken for lost at once."""

    def tick(self) -> None:
        """Wait for the next millisecond of the server's."""
        before = self._now()
        wait_until(lambda: self._now() > before)

    def _now(self) -> int:
        seconds, microseconds = self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


def told(how: str, request: str) -> CallOutcome:
    """What the provider answers."""
    if how == "unknown":
        return Unknown("timeout")
    if how == "placed":
        return Placed(request, "7917913", 11)
    return Failed("balance" if how == "refused" else "HTTP 500", refund=how == "refused")


def reads(rules: Number, name: str, stands: VerificationView) -> bool:
    """Whether what is answered about a verification is what the rules say."""
    life, found = rules.lives[name], stands.verification
    known = (life.report.status, life.report.stamp) if life.report else (None, None)
    return (
        (found.state, found.checks_left, stands.call_state) == (life.state, life.left, life.call)
        and (found.call.provider_status, found.call.status_at) == known
        and (found.restart is None) is (rules.waits() == {})
    )
