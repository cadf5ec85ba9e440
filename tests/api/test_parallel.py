"""Many concurrent requests through the resolved application: the limits hold exactly."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from werkzeug.test import TestResponse

from .service import NUMBER, Service, wrong
from .standin import StandIn
from .test_start import SPELLINGS


def at_once(count: int, request: Callable[[int], TestResponse]) -> list[TestResponse]:
    """Return the answers to this many requests from 16 threads."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(request, range(count)))


def test_of_thirty_starts_one_is_called(service: Service, provider: StandIn) -> None:
    """In all spellings of the number: one call and 29 times 429."""
    answers = at_once(30, lambda turn: service.start(SPELLINGS[turn % len(SPELLINGS)]))
    assert sorted(answer.status_code for answer in answers) == [201, *[429] * 29]
    assert len(provider.calls) == 1


def test_a_window_of_three_lets_three_through(make, valkey, provider: StandIn) -> None:
    service = make(valkey, START_COOLDOWNS="0")
    answers = at_once(30, lambda _: service.start(NUMBER))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 27
    assert len(provider.calls) == 3


def test_of_fifty_right_codes_one_verifies(service: Service, provider: StandIn) -> None:
    vid = service.started()
    answers = at_once(50, lambda _: service.check(vid, provider.code))
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json["verified"] for answer in answers].count(True) == 1


def test_of_forty_wrong_codes_three_are_compared(make, valkey, provider: StandIn) -> None:
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    vid = service.started()
    answers = at_once(40, lambda _: service.check(vid, wrong(provider.code)))
    assert {answer.status_code for answer in answers} == {200}
    assert service.metric('verify_checks_total{verdict="wrong"}') == 3
    assert service.check(vid, provider.code).json["state"] == "exhausted"
