"""Waiting for something to happen, with a bound and without hope."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PATIENCE = 5.0


def wait_until(happened: Callable[[], Found], seconds: float = PATIENCE) -> Found:
    """Return what ``happened`` returns once it is true; fail after so many seconds."""
    until = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < until, f"did not happen within {seconds} s"
        time.sleep(0.005)
    return found
