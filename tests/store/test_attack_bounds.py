"""No attacker exceeds the bounds of the security page, at settings drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.speed import examples
from tests.store.world import OPEN, RIGHT, KeptClock, World
from verify_service.cli.attack_bounds import AttackBounds
from verify_service.cli.lockout import Lockout, lockouts
from verify_service.domain.errors import LimitReached, VerificationNotFound
from verify_service.domain.limits import DAY, HOUR, NumberLimits, WideLimits
from verify_service.domain.models import NewVerification, Verdict, Verification, Window
from verify_service.provider.flash_call import FlashCallStatus

SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=examples(12),
    suppress_health_check=list(HealthCheck),
)
Fresh = Callable[..., World]
GUESS = "guess".ljust(22, "-")
SPANS = st.sampled_from([6 * HOUR, DAY // 2, DAY - 1, DAY, 2 * DAY])
WINDOWS = st.lists(st.builds(Window, st.integers(1, 4), SPANS), min_size=1, max_size=2).map(tuple)
LONG_PAUSES = st.sampled_from([(HOUR,), (600, 2 * HOUR), (2 * HOUR, 600)])
LIMITS = st.builds(
    NumberLimits,
    code_ttl=st.sampled_from([300, 3 * HOUR, DAY]),
    max_checks=st.integers(1, 4),
    cooldowns=LONG_PAUSES | st.just((0,)),
    starts=WINDOWS,
    failures=st.lists(st.builds(Window, st.integers(2, 60), SPANS), min_size=1, max_size=2).map(
        tuple
    ),
    lock_after=st.integers(2, 100),
    dry_run=st.sampled_from([frozenset(), frozenset({"cooldown"})]),
)
UNLIMITED_STARTS = st.builds(
    NumberLimits,
    code_ttl=st.sampled_from([300, DAY]),
    cooldowns=LONG_PAUSES,
    starts=WINDOWS,
    lock_after=st.just(100),
    dry_run=st.just(frozenset({"number"})),
)


@pytest.fixture
def fresh(valkey: redis.Redis, valkey_clock: KeptClock) -> Fresh:
    """Makes an empty world under these settings, over a real server: a fake one is too slow."""

    def world(number_limits: NumberLimits, wide_limits: WideLimits = OPEN) -> World:
        valkey.flushall()
        valkey_clock.advance(0)
        return World(valkey, valkey_clock, number_limits, wide_limits)

    return world


class Stranger:
    """Starts and guesses whenever it can, and has every call refunded that can be.

    Args:
        lead: Seconds before the day in which its guesses and calls count. Until then it keeps
            what it started.
        helped: Whether the owner logs in, without a device, whenever the next guess would lock.
    """

    def __init__(self, world: World, lead: int, *, helped: bool) -> None:
        self.guesses = self.calls = 0
        self._world, self._helped = world, helped
        self._day = world.now + lead * 1000
        self._pending: list[Verification] = []
        self._run = self._requests = 0

    def plays(self) -> Stranger:
        end = self._day + DAY * 1000
        while self._world.now < end:
            wait = self._starts()
            if self._world.now >= self._day:
                self._guesses()
                wait = min(wait, self._starts())
            bound = self._day if self._world.now < self._day else end
            self._world.advance(min(wait, (bound - self._world.now) / 1000))
        return self

    def _starts(self) -> float:
        """Start until it is refused; return for how long."""
        while True:
            self._requests += 1
            request = f"request {self._requests}"
            try:
                started = self._world.start(request=request)
            except LimitReached as refused:
                return refused.retry_after
            self.calls += self._world.now >= self._day
            self._pending.append(started)
            self._world.report(FlashCallStatus.UNAVAILABLE, request=request)

    def _guesses(self) -> None:
        while self._pending:
            if self._helped and self._run == self._world.number_limits.lock_after - 1:
                verdict = self._guess(self._pending.pop(), RIGHT)
                self._run = 0 if verdict is Verdict.RIGHT else self._run
                continue
            verdict = self._guess(self._pending[-1])
            if verdict is Verdict.BLOCKED:
                return
            if verdict is Verdict.ENDED:
                self._pending.pop()
            else:
                self.guesses += 1
                self._run += 1

    def _guess(self, verification: Verification, digest: str = GUESS) -> Verdict:
        try:
            return self._world.check(verification, digest).verdict
        except VerificationNotFound:  # an hour after its end
            return Verdict.ENDED


@pytest.mark.slow
@SETTINGS
@given(number_limits=LIMITS | UNLIMITED_STARTS, ahead=st.floats(0.0, 1.5), helped=st.booleans())
@example(number_limits=NumberLimits(), ahead=0.5, helped=False)
@example(number_limits=NumberLimits(lock_after=5), ahead=0.5, helped=True)
def test_a_budgets_guesses_and_calls_are_bounded(
    fresh: Fresh, number_limits: NumberLimits, ahead: float, helped: bool
) -> None:
    """Of any day, whatever was started before it and whether or not others log in."""
    bounds = AttackBounds(number_limits, OPEN)
    stranger = Stranger(
        fresh(number_limits), int(ahead * number_limits.code_ttl), helped=helped
    ).plays()
    assert stranger.guesses <= (bounds.guesses_per_budget.count or 0)
    if not helped:  # a success ends the cooldown
        assert stranger.calls <= (bounds.calls_per_number.count or 0)


PENDING = NumberLimits(
    code_ttl=DAY, starts=(Window(1, DAY),), failures=(Window(100, DAY),), lock_after=100
)


@pytest.mark.parametrize(
    ("number_limits", "lead", "count"),
    [(NumberLimits(), 0, 9), (NumberLimits(lock_after=5), 0, 9), (PENDING, DAY - 10, 24)],
)
def test_the_bound_of_a_budgets_guesses_is_reached(
    fresh: Fresh, number_limits: NumberLimits, lead: int, count: int
) -> None:
    """So the bound is tight."""
    stranger = Stranger(fresh(number_limits), lead, helped=number_limits.lock_after == 5).plays()
    assert stranger.guesses == AttackBounds(number_limits, OPEN).guesses_per_budget.count == count


def test_the_bound_of_a_budgets_calls_is_reached(fresh: Fresh) -> None:
    """If wrong guesses are practically not limited."""
    number_limits = NumberLimits(failures=(Window(10**3, DAY),), lock_after=10**3)
    stranger = Stranger(fresh(number_limits), 0, helped=False).plays()
    assert stranger.calls == AttackBounds(number_limits, OPEN).calls_per_number.count == 8


class Crowd:
    """This many addresses, each of which starts whenever it can, with a new number each time."""

    def __init__(self, world: World, addresses: int) -> None:
        self._world = world
        self._addresses = addresses
        self._numbers = iter(range(10_000))

    def start(self, address: str, country: str = "RU") -> NewVerification | None:
        number = f"+7917{next(self._numbers):07}"
        new = replace(self._world.new(number), client=address, country=country)
        try:
            self._world.store.reserve(new)
        except LimitReached:
            return None
        return new

    def starts(self) -> int:
        """Return how many were let through."""
        return sum(
            sum(1 for _ in iter(lambda name=f"address {address}": self.start(name), None))
            for address in range(self._addresses)
        )

    def finds_closed(self) -> bool:
        """Return whether a new address is refused. Nothing is counted."""
        return bool(self._world.operator.diagnose("+79170000000", "RU", []).refusals)


SHORT = st.sampled_from([HOUR, 5 * HOUR, DAY - HOUR, DAY])
FEW = st.lists(st.builds(Window, st.integers(1, 3), SHORT), min_size=1, max_size=2).map(tuple)
MANY = st.builds(Window, st.integers(4, 12), SHORT).map(lambda window: (window,))


@pytest.mark.slow
@SETTINGS
@given(client_ip=FEW, country=MANY, pause=st.integers(HOUR, 6 * HOUR))
@example(client_ip=(Window(2, 5 * HOUR),), country=(Window(9, DAY),), pause=HOUR)
def test_fewer_addresses_do_not_close_a_country(
    fresh: Fresh, client_ip: tuple[Window, ...], country: tuple[Window, ...], pause: int
) -> None:
    """Not in two days of trying. No day has more calls than the bound."""
    wide_limits = replace(OPEN, client_ip=client_ip, country=country)
    bounds = AttackBounds(NumberLimits(), wide_limits)
    lockout = lockout_of("country", bounds)
    world, log = fresh(NumberLimits(), wide_limits), []
    crowd = Crowd(world, lockout.addresses - 1)
    for _ in range(2 * DAY // pause):
        log.append((world.now, crowd.starts()))
        assert not crowd.finds_closed()
        world.advance(pause)
    most = max(sum(n for at, n in log if 0 <= at - first < DAY * 1000) for first, _ in log)
    assert most <= (bounds.calls_per_client.count or 0) * (lockout.addresses - 1)
    assert most <= (bounds.calls_per_country.count or 0)


def lockout_of(limit: str, bounds: AttackBounds) -> Lockout:
    return next(one for one in lockouts(bounds) if one.limit == limit)


@pytest.mark.parametrize(("addresses", "closed"), [(2, False), (3, True)])
def test_enough_addresses_close_a_country(fresh: Fresh, addresses: int, closed: bool) -> None:
    """One address less is not enough."""
    wide_limits = replace(OPEN, client_ip=(Window(20, HOUR),), country=(Window(50, HOUR),))
    lockout = lockout_of("country", AttackBounds(NumberLimits(), wide_limits))
    assert (lockout.calls, lockout.addresses) == (50, 3)
    crowd = Crowd(fresh(NumberLimits(), wide_limits), addresses)
    assert crowd.starts() == min(50, 20 * addresses)
    assert crowd.finds_closed() is closed


def test_a_holders_calls_are_bounded_only_by_the_prefix(fresh: Fresh) -> None:
    """Eight devices in turn, three of them known at a time: each brings its own starts."""
    wide_limits = replace(OPEN, prefix=(Window(30, HOUR),))
    bounds = AttackBounds(NumberLimits(), wide_limits)
    own = bounds.calls_per_number.count or 0
    calls = collude(
        fresh(NumberLimits(), wide_limits), [f"device {name}" for name in "ABCDEFGH"], seconds=1200
    )
    assert 3 * own < calls <= (bounds.calls_per_holder.count or 0)


def collude(world: World, devices: list[str], *, seconds: int) -> int:
    """Keep one verification of each device pending, for when the device is forgotten."""
    calls, end = 0, world.now + seconds * 1000
    pending: dict[str, Verification] = {}
    while world.now < end:
        before = calls
        for device in devices:
            if device in pending:
                world.check(pending.pop(device))
            try:
                pending[device] = world.start(device=device)
                calls += 1
            except LimitReached:
                pass
        if calls == before:
            world.advance(30)
    return calls
