"""The memory for a number: bounded while it is pending, and none in the end.

Measured by MEMORY USAGE on Valkey 9, with all that may be stored of a verification that still waits
for its last guess: a device, a callback, two wrong guesses. Bytes, its share of the number's key
included; the allocator adds another 16 to some keys, see `usage`:

    64 characters of reference   without Idempotency-Keys   start and both guesses under one each
    none                           784                        1024
    1 byte each (Latin)            864                        1104
    2 bytes each (Cyrillic)        928                        1168
    3 bytes each (Chinese)         992                        1232
    4 bytes each (emoji)          1056                        1296
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
import redis

from tests.store.world import APP, COUNTED, NUMBER, OTHER_NUMBER, WRONG, KeptClock, World
from verify_service.domain import events
from verify_service.domain.calls import CallOutcome, CallState, Failed, Placed, Unknown
from verify_service.domain.errors import LimitReached
from verify_service.domain.idempotency import IdempotencyKeys, KeyedRequest
from verify_service.domain.limits import (
    DAY,
    LOCK_SECONDS,
    WAITING_SECONDS,
    WIDE_LIMITS,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Verification, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys

pytestmark = pytest.mark.slow
"""Together they take seconds."""

PER_VERIFICATION = 1000
"""Bytes, with its share of the number's key."""
OF_EMOJI_ONLY = 1100
"""The same for a reference of 64 characters that take four bytes each: no script has these."""
FOR_KEYS = 240
"""More bytes if the start and both guesses came under Idempotency-Keys."""
FOR_EVENTS = 64
"""More bytes of a verification whose app receives events."""
OF_AN_EVENT = 900
"""Bytes of an undelivered event."""
OF_AN_OUTBOX = 1500
"""Bytes of the keys of one undelivered event that was sorted in. They are 300 without events."""
OF_A_FULL_OUTBOX = 26_000_000
"""Bytes of the undelivered events of an app, as `docs/operate.md` and `docs/events.md` have it."""
OF_A_NUMBER = 2700
"""Characters that a number keeps, every budget used up, with 23 calls that can still be read."""
OF_TURNS = 4500
"""The same after a day on which twenty devices verified it in turn, without its calls."""
OF_A_RUN = 200
"""Bytes of a number with only a run of failures. They live for 90 days."""
OF_A_SPRAYED_NUMBER = 600
"""Bytes of the same number without later writes: a day's starts, guesses and calls."""
OF_A_PLACE = 160
"""Bytes of a limit over many numbers for one scope with one start."""
OF_A_KEY = 200
"""Bytes of an Idempotency-Key, beside the verification it leads to."""
REFERENCES = [
    pytest.param(None, PER_VERIFICATION, id="none"),
    pytest.param("r" * 64, PER_VERIFICATION, id="1 byte each"),
    pytest.param("я" * 64, PER_VERIFICATION, id="2 bytes each"),
    pytest.param("漢" * 64, PER_VERIFICATION, id="3 bytes each"),
    pytest.param("😀" * 64, OF_EMOJI_ONLY, id="4 bytes each"),
]
ANY_REFERENCE = pytest.mark.parametrize(("reference", "bound"), REFERENCES)
ANY_KEY = pytest.mark.parametrize("keyed", [False, True], ids=["plain", "keyed"])
DIGESTS = IdempotencyKeys(b"secret of the Idempotency-Keys' digests")


LEAST_USAGE = """
local copies, least = {}, math.huge
for number = 100, 999 do
  local copy = KEYS[1]:sub(1, -5) .. '!' .. number
  redis.call('COPY', KEYS[1], copy)
  least = math.min(least, redis.call('MEMORY', 'USAGE', copy, 'SAMPLES', 0))
  copies[#copies + 1] = copy
end
redis.call('DEL', unpack(copies))
return least
"""


def usage(client: redis.Redis, key: str) -> int:
    """Return the MEMORY USAGE of a key: the least of 900 copies under names of the same length.

    glibc assigns 16 bytes more than are needed if it finds a free block of that size, because it
    splits no block for so little. Former tests may have left many: ten copies at once got one each.
    """
    return int(client.eval(LEAST_USAGE, 1, key))


def bytes_used(world: World) -> int:
    return sum(usage(world.client, key) for key in world.dump())


def number_size(world: World, number: str = NUMBER) -> int:
    """Return the characters in a number's own key."""
    return int(world.client.strlen(keys.number(world.ids.tag(number))))


def pending(
    world: World, reference: str | None, outcome: CallOutcome, *, keyed: bool
) -> Verification:
    """Make a verification that waits for its last guess, with all that may be stored of it."""

    def request(name: str) -> KeyedRequest | None:
        return KeyedRequest(name, "body") if keyed else None

    new = replace(world.new(reference=reference, device="device 1"), country="RU")
    if keyed:
        new = replace(new, idempotency=DIGESTS.binding(APP, KeyedRequest("start", "body")))
    world.store.reserve(new)
    verification = world.store.record(new, outcome)
    for guess in ("first", "second"):
        nonce = DIGESTS.nonce(APP, new.id, request(guess))
        world.store.check(new.id, APP, [WRONG], nonce)
    return world.status(verification)


@ANY_REFERENCE
@ANY_KEY
def test_a_placed_verification_fits_its_bound(
    real: World, reference: str | None, bound: int, keyed: bool
) -> None:
    """After two wrong guesses and with 64 characters of reference: ≤ 1,000 bytes."""
    pending(real, reference, Placed("r" * 500, "7917913", 11), keyed=keyed)
    assert bytes_used(real) <= bound + FOR_KEYS * keyed


@ANY_REFERENCE
@ANY_KEY
def test_a_verification_whose_call_is_lost_fits_its_bound(
    real: World, reference: str | None, bound: int, keyed: bool
) -> None:
    """The same for a call that timed out."""
    pending(real, reference, Unknown("timeout"), keyed=keyed)
    assert bytes_used(real) <= bound + FOR_KEYS * keyed


@ANY_REFERENCE
@ANY_KEY
@pytest.mark.parametrize("status", FlashCallStatus)
def test_a_reported_verification_fits_its_bound(
    real: World, status: FlashCallStatus, reference: str | None, bound: int, keyed: bool
) -> None:
    """The same with the data of a callback."""
    verification = pending(real, reference, Placed("request", "7917913", 11), keyed=keyed)
    assert real.report(status, 1_790_000_000, request="request")
    assert bytes_used(real) <= bound + FOR_KEYS * keyed
    assert real.status(verification).call.state is not CallState.PLACED


@ANY_REFERENCE
@ANY_KEY
def test_a_reserved_verification_fits_its_bound(
    real: World, reference: str | None, bound: int, keyed: bool
) -> None:
    """Before its outcome is known, with its counts in every limit."""
    world = real.within(WideLimits())
    new = replace(world.new(reference=reference, device="d" * 8), client="c" * 19, country="RU")
    if keyed:
        new = replace(new, idempotency=DIGESTS.binding(APP, KeyedRequest("start", "body")))
    world.store.reserve(new)
    shared = sum(usage(world.client, key) for key in world.dump() if key.startswith(COUNTED))
    assert bytes_used(world) - shared <= bound + FOR_KEYS * keyed


def test_the_counts_over_all_numbers_are_small(real: World) -> None:
    """In addition: a client address and the shared scopes, each one key."""
    world = real.within(WideLimits())
    new = replace(world.new(), client="c" * 19, country="RU")
    world.store.reserve(new)
    sizes = {key: usage(world.client, key) for key in world.dump() if key.startswith(COUNTED)}
    assert len(sizes) == len(WIDE_LIMITS) + 2
    assert max(sizes.values()) <= OF_A_PLACE


def test_an_idempotency_key_is_small(real: World) -> None:
    """The cost of a key with each start."""
    binding = DIGESTS.binding(APP, KeyedRequest("k" * 128, "body" * 1000))
    real.store.reserve(replace(real.new(), idempotency=binding))
    key = keys.idempotency_key(binding.name)
    assert usage(real.client, key) <= OF_A_KEY


def test_a_callback_about_an_unknown_number_is_kept_for_ten_minutes(world: World) -> None:
    """For as long as it may wait for its call, and no longer; also if it comes again."""
    key = keys.number(world.ids.tag(NUMBER))
    for stamp, status in enumerate(FlashCallStatus):
        world.report(status, stamp, request=f"unasked {stamp}")
        world.report(status, stamp + 1, request="the same")
        assert int(world.client.pexpiretime(key)) == world.now + WAITING_SECONDS * 1000
    world.advance(WAITING_SECONDS)
    assert world.dump() == {}


def test_a_callback_leaves_the_end_of_what_is_known(world: World) -> None:
    """A number whose starts count for a day is kept for a day, with or without a callback."""
    world.start()
    key = keys.number(world.ids.tag(NUMBER))
    before = world.client.pexpiretime(key)
    world.advance(10)
    world.report(FlashCallStatus.ANSWERED, request="unasked")
    assert world.client.pexpiretime(key) == before


def test_devices_in_turn_and_refused_calls_fit_their_bound(real: World) -> None:
    """Twenty devices, each with nine wrong guesses; each budget has given back what it may."""
    world = real.under(replace(NumberLimits(), cooldowns=(0,), starts=(Window(99, DAY),)))
    for name in range(20):
        device = f"device{name:02}"
        with suppress(LimitReached):
            world.check(world.start(device=device))
            for _ in range(5):
                world.record(world.reserve(device=device), Failed("HTTP 422", refund=True))
            for _ in range(3):
                verification = world.start(device=device)
                for _ in range(3):
                    world.check(verification, WRONG)
    calls = world.client.get(keys.number(world.ids.tag(NUMBER))).count('"request"')
    assert number_size(world) <= OF_TURNS + 70 * calls


def test_a_callback_that_waited_leaves_nothing(world: World) -> None:
    """Whether it was matched before or after its callback came, a number stores the same of a
    call."""
    early, late = world.reserve(), world.reserve(OTHER_NUMBER)
    world.report(FlashCallStatus.ANSWERED, request="early")
    world.record(early, Placed("early", "7917913", 11))
    world.record(late, Placed("late", "7917913", 11))
    assert number_size(world, NUMBER) == number_size(world, OTHER_NUMBER)


def test_a_number_with_every_budget_used_up_fits_its_bound(real: World) -> None:
    """Strangers and three devices, each with five starts and nine wrong guesses today: all of it is
    within what the number's pending verifications may take."""
    world = real.under(replace(NumberLimits(), cooldowns=(0,), starts=(Window(8, DAY),)))
    devices = ["device 1", "device 2", "device 3"]
    for device in devices:
        world.check(world.start(device=device))
    for device in ["", *devices]:
        for turn in range(5):
            verification = world.start(device=device, request=f"{device} {turn}")
            for _ in range(2):
                world.check(verification, WRONG)
    assert world.refusal(device="device 3") == ("failures", DAY)
    assert number_size(world) <= OF_A_NUMBER
    assert bytes_used(world) <= 20 * PER_VERIFICATION


def spray(world: World) -> None:
    """Use up a stranger's guesses of the day."""
    for _ in range(3):
        verification = world.start()
        for _ in range(3):
            world.check(verification, WRONG)
        world.advance(700)


def test_a_run_of_failures_is_small(valkey: redis.Redis, valkey_clock: KeptClock) -> None:
    """It lives for 90 days, and is all that is left after the day, whatever is done next."""
    world = World(valkey, valkey_clock, NumberLimits())
    spray(world)
    key = keys.number(world.ids.tag(NUMBER))
    left_alone = usage(world.client, key)
    world.advance(DAY)
    world.record(world.reserve(), Failed("no connection", refund=True))
    assert usage(world.client, key) <= OF_A_RUN
    assert left_alone <= OF_A_SPRAYED_NUMBER
    world.advance(LOCK_SECONDS - DAY - 701)
    assert key in world.dump()
    world.advance(701)
    assert world.dump() == {}


def test_a_refund_and_a_right_guess_leave_nothing(world: World) -> None:
    """Neither a refund nor the failure that a right guess counts first leaves an empty list."""
    world.check(world.reserve(device="device 1"))
    world.report(FlashCallStatus.ANSWERED, request="unasked", number=OTHER_NUMBER)
    world.record(world.reserve(OTHER_NUMBER), Failed("no connection", refund=True))
    for number in (NUMBER, OTHER_NUMBER):
        assert "{}" not in world.client.get(keys.number(world.ids.tag(number)))


def test_a_busy_number_is_bounded(world: World) -> None:
    """Weeks of starts, guesses and callbacks: a number's own key does not grow."""
    kept = []
    for day in range(20):
        for count in range(4):
            request = f"{day} {count}"
            with suppress(LimitReached):
                world.check(world.start(request=request), WRONG)
            world.report(FlashCallStatus.REJECTED, day, request=request)
            world.report(FlashCallStatus.REJECTED, day, request=f"unasked {request}")
            world.advance(700)
        world.advance(DAY - 2800)
        kept.append(number_size(world))
    assert max(kept) == max(kept[:10]) < PER_VERIFICATION


@ANY_REFERENCE
def test_events_fit_their_bounds(real: World, reference: str | None, bound: int) -> None:
    """A verification of an app that receives events, and each of its events."""
    real.webhook_apps.add(APP)
    pending(real, reference, Placed("request", "7917913", 11), keyed=False)
    assert real.report(FlashCallStatus.UNAVAILABLE, 1_790_000_000, request="request")
    new, entries, due, age = keys.outbox(APP)
    (event,) = real.client.lrange(new, 0, -1)
    assert len(event.encode()) <= OF_AN_EVENT
    real.outbox.take({APP: 1})
    assert sum(usage(real.client, key) for key in (entries, due, age)) <= OF_AN_OUTBOX
    real.client.delete(new, entries, due, age)
    assert bytes_used(real) <= bound + FOR_EVENTS


def test_a_full_outbox_fits_its_bound(real: World) -> None:
    """Of the app with the longest name, each event with the longest reference."""
    app, sample = "a" * 64, 150  # Redis stores up to 128 in another, smaller form
    real.webhook_apps.add(app)
    new, *sorted_in = keys.outbox(app)
    for number in (f"+7917913{last:04}" for last in range(sample)):
        reserved = real.reserve(number, app=app, reference="😀" * 64)
        real.record(reserved, Placed(number, "7917913", 11))
        for stamp in range(events.OUTBOX_EVENTS):
            status = (FlashCallStatus.UNAVAILABLE, FlashCallStatus.REJECTED)[stamp % 2]
            assert real.report(status, 1_790_000_000 + stamp, request=number, number=number)
    of_a_new_event = real.client.memory_usage(new, samples=0) / real.client.llen(new)
    while real.client.exists(new):
        real.outbox.take({app: 0})
    of_a_verification = sum(real.client.memory_usage(key, samples=0) for key in sorted_in) / sample
    full = events.OUTBOX_VERIFICATIONS * (of_a_new_event + of_a_verification)
    assert 0.9 * OF_A_FULL_OUTBOX < full <= OF_A_FULL_OUTBOX
