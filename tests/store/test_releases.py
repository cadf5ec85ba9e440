"""Releases side by side over the same data: their libraries, and what each keeps of the other's."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis

from tests.store.world import (
    APP,
    CLOCK_KEY,
    NUMBER,
    OPEN,
    OTHER_NUMBER,
    RIGHT,
    STATISTICS,
    WRONG,
    World,
)
from verify_service.domain.calls import CallState, Failed, FailureKind, Unknown
from verify_service.domain.errors import LimitReached
from verify_service.domain.limits import (
    DAY,
    HOUR,
    BreakerPolicy,
    ConversionThreshold,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import State, Verdict, Verification, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys
from verify_service.store.connection.client import Client, Command
from verify_service.store.functions import Functions
from verify_service.store.libraries import keep_three

pytestmark = pytest.mark.slow
"""Together they take seconds."""

WEEKS = NumberLimits(cooldowns=(0,), starts=(Window(3, 14 * DAY), Window(40, 30 * DAY)))
MANY = NumberLimits(
    cooldowns=(0,), starts=(Window(30, DAY),), failures=(Window(30, DAY),), lock_after=100
)
STRICT = replace(MANY, starts=(Window(5, DAY),), failures=(Window(9, DAY),))


def libraries(client: redis.Redis) -> set[str]:
    """Return the names of all libraries."""
    listed = client.execute_command("FUNCTION", "LIST")
    return {str(library[1]) for library in listed}


def test_two_libraries_run_side_by_side(world: World) -> None:
    """One starts, the other checks, each under its own limits; neither replaces the other."""
    other = world.under(replace(NumberLimits(), max_checks=5, code_ttl=60))
    assert world.functions.name != other.functions.name
    first = world.start()
    second = other.start(OTHER_NUMBER)
    assert (first.checks_left, first.expires_in) == (3, 300)
    assert (second.checks_left, second.expires_in) == (5, 60)
    assert other.check(first, WRONG).verification.checks_left == 2
    assert world.check(second, WRONG).verification.checks_left == 4
    assert world.check(second).verdict is Verdict.RIGHT
    assert other.check(first).verdict is Verdict.RIGHT
    assert {world.functions.name, other.functions.name} <= libraries(world.client)


# -- what each keeps of the other's ------------------------------------------------------------


def test_a_shorter_horizon_forgets_no_start(world: World) -> None:
    """Three in a fortnight stay three, although a release that reads one day starts and checks."""
    long, short = world.under(WEEKS), world.under(STRICT)
    for one in (long, short, long):
        one.check(one.start(), WRONG)
        world.advance(4 * DAY)
        short.report(FlashCallStatus.ANSWERED, request=f"unasked {world.now}")
    assert short.refusal() is None
    assert long.refusal() == ("number", 2 * DAY + 4 * DAY)


def test_a_smaller_window_forgets_no_event(world: World) -> None:
    """30 a day stay 30, although a release that counts to nine writes in between."""
    many, few = world.under(MANY), world.under(STRICT)
    for _ in range(8):
        verification = many.start()
        for _ in range(3):
            many.check(verification, WRONG)
    pending = [many.start() for _ in range(2)]
    few.store.cancel(pending[0].id, APP)
    few.report(FlashCallStatus.ANSWERED, request="unasked")
    assert few.refusal() == ("failures", DAY)
    assert world.used().failures == 24
    last = many.start()
    guesses = [many.check(one, WRONG).verdict for one in (pending[1], last) for _ in range(3)]
    assert guesses == [Verdict.WRONG] * 6
    assert many.refusal() == ("failures", DAY)


def test_a_roll_back_counts_the_new_releases_starts(world: World) -> None:
    """After going back and forth: starts under the wide limits count under the strict ones."""
    old, new = world.under(STRICT), world.under(MANY)
    for one in (old, old, new, new, new, new):
        one.start()
    assert old.refusal() == ("number", DAY)
    assert new.refusal() is None
    world.advance(DAY)
    assert old.refusal() is None


def test_a_lock_is_kept_by_a_release_that_would_not_lock(world: World) -> None:
    """Its run is still counted, for 90 days."""
    locking = world.under(replace(STRICT, lock_after=9))
    other = world.under(replace(STRICT, lock_after=30))
    for _ in range(3):
        verification = other.start()
        for _ in range(3):
            other.check(verification, WRONG)
    world.advance(2 * DAY)
    assert other.store.reserve(other.new()).verification.guess_block is None
    assert locking.refusal() == ("locked", 88 * DAY)


def test_neither_forgets_the_others_windows(world: World) -> None:
    """One counts hours, the other days: the writes of the first shorten nothing of the second."""
    hours = world.within(replace(OPEN, day=(Window(2, HOUR),)))
    days = world.within(replace(OPEN, day=(Window(4, DAY),)))
    numbers = map("+7917913{:04}".format, range(100))
    assert [days.refusal(next(numbers)) for _ in range(3)] == [None] * 3
    assert [hours.refusal(next(numbers)) is None for _ in range(3)] == [True, True, False]
    world.advance(5 * HOUR)
    assert hours.refusal(next(numbers)) is None
    assert days.refusal(next(numbers)) is None
    assert (days.refusal(next(numbers)) or ("",))[0] == "day"
    assert hours.refusal(next(numbers)) is None
    assert (hours.refusal(next(numbers)) or ("",))[0] == "day"


def test_a_window_that_both_have_is_counted_together(world: World) -> None:
    first = world.within(replace(OPEN, app=(Window(3, DAY), Window(2, HOUR))))
    second = world.within(replace(OPEN, app=(Window(3, DAY), Window(9, 600))))
    numbers = map("+7917913{:04}".format, range(100))
    assert [one.refusal(next(numbers)) for one in (first, second, second)] == [None] * 3
    assert [(one.refusal(next(numbers)) or ("",))[0] for one in (first, second)] == ["app", "app"]


def test_a_window_of_a_past_release_expires(world: World) -> None:
    """Once its last event has expired: the windows of past releases do not accumulate."""
    sizes = []
    for count in range(30):
        release = world.within(replace(OPEN, app=(Window(1000, HOUR), Window(1000, 7200 + count))))
        release.start(f"+7917913{count:04}")
        sizes.append(world.client.strlen(keys.limit("app", APP)))
        world.advance(HOUR)
    assert max(sizes) == max(sizes[:6]) < 400


def test_the_conversion_guard_keeps_both_spans(world: World) -> None:
    """It counts by the code's life, which may differ: each blocks by its own counts."""
    guarded = replace(OPEN, conversion_prefix=ConversionThreshold(5, 0.2, blocks=True))
    first, second = world.within(guarded), world.within(replace(guarded, code_ttl=900))
    for count in range(5):
        first.start(f"+7917913{count:04}")
        second.start(f"+7917913{count + 50:04}")
    world.advance(500)
    assert first.refusal("+79179131000") == ("conversion", HOUR)
    assert second.refusal("+79179131000") == ("conversion", HOUR)


def test_a_release_without_a_breaker_keeps_the_others_pause(world: World) -> None:
    breaking = world.within(replace(OPEN, breaker=BreakerPolicy(1, pause=10, probing=4)))
    breaking.record(breaking.reserve(), Unknown("timeout"))
    kept = world.dump()[keys.BREAKER]
    world.start(OTHER_NUMBER)
    assert world.dump()[keys.BREAKER] == kept
    assert breaking.store.ready().breaker_open


NEXT = {"of": "a later release", "and": [1, 2], "so": {"on": 3}}
"""A member that this release does not know."""


def objects(client: redis.Redis) -> dict[tuple[str, str], Any]:
    """Return every stored object that decisions read, by its key and its field in a hash."""
    found = {}
    for key in client.scan_iter():
        if key.startswith(STATISTICS):
            continue
        if client.type(key) == "hash":
            found |= {(key, field): json.loads(text) for field, text in client.hgetall(key).items()}
        elif key != CLOCK_KEY:
            found[key, ""] = json.loads(client.get(key))
    return found


def mark(client: redis.Redis) -> dict[tuple[str, str], Any]:
    """Write it into every object, and into the objects in it; return all of them."""
    for (key, field), value in objects(client).items():
        text = json.dumps(_marked(value))
        if field:
            client.hset(key, field, text)
        else:
            client.set(key, text, keepttl=True)
    return objects(client)


def _marked(value: Any) -> Any:
    """Mark an object and those in it, except maps by names of ours (calls, guesses)."""
    if isinstance(value, list):
        return [_marked(one) if isinstance(one, dict) else one for one in value]
    inner = {
        name: {of: _marked(one) for of, one in member.items()}
        if name in ("calls", "guesses")
        else _marked(member)
        for name, member in value.items()
        if isinstance(member, (dict, list))
    }
    return value | inner | {"next": NEXT}


def unmarked(before: Any, after: Any, path: str = "") -> list[str]:
    """Return which objects that are still there have lost it."""
    if isinstance(before, list) and isinstance(after, list):
        pairs = [(str(at), *pair) for at, pair in enumerate(zip(before, after, strict=False))]
    elif isinstance(before, dict) and isinstance(after, dict):
        pairs = [(name, before[name], after[name]) for name in before.keys() & after.keys()]
        if before.get("next") != after.get("next"):
            return [path]
    else:
        return []
    return [lost for name, *pair in pairs for lost in unmarked(*pair, f"{path} {name}")]


def test_members_of_a_later_release_are_kept(world: World) -> None:
    """After a roll back every decision works over them and does not change them."""
    everything = replace(WideLimits(), breaker=BreakerPolicy(5, pause=10, probing=4))
    world = world.under(replace(STRICT, starts=(Window(50, DAY),))).within(everything)
    world.check(world.start(device="device 1"))
    new_ones = [
        replace(world.new(device=device, key=f"key {count}"), client="client", country="RU")
        for count, device in enumerate(["", "device 1", "device 1"])
    ]
    for new in new_ones:
        world.store.reserve(new)
    world.record(world.reserve(OTHER_NUMBER), Unknown("timeout"))
    world.report(FlashCallStatus.ANSWERED, request="unasked")
    world.operator.set_rule("+7999", "block", HOUR)
    world.operator.pause(5)
    world.operator.resume()
    marked = mark(world.client)
    assert (keys.RESTRICTIONS, "rule +7999") in marked

    world.store.record(new_ones[0], Unknown("timeout"))
    world.store.record(new_ones[1], Failed("no balance", refund=True, kind=FailureKind.ACCOUNT))
    world.store.reserve(replace(new_ones[0], id=world.ids.create(NUMBER)))
    first, last = (world.store.status(new.id, new.app) for new in (new_ones[0], new_ones[2]))
    world.check(last, WRONG)
    assert world.check(last).verdict is Verdict.RIGHT
    world.store.cancel(first.id, APP)
    world.report(FlashCallStatus.ANSWERED, request="another")
    world.reserve(device="device 1")
    world.operator.unlock(NUMBER)
    world.operator.set_rule("+7998", "block", HOUR)
    world.operator.restrictions()
    world.operator.diagnose(NUMBER, "RU", [APP])
    assert unmarked(marked, objects(world.client)) == []
    assert marked.keys() <= objects(world.client).keys()


# -- a library that is gone --------------------------------------------------------------------


def test_a_flushed_library_is_loaded_by_the_next_call(real: World) -> None:
    """Before each step of a verification; each step happens once."""
    flush = real.client.function_flush
    flush()
    verification = real.start()
    flush()
    assert real.check(verification, WRONG).verdict is Verdict.WRONG
    flush()
    assert real.report(FlashCallStatus.ANSWERED, request="request-1")
    flush()
    assert real.check(verification, RIGHT).verdict is Verdict.RIGHT
    flush()
    stands = real.status(verification)
    assert (stands.state, stands.checks_left) == (State.APPROVED, 1)
    assert stands.call.state is CallState.DELIVERED
    flush()
    assert real.refusal() is None
    flush()
    assert real.used().starts == 2


class Removing:
    """A client whose server loses its functions, this often, right after they are loaded."""

    def __init__(self, client: Client, plain: redis.Redis, times: int) -> None:
        self._client, self._plain, self._times = client, plain, times
        self.longest_send_seconds = client.longest_send_seconds

    def send(self, *commands: Command, **more: float) -> list[Any]:
        replies = []
        for command in commands:
            replies += self._client.send(command, **more)
            if command[:2] == ("FUNCTION", "LOAD") and self._times:
                self._times -= 1
                self._plain.function_flush()
        return replies


def test_a_library_that_is_removed_before_it_is_called_is_loaded_again(real: World) -> None:
    real.client.function_flush()
    removing = Removing(real.connected, real.client, times=2)
    world = World(real.client, None, real.number_limits, connected=removing)  # type: ignore[arg-type]
    assert world.start().state is State.PENDING
    assert real.used().starts == 1


def test_libraries_flushed_under_load_are_loaded_and_nothing_happens_twice(real: World) -> None:
    """20 threads over two releases, while the functions disappear 24 times: each start counts once,
    each code is right once, and each number's window is exact."""
    number_limits = NumberLimits(cooldowns=(0,), starts=(Window(4, DAY),))
    releases = [real.under(number_limits), real.under(replace(number_limits, code_ttl=200))]
    numbers = [f"+7917{count:07}" for count in range(60)]
    steps = itertools.count(1)

    def flush_now_and_then() -> None:
        if next(steps) % 50 == 0:
            real.client.function_flush()

    def guess(world: World, verification: Verification, digest: str) -> str:
        flush_now_and_then()
        return world.check(verification, digest).verdict

    def live(turn: int) -> list[str]:
        world, other = releases if turn % 2 else releases[::-1]
        flush_now_and_then()
        try:
            begun = world.start(numbers[turn // 8])
        except LimitReached as refused:
            return [refused.limit]
        guesses = (other, WRONG), (world, RIGHT), (other, RIGHT)
        return ["let through", *(guess(one, begun, digest) for one, digest in guesses)]

    turns = list(range(8 * len(numbers)))
    random.Random(27).shuffle(turns)  # noqa: S311 - an order, no secret
    with ThreadPoolExecutor(20) as crowd:
        seen = Counter(word for words in crowd.map(live, turns) for word in words)
    assert next(steps) > 24 * 50
    let_through = 4 * len(numbers)
    assert seen == {
        "let through": let_through,
        "number": let_through,
        "wrong": let_through,
        "right": let_through,
        "ended": let_through,
    }
    assert {real.used(number).starts for number in numbers} == {4}


# -- what the release line keeps ---------------------------------------------------------------


@pytest.fixture
def releases(valkey: redis.Redis) -> list[Functions]:
    """Six releases in their order, on a server without any library."""
    valkey.function_flush()
    choices = [replace(NumberLimits(), code_ttl=100 + count) for count in range(6)]
    return [World(valkey, None, number_limits).functions for number_limits in choices]


def release(functions: Functions) -> None:
    assert list(keep_three(functions)) == []


def names(releases: list[Functions], *which: int) -> set[str]:
    return {releases[one].name for one in which}


def test_three_libraries_are_kept(valkey: redis.Redis, releases: list[Functions]) -> None:
    for functions in releases[:5]:
        release(functions)
    assert libraries(valkey) == names(releases, 2, 3, 4)


def test_a_release_that_is_repeated_counts_once(
    valkey: redis.Redis, releases: list[Functions]
) -> None:
    """Repeated ten times, it removes no other one."""
    for one in (0, 1, 2, *[2] * 10):
        release(releases[one])
    assert libraries(valkey) == names(releases, 0, 1, 2)


def test_a_roll_back_is_the_newest_release(valkey: redis.Redis, releases: list[Functions]) -> None:
    """Its predecessor is kept, and one that is no longer used is removed first."""
    for one in (0, 1, 2, 1):
        release(releases[one])
    assert libraries(valkey) == names(releases, 0, 1, 2)
    release(releases[3])
    assert libraries(valkey) == names(releases, 1, 2, 3)
    release(releases[2])
    release(releases[4])
    assert libraries(valkey) == names(releases, 2, 3, 4)


def test_libraries_of_other_programs_are_kept(
    valkey: redis.Redis, releases: list[Functions]
) -> None:
    """Another program's library, whatever its name, and its functions."""
    foreign = "#!lua name={}\nredis.register_function('{}', function() return 1 end)"
    theirs = ["theirs", "verify_0", "my_verify_0", "Verify_0123456789abcdef"]
    for name in theirs:
        valkey.function_load(foreign.format(name, f"f_{name}"))
    for functions in releases:
        release(functions)
    assert libraries(valkey) == names(releases, 3, 4, 5) | set(theirs)
    assert valkey.fcall("f_theirs", 0) == 1


def test_a_library_that_was_removed_too_early_is_loaded_again(valkey: redis.Redis) -> None:
    """A process of three releases ago continues; the next release removes its library again."""
    valkey.function_flush()
    worlds = [World(valkey, None, replace(NumberLimits(), code_ttl=100 + n)) for n in range(5)]
    verification = worlds[0].start()
    for world in worlds[:4]:
        release(world.functions)
    assert worlds[0].functions.name not in libraries(valkey)
    assert worlds[0].check(verification).verdict is Verdict.RIGHT
    assert worlds[0].functions.name in libraries(valkey)
    release(worlds[4].functions)
    assert libraries(valkey) == {world.functions.name for world in worlds[2:]}


def test_the_list_of_libraries_expires(valkey: redis.Redis, releases: list[Functions]) -> None:
    """It is one small key; without it the next release begins a new one."""
    for functions in releases:
        release(functions)
    assert 0 < valkey.ttl(keys.LIBRARIES) <= 90 * DAY
    assert valkey.strlen(keys.LIBRARIES) <= 100
    valkey.delete(keys.LIBRARIES)
    release(releases[0])
    assert libraries(valkey) == names(releases, 0)


def test_concurrent_releases_leave_three(valkey: redis.Redis, releases: list[Functions]) -> None:
    """Two concurrent releases: no error, and at most three libraries after the next one."""
    barrier = threading.Barrier(5)

    def together(functions: Functions) -> list[object]:
        barrier.wait(10)
        return list(keep_three(functions))

    with ThreadPoolExecutor(5) as crowd:
        assert list(crowd.map(together, releases[:5])) == [[]] * 5
    release(releases[5])
    assert len(libraries(valkey)) <= 3
    assert releases[5].name in libraries(valkey)
