"""Fifty threads at one barrier over a real server: what must happen once happens once."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from tests.statuses import DELIVERED, REFUNDED
from tests.store.world import RIGHT, WRONG, World
from verify_service.domain.calls import CallState, Placed, Unknown
from verify_service.domain.errors import LimitReached
from verify_service.domain.limits import DAY, NumberLimits
from verify_service.domain.models import State, Verdict, Window
from verify_service.provider.flash_call import FlashCallStatus

pytestmark = pytest.mark.slow
"""Together they take seconds."""

T = TypeVar("T")
AGAIN = pytest.mark.usefixtures("again")
DICE = random.Random(27)  # noqa: S311 — an order of events, no secret
FREE = NumberLimits(cooldowns=(0,), starts=(Window(1000, DAY),))


@pytest.fixture(params=range(3))
def again(request: pytest.FixtureRequest) -> int:
    """Runs a race a few times: once proves little."""
    return int(request.param)


def at_once(*tasks: Callable[[], T]) -> list[T]:
    """Run every task in a thread of its own, all released at the same moment."""
    barrier = threading.Barrier(len(tasks))

    def wait_and_run(task: Callable[[], T]) -> T:
        barrier.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(wait_and_run, tasks))


def verdicts(world: World, guesses: Sequence[tuple[object, str]]) -> Counter[Verdict]:
    """Check all of (verification, digest) at once; count the verdicts."""
    return Counter(at_once(*[lambda v=v, d=d: world.check(v, d).verdict for v, d in guesses]))


@AGAIN
def test_fifty_right_checks_verify_once(real: World) -> None:
    """50 parallel right codes: exactly one is right, 49 have ended."""
    verification = real.start()
    assert verdicts(real, [(verification, RIGHT)] * 50) == {Verdict.RIGHT: 1, Verdict.ENDED: 49}


@AGAIN
def test_fifty_checks_with_one_nonce_agree(real: World) -> None:
    """One check repeated 50 times at once has one verdict, costs one check, counts once."""
    verification = real.start()
    seen = at_once(*[lambda: real.check(verification, WRONG, nonce="same").verdict] * 50)
    assert set(seen) == {Verdict.WRONG}
    assert real.status(verification).checks_left == 2


@AGAIN
def test_forty_wrong_guesses_compare_three(real: World) -> None:
    """40 parallel wrong codes: exactly max_checks of them are compared."""
    verification = real.start()
    assert verdicts(real, [(verification, WRONG)] * 40) == {Verdict.WRONG: 3, Verdict.ENDED: 37}
    assert real.status(verification).state is State.EXHAUSTED


@AGAIN
def test_right_and_wrong_in_parallel(real: World) -> None:
    """At most one right, at most three compared; approved if and only if one was right."""
    verification = real.start()
    guesses = [(verification, RIGHT), (verification, WRONG)] * 25
    DICE.shuffle(guesses)
    seen = verdicts(real, guesses)
    assert seen[Verdict.RIGHT] <= 1
    assert 1 <= seen[Verdict.RIGHT] + seen[Verdict.WRONG] <= 3
    state = State.APPROVED if seen[Verdict.RIGHT] else State.EXHAUSTED
    assert real.status(verification).state is state


@AGAIN
def test_thirty_starts_reserve_one(real: World) -> None:
    """30 parallel starts for one number: one reserved, 29 refused by the cooldown."""

    def start() -> str:
        try:
            return real.reserve().state
        except LimitReached as refused:
            return refused.limit

    assert Counter(at_once(*[start] * 30)) == {"pending": 1, "cooldown": 29}


@AGAIN
def test_one_reservation_repeated_thirty_times_counts_once(real: World) -> None:
    """One reservation repeated by 30 threads is one verification, one start."""
    world = World(real.client, None, NumberLimits(cooldowns=(0,), starts=(Window(2, DAY),)))
    new = world.new()
    at_once(*[lambda: world.store.reserve(new)] * 30)
    assert world.refusal() is None
    assert world.refusal() == ("number", DAY)


@AGAIN
def test_a_window_is_exact(real: World) -> None:
    """Without a cooldown, 50 parallel starts pass a limit of seven seven times."""
    world = World(real.client, None, NumberLimits(cooldowns=(0,), starts=(Window(7, DAY),)))
    seen = Counter(at_once(*[world.refusal] * 50))
    assert seen == {None: 7, ("number", DAY): 43}


@AGAIN
def test_guesses_spread_over_verifications_share_one_budget(real: World) -> None:
    """20 verifications of one number guessed at in parallel: nine comparisons a day."""
    world = World(real.client, None, FREE)
    pending = [world.start() for _ in range(20)]
    seen = verdicts(world, [(one, WRONG) for one in pending for _ in range(3)])
    assert seen == {Verdict.WRONG: 9, Verdict.BLOCKED: 51}


@AGAIN
def test_right_codes_do_not_extend_the_budget(real: World) -> None:
    """Successes in between, in whatever order: no more than nine wrong ones are compared."""
    world = World(real.client, None, FREE)
    pending = [world.start() for _ in range(25)]
    guesses = [(one, RIGHT if i % 5 == 0 else WRONG) for i, one in enumerate(pending)] * 2
    assert verdicts(world, guesses)[Verdict.WRONG] == 9


def test_a_callback_races_its_record(real: World) -> None:
    """In either order the call gets its callback's state once, and its start is refunded."""
    patient, hasty = (World(real.client, None, NumberLimits(deadline=limit)) for limit in (10, 0))
    statuses = itertools.cycle(FlashCallStatus)

    def race(count: int) -> None:
        world = hasty if count % 2 else patient
        number, request, status = f"+7917{count:07}", f"request-{count}", next(statuses)
        outcome = Unknown("timeout") if count % 3 == 2 else Placed(request, "7917913", 11)
        verification = world.reserve(number)
        applied: list[bool] = []
        steps = [
            lambda: world.record(verification, outcome),
            lambda: applied.append(world.report(status, request=request, number=number)),
            lambda: applied.append(world.report(status, request=request, number=number)),
            lambda: world.status(verification),
        ]
        DICE.shuffle(steps)
        at_once(*steps)
        stands = world.status(verification)
        state = CallState.DELIVERED if (status in DELIVERED) else CallState.UNDELIVERED
        assert (stands.call.state, stands.call.provider_status) == (state, status)
        assert applied.count(True) <= 1
        assert (stands.restart_in == 0) is (status in REFUNDED)

    for count in range(300):
        race(count)


@AGAIN
def test_fifty_callbacks_apply_in_any_order(real: World) -> None:
    """Undelivered at even seconds, delivered at odd ones, all at once: it stays delivered."""
    verification = real.start(request="request")
    reports = [
        lambda stamp=stamp: real.report(
            FlashCallStatus.ANSWERED if stamp % 2 else FlashCallStatus.UNAVAILABLE,
            stamp,
            request="request",
        )
        for stamp in range(50)
    ]
    DICE.shuffle(reports)
    assert any(at_once(*reports))
    assert real.status(verification).call.state is CallState.DELIVERED
