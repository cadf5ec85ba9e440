"""When an event that was not accepted is tried again."""

from __future__ import annotations

import pytest

from verify_service.domain.events import JITTER, KEPT_SECONDS, pause_after


@pytest.mark.parametrize(("tries", "pause"), list(enumerate((5, 30, 120, 600, 1800), 1)))
def test_the_pauses_are_those_of_the_contract(tries: int, pause: int) -> None:
    """Each is a little longer, by chance."""
    pauses = [pause_after(tries) or 0 for _ in range(100)]
    assert all(pause <= one <= pause * (1 + JITTER) for one in pauses)
    assert len(set(pauses)) > 1


def test_after_the_sixth_try_there_is_none() -> None:
    assert pause_after(6) is None
    assert pause_after(7, retry_after=5) is None


@pytest.mark.parametrize(("asked", "pause"), [(60, 60), (86_400, KEPT_SECONDS)])
def test_a_receiver_may_ask_for_a_longer_pause(asked: float, pause: float) -> None:
    """As long as the event is kept at most."""
    assert pause_after(1, asked) == pause


@pytest.mark.parametrize("asked", [0, -60, 1])
def test_it_may_not_ask_for_a_shorter_one(asked: float) -> None:
    assert (pause_after(1, asked) or 0) >= 5
