"""A diagnosis shows what decides, to the second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.store.test_conversion import CLOSED, GUARDED, PREFIX, SETTLED, call, refusal
from tests.store.test_wide_limits import FIELDS, align, new, only, refused
from tests.store.world import APP, NUMBER, OPEN, RIGHT, WRONG, World
from verify_service.domain.calls import CallOutcome, Failed, FailureKind, Placed
from verify_service.domain.diagnosis import (
    Callers,
    ConversionCount,
    Diagnosis,
    Restriction,
    Resumed,
    WindowUsage,
)
from verify_service.domain.errors import (
    CallsPaused,
    CallsSuspended,
    DestinationBlocked,
    LimitReached,
)
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import (
    DAY,
    GUESS_BUDGETS,
    HOUR,
    KNOWN_DEVICE,
    BreakerPolicy,
    ConversionThreshold,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import NewVerification, Wait, Window
from verify_service.domain.numbers import country_of

TIGHT = Window(3, HOUR)
WIDE_OF_A_NUMBER = sorted(set(FIELDS) - {"clientIp"})
"""A client's address does not belong to the number."""


def uses(world: World) -> list[tuple[str, str, WindowUsage]]:
    """The use of the number that :func:`new` makes first, without the starts reserved for known
    devices."""
    found = world.operator.diagnose("+79170000001", "RU", ["login"])
    return [use for use in found.uses if use[0] != KNOWN_DEVICE]


@pytest.mark.parametrize("limit", WIDE_OF_A_NUMBER)
def test_a_wide_window_shows_its_count(world: World, limit: str) -> None:
    """The number of starts, and the wait of a start."""
    world = world.within(only(limit, TIGHT))
    align(world)
    app = "login" if limit == "app" else ""
    assert uses(world) == [(limit, app, WindowUsage(0, TIGHT, 0))]
    for count in range(3):
        assert refused(world, count) is None
        world.advance(200)
    ((_, _, shown),) = uses(world)
    assert (shown.used, shown.full) == (3, True)
    assert refused(world, 4) == (limit, shown.frees)
    world.advance(shown.frees)
    assert not uses(world)[0][2].full
    assert refused(world, 4) is None


def test_a_window_with_room_shows_when_its_oldest_expires(world: World) -> None:
    world = world.within(only("day", TIGHT))
    align(world)
    for count in range(2):
        world.store.reserve(new(world, count))
        world.advance(200)
    ((_, _, shown),) = uses(world)
    assert shown.used == 2
    world.advance(shown.frees - 0.001)
    assert uses(world)[0][2].used == 2
    world.advance(0.001)
    assert uses(world)[0][2].used == 1


def test_a_limit_lowered_below_its_use_shows_the_longer_wait(world: World) -> None:
    """It has room only once enough of them have expired."""
    wide_limits = world.within(only("day", TIGHT))
    align(world)
    for count in range(3):
        wide_limits.store.reserve(new(wide_limits, count))
        wide_limits.advance(200)
    narrow = world.within(only("day", Window(1, HOUR)))
    ((_, _, shown),) = uses(narrow)
    assert shown.used == 3
    assert refused(narrow, 4) == ("day", shown.frees)


def test_a_numbers_own_windows_show_their_counts(world: World) -> None:
    """Starts and guesses, each with its seconds."""
    own = world.under(NumberLimits(cooldowns=(0,), starts=(TIGHT,), failures=(Window(3, HOUR),)))
    assert own.operator.diagnose(NUMBER, "RU", []).budgets == ()
    for _ in range(2):
        begun = own.start()
        own.advance(100)
    own.check(begun, WRONG)
    (budget,) = own.operator.diagnose(NUMBER, "RU", []).budgets
    assert (budget.wait, budget.failures_in_a_row) == (None, 1)
    assert budget.starts == (WindowUsage(2, TIGHT, HOUR - 200),)
    assert budget.guesses == (WindowUsage(1, Window(3, HOUR), HOUR),)
    own.start()
    own.advance(100)
    (budget,) = own.operator.diagnose(NUMBER, "RU", []).budgets
    assert budget.starts == (WindowUsage(3, TIGHT, HOUR - 300),)
    assert budget.wait == Wait("number", (HOUR - 300) * 1000)
    assert own.refusal() == ("number", HOUR - 300)


@pytest.mark.parametrize(("wide_limits", "limit"), [(GUARDED, "prefix"), (CLOSED, "country")])
def test_the_guards_counts_are_shown_before_it_blocks(
    world: World, wide_limits: WideLimits, limit: str
) -> None:
    """Its counts stay with its block."""
    world = world.within(wide_limits)
    call(world, 20, approved=3)
    scope = PREFIX if limit == "prefix" else "RU"
    shown = world.operator.diagnose(f"{PREFIX}0001", "RU", [])
    assert ConversionCount(limit, 20, 3) in shown.shares
    assert [one.limit for one in shown.refusals] == ["conversion"]
    assert refusal(world) == ("conversion", HOUR)
    (restriction,) = world.operator.restrictions()
    now = world.now
    assert restriction == Restriction(
        "conversion", scope, "block", HOUR, level=1, total=20, count=3, since=now
    )
    shown = world.operator.diagnose(f"{PREFIX}0001", "RU", [])
    assert ConversionCount(limit, 0, 0) in shown.shares
    assert [one.limit for one in shown.refusals] == ["conversion"]


def test_a_diagnosis_changes_nothing(world: World) -> None:
    """Although the guard would block with the next start."""
    world = world.within(GUARDED)
    call(world, 20)
    kept = world.dump()
    for _ in range(3):
        world.operator.diagnose(f"{PREFIX}0001", "RU", ["login"])
        world.operator.restrictions()
    assert world.dump() == kept
    assert world.notices == []


def test_an_expired_restriction_cannot_be_ended(world: World) -> None:
    """Although a guard remembers it for a day."""
    world = world.within(GUARDED)
    call(world, 20)
    assert refusal(world) == ("conversion", HOUR)
    operator = world.operator
    assert operator.set_rule(PREFIX, "block", 60) == 1
    assert operator.set_rule(PREFIX, "allow", 60) == 2
    world.advance(HOUR)
    assert operator.restrictions() == []
    assert operator.set_rule(PREFIX, "none") == 0


def test_unlock_returns_the_number_of_forgotten_guesses(world: World) -> None:
    """Of all its budgets. Nothing is returned for an unknown number."""
    assert world.operator.unlock(NUMBER) is None
    begun = world.start()
    for _ in range(2):
        world.check(begun, WRONG)
    assert world.operator.unlock(NUMBER) == 2
    assert world.operator.unlock(NUMBER) == 0
    (budget,) = world.operator.diagnose(NUMBER, "RU", []).budgets
    assert budget.guesses[0].used == 0


BROKEN = Failed("no balance", refund=True, kind=FailureKind.ACCOUNT)


def test_resume_ends_every_pause(world: World) -> None:
    """The operator's, the breaker's, or both; and returns which."""
    world = world.within(replace(world.wide_limits, breaker=BreakerPolicy(1, pause=60, probing=17)))
    for operator in (True, False):
        for breaker in (True, False):
            if breaker:
                with_outcome(world, new(world, 1), BROKEN)
            if operator:
                world.operator.pause(60)
            ready = world.store.ready()
            assert (ready.calls_paused, ready.breaker_open) == (operator, breaker)
            assert world.operator.resume() == Resumed(operator=operator, breaker=breaker)
            assert world.operator.restrictions() == []
            with_outcome(world, new(world, 2), Failed("", refund=True))


# -- what is shown is what refuses ---------------------------------------------------------------

OTHERS = ("+79179136788", "+79179136789", "+79160000001", "+77010000001")
"""Two of the number's prefix, one of its country, one of another."""
TESTED = "+79179130009"
DEVICES = ("", "device A", "device B")
TIGHT_LIMITS = {
    "prefix": {"prefix": (Window(2, HOUR), Window(3, DAY))},
    "country": {"country": (Window(3, HOUR),)},
    "app": {"app": (Window(4, 2 * HOUR),)},
    "day": {"day": (Window(5, DAY),)},
    "conversion": {"conversion_prefix": ConversionThreshold(2, 0.5, blocks=True)},
    "breaker": {"breaker": BreakerPolicy(2, pause=200, probing=17)},
}


def with_outcome(world: World, begun: NewVerification, outcome: CallOutcome) -> None:
    world.store.reserve(begun)
    world.store.record(begun, outcome)


class Past:
    """Events before an operator looks. A refused event does not happen."""

    def __init__(self, world: World) -> None:
        self.world = world

    def begin(self, number: str, device: str = "") -> NewVerification:
        begun = self.world.new(number, device=device)
        code = "1234" if number == TESTED else None
        return replace(begun, country=country_of(number), test_code=code)

    def called(
        self, number: str = NUMBER, device: str = "", outcome: CallOutcome | None = None
    ) -> str:
        """Start; return the id if it was let through."""
        begun = self.begin(number, device)
        try:
            with_outcome(self.world, begun, outcome or Placed(begun.id, "7917", 11))
        except (CallsPaused, CallsSuspended, LimitReached):
            return ""
        return begun.id

    def logs_in(self, device: str = "device A") -> None:
        found = self.called(device=device)
        if found:
            self.world.store.check(found, APP, [RIGHT], Nonce("right"))

    def guesses(self, device: str = "") -> None:
        found = self.called(device=device)
        for count in range(3 if found else 0):
            self.world.store.check(found, APP, [WRONG], Nonce(f"wrong {count}"))

    def fails(self) -> None:
        """Two calls to another country fail because of the provider."""
        for _ in range(2):
            self.called(OTHERS[3], outcome=BROKEN)

    def works(self) -> None:
        """It fails, and a probe that succeeds ends the breaker's pause."""
        self.fails()
        self.world.advance(201)
        self.called(OTHERS[3])

    def is_used_up(self) -> None:
        """All other numbers of the prefix are called, and none is verified."""
        for number in OTHERS[:2]:
            self.called(number)
        self.world.advance(SETTLED)

    def crowds_an_owner_out(self) -> None:
        """So that a device has only the starts that a prefix reserves for known ones."""
        self.logs_in("device A")
        self.is_used_up()
        for _ in range(2):
            self.called(device="device A")
            self.world.advance(70)


SPANS = (30, 1800, 2 * DAY)
Event = Callable[[Past], object]


def events() -> st.SearchStrategy[Event]:
    called = st.sampled_from([NUMBER, TESTED, *OTHERS, *OTHERS])
    lasts = st.sampled_from([1, 70, 150, SETTLED, 700, HOUR, 3 * HOUR])
    return st.one_of(
        called.map(lambda number: lambda past: past.called(number)),
        st.sampled_from(DEVICES[1:]).map(lambda one: lambda past: past.logs_in(one)),
        st.sampled_from(DEVICES).map(lambda one: lambda past: past.guesses(one)),
        lasts.map(lambda seconds: lambda past: past.world.advance(seconds)),
        st.just(Past.is_used_up),
        st.just(Past.crowds_an_owner_out),
    )


def at_last() -> st.SearchStrategy[Event]:
    """Return an action of the operator or the provider; mostly none."""
    scopes = st.sampled_from(["+7", NUMBER[:-4], NUMBER[:-2]])
    kinds, spans = st.sampled_from(["block", "allow"]), st.sampled_from(SPANS)
    rules = st.tuples(scopes, kinds, spans)
    nothing = st.just(lambda past: None)
    return st.one_of(
        *[nothing] * 4,
        st.sampled_from([Past.fails, Past.fails, Past.works]),
        rules.map(lambda rule: lambda past: past.world.operator.set_rule(*rule)),
        spans.map(lambda seconds: lambda past: past.world.operator.pause(seconds)),
    )


def pasts() -> st.SearchStrategy[list[Event]]:
    many = st.lists(events(), min_size=2, max_size=10)
    return st.builds(lambda past, last: [*past, last], many, at_last())


@st.composite
def worlds(draw: st.DrawFn) -> tuple[NumberLimits, WideLimits]:
    """Draw settings under which few limits are tight, some of them in dry run."""
    tight = draw(st.lists(st.sampled_from(sorted(TIGHT_LIMITS)), unique=True, max_size=2))
    dry = frozenset(draw(st.sampled_from([(), (), (), tuple(tight), ("cooldown", "number")])))
    number_limits = NumberLimits(
        cooldowns=draw(st.sampled_from([(0,), (0,), (60, 300)])),
        starts=(Window(4, 600), Window(6, DAY)),
        failures=(Window(draw(st.sampled_from([4, 9])), DAY),),
        lock_after=draw(st.sampled_from([3, 9])),
        dry_run=dry,
    )
    wide_limits = replace(OPEN, dry_run=dry - {"breaker"})
    for limit in tight:
        wide_limits = replace(wide_limits, **TIGHT_LIMITS[limit])
    return number_limits, wide_limits


def expected(shown: Diagnosis, device: str, dry: frozenset[str]) -> tuple[frozenset[str], int]:
    """Return what refuses a start of a device according to the diagnosis: one of these names, and
    for how long; no name if it is let through."""
    budgets = {budget.device: budget for budget in shown.budgets}
    whose = Callers.DEVICES if device and device in budgets else Callers.STRANGERS
    waits = [
        (one.limit, one.seconds) for one in shown.refusals if one.callers in (Callers.ALL, whose)
    ]
    for pause in ("rule", "pause", "breaker"):  # before everything else
        if pause in dict(waits):
            return frozenset({pause}), dict(waits)[pause]
    for limit, app, use in shown.uses:
        if app and use.full and limit not in dry:
            waits.append((limit, use.frees))
    budget = budgets.get(device, budgets.get(""))
    if budget and budget.wait:
        waits.append((budget.wait.limit, budget.wait.seconds))
    longest = max((seconds for _, seconds in waits), default=0)
    spent = [name for name, _ in waits if name in GUESS_BUDGETS]
    return frozenset(spent or [name for name, wait in waits if wait == longest]), longest


def met(past: Past, number: str, device: str) -> tuple[str, int]:
    """Return what refuses a start, and for how long."""
    try:
        past.world.store.reserve(past.begin(number, device))
    except DestinationBlocked as block:
        return "rule", block.seconds
    except CallsPaused as paused:
        return "pause", paused.retry_after
    except CallsSuspended as suspended:
        return "breaker", suspended.retry_after
    except LimitReached as limit:
        return limit.limit, limit.retry_after
    return "", 0


def under(limit: str = "", **own: object) -> tuple[NumberLimits, WideLimits]:
    """Return settings under which one limit over all numbers is tight, and without a cooldown."""
    return replace(NumberLimits(cooldowns=(0,)), **own), replace(
        OPEN, **TIGHT_LIMITS.get(limit, {})
    )


def owner_calls(past: Past) -> None:
    past.called(device="device A")


def owner_guesses(past: Past) -> None:
    past.guesses("device A")


def two_hours_pass(past: Past) -> None:
    past.world.advance(2 * HOUR)


def operator_blocks(past: Past) -> None:
    past.world.operator.set_rule(NUMBER[:-4], "block", 60)


def operator_pauses(past: Past) -> None:
    past.world.operator.pause(60)


LOGGED_IN, CROWD, CROWDED = Past.logs_in, Past.is_used_up, Past.crowds_an_owner_out
KINDS: list[tuple[tuple[NumberLimits, WideLimits], list[Event]]] = [
    (under("prefix"), [CROWDED]),
    (under("prefix"), [LOGGED_IN, CROWD, two_hours_pass, CROWD, owner_calls, owner_calls]),
    (under("prefix"), [CROWDED, operator_blocks]),
    *((under(limit), [LOGGED_IN, CROWD, CROWD]) for limit in ("country", "app", "day")),
    (under("conversion"), [CROWD]),
    (under("breaker"), [LOGGED_IN, Past.fails]),
    (under(), [LOGGED_IN, operator_blocks]),
    (under(), [LOGGED_IN, operator_pauses]),
    (under(cooldowns=(60,)), [LOGGED_IN, owner_calls, Past.called]),
    (under(starts=(Window(1, HOUR),)), [LOGGED_IN, owner_calls, Past.called]),
    (under(failures=(Window(2, DAY),)), [LOGGED_IN, owner_guesses, Past.guesses]),
    (under(lock_after=3), [LOGGED_IN, owner_guesses, Past.guesses]),
]
"""Each kind of refusal once; the others are drawn."""
STRANGERS_AND_DEVICES = [
    *("", "pause", "breaker", "rule", "prefix", "country", "app", "day"),
    *("cooldown", "number", "failures", "locked"),
]
SEEN = {(name, caller) for name in STRANGERS_AND_DEVICES for caller in ("stranger", "known")}
SEEN |= {("conversion", "stranger"), *((name, "test") for name in ("", "pause", "rule", "prefix"))}
NEVER = {("conversion", "known"), ("conversion", "test"), ("breaker", "test")}
"""A guard's block is for strangers, and no call is placed for a test number."""


@pytest.mark.slow
def test_a_diagnosis_shows_what_refuses(world: World) -> None:
    """A stranger's start, a known device's and a test number's, whatever has happened before."""
    seen = set()

    @settings(
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=120,
        suppress_health_check=list(HealthCheck),
    )
    @given(rules=worlds(), past=pasts())
    def holds(rules: tuple[NumberLimits, WideLimits], past: list[Event]) -> None:
        world.client.flushall()
        world.advance(0)
        live = world.under(rules[0]).within(rules[1])
        for event in past:
            event(Past(live))
        for number, device in [(NUMBER, device) for device in DEVICES] + [(TESTED, "")]:
            shown = live.operator.diagnose(number, "RU", [APP], test=number == TESTED)
            limits, seconds = expected(shown, device, live.number_limits.dry_run)
            limit, wait = met(Past(live), number, device)
            assert (limit in limits, wait) == (bool(limits), seconds), (limits, limit)
            known = device and any(budget.device == device for budget in shown.budgets)
            caller = "test" if number == TESTED else "known" if known else "stranger"
            seen.update((name, caller) for name in limits or {""})

    for rules, past in KINDS:
        holds = example(rules=rules, past=past)(holds)
    holds()
    assert seen >= SEEN
    assert not seen & NEVER
