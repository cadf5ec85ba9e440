"""Retries with the same Idempotency-Key, where the contract says that this is safe."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

from verify_service.client.errors import VerifyError

FIRST_WAIT = 0.1
"""Seconds before the first retry without a Retry-After; doubled for each further one."""
LONGEST_WAIT = 2.0
"""Seconds: what the service itself asks for while Redis is unavailable."""
JITTER_SECONDS = 0.25
"""The most that is added to a Retry-After, so that clients do not retry at the same time."""
SHORTEST_TIMEOUT = 1.0
"""Seconds that each retry can take, even at the end of the patience."""
LONGEST_RETRY_AFTER = 86_400

Result = TypeVar("Result")
uniform = random.SystemRandom().uniform
log = logging.getLogger(__name__)


def retry(ask: Callable[[float], Result], timeout: float, patience: float) -> Result:
    """Return what ``ask`` returns; call it again after a repeatable error.

    Args:
        ask: Its argument is the seconds to wait for an answer.
        timeout: The seconds of the first call.
        patience: Seconds after the first error in which a retry may begin. They do not begin with
            the first call: a start that timed out would use them up, and its retry is the most
            useful one, because it returns the result of the start.

    Raises:
        VerifyError: The newest one.
    """
    seconds, end, retries = timeout, float("inf"), 0
    while True:
        try:
            return ask(seconds)
        except VerifyError as error:
            now = monotonic()
            end = min(end, now + patience)
            wait = _wait(error.retry_after, retries)
            if not error.repeatable or now + wait >= end:
                raise
            log.info("Retrying in %.1f s: %s", wait, error)
        sleep(wait)
        seconds = min(timeout, max(SHORTEST_TIMEOUT, end - monotonic()))
        retries += 1


def _wait(retry_after: int | None, retries: int) -> float:
    if retry_after is not None:
        # Any integer is possible here, also a negative one or one too large for a float.
        return min(max(retry_after, 0), LONGEST_RETRY_AFTER) + uniform(0, JITTER_SECONDS)
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(retries, 10))
    return uniform(longest / 2, longest)
