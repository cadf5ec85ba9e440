"""Waits for a condition, with a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PATIENCE = 5.0


def wait_until(happened: Callable[[], Found], seconds: float = PATIENCE) -> Found:
    """Return the result of ``happened`` once it is true; fail after this many seconds."""
    until = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < until, f"did not happen within {seconds} s"
        time.sleep(0.005)
    return found
