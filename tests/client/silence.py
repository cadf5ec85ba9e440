"""The access key shows in nothing, whatever goes wrong. Every error of this suite is searched."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from tests.api.service import KEY
from verify_service.client import VerifyError


def refused(kind: type[VerifyError], ask: Callable[[], object]) -> VerifyError:
    """Return the error of exactly this class that `ask` raises; it contains no secret."""
    with pytest.raises(VerifyError) as caught:
        ask()
    error = caught.value
    assert type(error) is kind, error
    assert_silent(error, str(error), vars(error), everything_of(error))
    # An error of requests has the request on it, and that has the key.
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


def everything_of(error: BaseException) -> str:
    """What the most talkative of error reporters shows: each frame with its variables."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def assert_silent(*things: object) -> None:
    for thing in things:
        assert KEY not in (thing if isinstance(thing, str) else repr(thing))
