"""Trying again, with the same Idempotency-Key, where the contract says that this is safe."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from verify_service.client.errors import VerifyError

FIRST_WAIT = 0.1
"""Seconds before the first try again where the service does not say how long; then doubled."""
LONGEST_WAIT = 2.0
"""Seconds after which doubling ends: what the service itself asks for when Redis is gone."""
SPREAD = 0.25
"""Seconds, at most, by which a Retry-After is overdone, so that not all come back together."""
LEAST = 1.0
"""Seconds that a try gets, however little patience is left: less would only make load."""
DAY = 86_400

Found = TypeVar("Found")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes; tests have one of their own.

    Attributes:
        clock: Seconds, never going back.
        sleep: Waits so many seconds.
        between: A number between the two, at random.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    between: Callable[[float, float], float] = random.uniform


@dataclass(frozen=True, slots=True)
class Retries:
    """When to try again.

    Attributes:
        patience: Seconds from the first failure on in which another try may begin; with 0 there
            is none. They do not begin with the first try, or a start that timed out would have
            spent them, and its repeat is the one most worth making: it tells what came of it.
    """

    patience: float
    pace: Pace = Pace()

    def until_it_works(self, ask: Callable[[float], Found], timeout: float) -> Found:
        """Return what ``ask`` returns, given the seconds it may wait for an answer.

        Raises:
            VerifyError: The newest one, once it is none to be repeated or patience is over.
        """
        seconds, end, tried = timeout, float("inf"), 0
        while True:
            try:
                return ask(seconds)
            except VerifyError as error:
                now = self.pace.clock()
                end = min(end, now + self.patience)
                wait = self._wait(error.retry_after, tried)
                # Coming back sooner than asked is no use, and later is too late.
                if not error.repeatable or now + wait >= end:
                    raise
                log.info("Asking again in %.1f s: %s", wait, error)
            self.pace.sleep(wait)
            seconds = min(timeout, max(LEAST, end - self.pace.clock()))
            tried += 1

    def _wait(self, retry_after: int | None, tried: int) -> float:
        if retry_after is not None:
            # Neither below 0 nor beyond what a float holds, whoever says it.
            return min(max(retry_after, 0), DAY) + self.pace.between(0, SPREAD)
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tried, 10))
        return self.pace.between(longest / 2, longest)
