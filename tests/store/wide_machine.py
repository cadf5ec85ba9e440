"""A random history of many numbers under wide limits, guards and the operator's rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.store.model import SECOND, Model
from tests.store.wide_model import PAUSED, Refusal, Start, WideModel, refusal, seconds
from tests.store.world import RIGHT, WRONG, World, keys_without_ttl
from verify_service.domain.calls import CallOutcome, Failed, FailureKind, Placed, Unknown
from verify_service.domain.diagnosis import ConversionCount, DeviceBudget, Diagnosis, Resumed
from verify_service.domain.errors import (
    CallsPaused,
    DestinationBlocked,
    KeyReused,
    LimitReached,
    VerificationNotFound,
)
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import (
    BLOCKED,
    DAY,
    KNOWN_DEVICE,
    WIDE_LIMITS,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Binding, NewVerification, Window
from verify_service.domain.numbers import country_of
from verify_service.domain.operator import FAILURE_RATE
from verify_service.store import keys
from verify_service.store.connection.client import Client
from verify_service.store.connection.pool import Pool

PREFIXES = ("+7917913", "+7917914", "+7701000")
"""Two in Russia, one in Kazakhstan."""
CALLED = [f"{prefix}000{count}" for prefix in PREFIXES for count in range(3)]
TESTED = "+79179140009"
"""A test number: no call is placed."""
NUMBERS = st.sampled_from([*CALLED[:3], *CALLED, TESTED])
APPS = st.sampled_from(["login", "login", "bank"])
CLIENTS = ["", "client 1", "client 2", "client 3"]
SCOPES = sorted(
    {
        scope
        for number in CALLED
        for app, client in product(["login", "bank"], CLIENTS)
        for scope in Start(number, app, client).scopes.items()
    }
)
RULED = st.sampled_from(["+7917913", "+7917913", "+79179130001"])
HELD = st.sampled_from(["+7", *PREFIXES, "+79179130001", "RU", "KZ", FAILURE_RATE])
KINDS = st.sampled_from(["block", "allow"])
PLACED = Placed("", "7917913", 11)
OUTCOMES = st.sampled_from(
    [
        PLACED,
        Unknown("timeout"),
        Failed("HTTP 500", refund=False),
        Failed("refused", refund=True),
        Failed("refused", refund=True),
    ]
)
TIMES = st.sampled_from([0.001, 1, 29.999, 150, 162.5, 463, 600, 3600, 5400, 12 * 3600, DAY])
SPANS = st.sampled_from([60, 3600, DAY])
"""The durations of the operator's blocks, exemptions and pauses."""
PICKS = st.sampled_from([0, 0, 0, 1, 2, 5])
"""Which verification, counted back from the newest."""
DEVICES = st.sampled_from(["", "device A", "device A", "device B"])
"""Digests of eight characters."""
RARELY = st.sampled_from([False, False, False, False, True])


class Life:
    """One verification: its id in the model and its id in the store."""

    def __init__(self, new: NewVerification, start: Start) -> None:
        self.new, self.start = new, start
        self.recorded = False
        self.guesses = 0


class Crowd(RuleBasedStateMachine):
    """Applies every operation of login flows, the provider and the operator to all numbers."""

    choices: Sequence[tuple[NumberLimits, WideLimits]]
    wire: Wire

    def world(self, number_limits: NumberLimits, wide_limits: WideLimits) -> World:
        raise NotImplementedError

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        number_limits, wide_limits = data.draw(st.sampled_from(self.choices))
        self.live = self.world(number_limits, wide_limits)
        self.live.functions.load()
        self.releases = [self.live, another_release(self.live)]
        self.model = WideModel(number_limits, wide_limits)
        self.model.now = self.live.now
        self.lives: list[Life] = []
        self.seen: Counter[tuple[str, str, str]] = Counter()
        self.announced_wait = 0

    def pick(self, back: int) -> Life:
        return self.lives[-1 - back % len(self.lives)]

    def number(self, life: Life) -> Model:
        return self.model.number(life.start.number)

    # -- what login flows and the provider do ------------------------------------------------

    @rule(
        number=NUMBERS,
        app=APPS,
        client=st.sampled_from(CLIENTS),
        device=DEVICES,
        outcome=st.none() | OUTCOMES,
        is_lost=RARELY,
    )
    def start(
        self,
        number: str,
        app: str,
        client: str,
        device: str,
        outcome: CallOutcome | None,
        *,
        is_lost: bool,
    ) -> None:
        """Start; mostly with the call's outcome recorded at once."""
        start = Start(number, app, client, device, test=number == TESTED)
        key = Binding(f"key {len(self.lives)}", "body")
        self.ask(self.new(start, key), start, is_lost)
        if self.lives and self.lives[-1].start is start and outcome:
            self.record(self.lives[-1], outcome, is_lost)

    def new(self, start: Start, key: Binding) -> NewVerification:
        return replace(
            self.live.new(start.number, app=start.app, device=start.device),
            client=start.client,
            country=start.scopes["country"],
            test_code="1234" if start.test else None,
            idempotency=key,
        )

    def ask(self, new: NewVerification, start: Start, is_lost: bool) -> None:
        """Reserve. If it is refused, the name and the wait must be the model's."""
        expected = self.model.start(start, is_lost)
        with self.losing(is_lost):
            event = self.reserve(new, expected)
        if not expected:
            self.lives.append(Life(new, start))
        # A refusal whose reply is lost is decided again.
        count = 2 if expected and is_lost else 1
        self.seen[event, new.app, new.country] += 0 if start.test else count

    def reserve(self, new: NewVerification, expected: Refusal | None) -> str:
        """Return the event as which it is counted."""
        if expected is None:
            reservation = self.live.store.reserve(new)
            assert (reservation.earlier, reservation.probe) == (False, False)
            return "started"
        with pytest.raises((LimitReached, DestinationBlocked, CallsPaused)) as refused:
            self.live.store.reserve(new)
        name, wait = refusal_of(refused.value)
        assert name in expected.names
        assert wait == seconds(expected.wait)
        self.announced_wait = expected.wait
        return f"refused.{name}"

    def losing(self, is_lost: bool) -> AbstractContextManager[None]:
        return self.wire.losing_a_reply() if is_lost else nullcontext()

    @precondition(lambda self: self.lives)
    @rule(back=PICKS, body=st.sampled_from(["body", "body", "another"]), is_lost=RARELY)
    def start_again_under_its_key(self, back: int, body: str, is_lost: bool) -> None:
        """It places no second call and counts nowhere, whatever refuses a start meanwhile.

        Once its verification is gone, the key is free.
        """
        life = self.pick(back)
        assert life.new.idempotency
        key = replace(life.new.idempotency, body=body)
        bound = self.bound_to(key)
        if bound is None:
            start = replace(life.start, room=frozenset(), counts=frozenset(), attempt=None)
            self.ask(self.new(start, key), start, is_lost)
            return
        again = self.new(life.start, key)
        with self.losing(is_lost):
            if key == bound.new.idempotency:
                earlier = self.live.store.reserve(again)
                assert (earlier.earlier, earlier.verification.id) == (True, bound.new.id)
            else:
                with pytest.raises(KeyReused):
                    self.live.store.reserve(again)

    def bound_to(self, key: Binding) -> Life | None:
        """Return what a key is bound to: the last start under it, while that can be read."""
        under = [
            life
            for life in self.lives
            if life.new.idempotency and life.new.idempotency.name == key.name
        ]
        return under[-1] if under[-1].start.attempt.readable(self.model.now) else None

    @precondition(lambda self: self.placing())
    @rule(back=PICKS, outcome=OUTCOMES, is_lost=RARELY)
    def record_late(self, back: int, outcome: CallOutcome, is_lost: bool) -> None:
        """Record it, whatever happened since the start."""
        placing = self.placing()
        self.record(placing[-1 - back % len(placing)], outcome, is_lost)

    def placing(self) -> list[Life]:
        return [life for life in self.lives if not life.recorded]

    def record(self, life: Life, outcome: CallOutcome, is_lost: bool) -> None:
        """Record the provider's outcome once. If it refused, all that was used is refunded."""
        life.recorded = True
        if isinstance(outcome, Placed):
            outcome = replace(outcome, request_id=f"request of {life.new.id}")
        known = life.start.attempt.readable(self.model.now)
        with (
            self.losing(is_lost),
            nullcontext() if known else pytest.raises(VerificationNotFound),
        ):
            self.live.store.record(life.new, outcome)
        if known:
            if isinstance(outcome, Failed) and outcome.refund:
                self.model.refund_start(life.start)
            number = self.number(life)
            match outcome:
                case Placed(request_id):
                    number.placed(life.start.attempt, request_id)
                case Unknown():
                    number.unknown(life.start.attempt)
                case Failed():
                    number.failed(
                        life.start.attempt,
                        outcome.refund,
                        outcome.kind is FailureKind.INVALID_NUMBER,
                    )

    @precondition(lambda self: self.lives)
    @rule(back=PICKS, right=st.booleans(), is_lost=RARELY)
    def check(self, back: int, right: bool, *, is_lost: bool = False) -> None:
        """Enter a code. If the reply is lost, so are the guards' notices in it."""
        life = self.pick(back)
        self.let_time_pass(0.001)  # no approval in the same millisecond as its start
        life.guesses += 1
        nonce = f"guess {life.guesses}"
        guess = life.new.id, life.new.app, [RIGHT if right else WRONG], Nonce(nonce)
        with self.losing(is_lost):
            if not life.start.attempt.readable(self.model.now):
                with pytest.raises(VerificationNotFound):
                    self.live.store.check(*guess)
                return
            before = len(self.model.notices)
            expected = self.model.check(life.start, right, nonce)
            if is_lost:
                del self.model.notices[before:]
            assert self.live.store.check(*guess).verdict is expected

    @rule(number=NUMBERS, device=DEVICES)
    def log_in(self, number: str, device: str) -> None:
        """Start and enter the right code, if the limits let it: the device is known from then
        on."""
        if self.called(number, device):
            self.check(0, right=True)

    @rule(number=NUMBERS)
    def guess(self, number: str) -> None:
        """Start, and guess wrong until nothing is compared; other apps use up the rest."""
        for _ in range(3 if self.called(number) else 0):
            self.check(0, right=False)
        self.let_time_pass(600)
        self.call_all(number[:-4])
        self.called(number)

    @rule(prefix=st.sampled_from(PREFIXES), late=st.integers(0, 3))
    def call_a_prefix(self, prefix: str, late: int) -> None:
        """Call a whole prefix without a success; later again, with some.

        When the first ones count, it is too early for the others. Wait until the result is over.
        """
        self.call_all(prefix)
        self.let_time_pass(162.5)
        self.call_all(prefix, right=late)
        self.let_time_pass(300.5)
        if not self.called(f"{prefix}0000"):
            self.wait_as_announced(0)
            self.called(f"{prefix}0000")

    @rule(prefix=st.sampled_from(PREFIXES), owner=st.integers(0, 2))
    def crowd_out_an_owner(self, prefix: str, owner: int) -> None:
        """Strangers use up a prefix, and get it blocked; an owner of a number there still starts.

        For as long as the starts reserved for such devices last.
        """
        self.log_in(f"{prefix}000{owner}", "device A")
        self.call_all(prefix)
        self.let_time_pass(463)
        self.call_all(prefix)
        for _ in range(4):
            self.let_time_pass(150)
            self.called(f"{prefix}000{owner}", "device A")

    def call_all(self, prefix: str, *, right: int = 0) -> None:
        """Call a whole prefix; this many are verified."""
        for count in range(3):
            if self.called(f"{prefix}000{count}") and count < right:
                self.check(0, right=True)

    def called(self, number: str, device: str = "") -> bool:
        """Start, the call placed at once; return whether the limits let it."""
        before = len(self.lives)
        self.start(number, "bank", "", device, PLACED, is_lost=False)
        return len(self.lives) > before

    # -- what time does ----------------------------------------------------------------------

    @rule(duration=TIMES)
    def let_time_pass(self, duration: float) -> None:
        self.live.advance(duration)
        self.model.now = self.live.now

    @rule(early=st.sampled_from([0, 0.001]))
    def wait_as_announced(self, early: float) -> None:
        """Advance to the end of the last refusal's wait, or to a millisecond before it."""
        self.let_time_pass(max(0, self.announced_wait / SECOND - early))
        self.announced_wait = 0

    # -- what the operator does --------------------------------------------------------------

    @precondition(lambda self: self.lives)
    @rule(back=PICKS)
    def unlock(self, back: int) -> None:
        number = self.pick(back).start.number
        assert (self.live.operator.unlock(number) or 0) == self.model.number(number).unlock()
        self.look(number)

    @precondition(lambda self: self.lives)
    @rule(back=PICKS)
    def erase(self, back: int) -> None:
        """No key contains any data of the number."""
        number = self.pick(back).start.number
        self.live.operator.erase(number)
        self.model.erase(number)
        kept = str(self.live.dump())
        assert self.live.ids.tag(number) not in kept
        assert number not in kept
        self.look(number)

    @rule(number=NUMBERS)
    def look(self, number: str) -> None:
        """Every budget equals the model's; an unknown number has no used budget."""
        model, found = self.model.number(number), self.diagnose(number).budgets
        known = [(name, budget.run, model.used(budget)) for name, budget in model.budgets().items()]
        shown = [(one.device, one.failures_in_a_row, used(one)) for one in found]
        assert known == shown or (not found and not known[0][1] and not any(known[0][2]))
        for budget in found:
            waits = list(model.waits(budget.device).items())
            assert bool(budget.wait) is bool(waits)
            if budget.wait:
                expected = refusal(waits)
                assert budget.wait.limit in expected.names
                assert budget.wait.milliseconds == expected.wait

    def diagnose(self, number: str) -> Diagnosis:
        return self.live.operator.diagnose(number, country_of(number), ["login", "bank"])

    @rule(prefix=RULED, kind=KINDS, duration=SPANS, count=st.integers(0, 2))
    def rule_a_full_prefix(self, prefix: str, kind: str, duration: int, count: int) -> None:
        """The operator's rule has precedence over used-up limits; when it ends, they decide
        again."""
        self.call_all(prefix[:8])
        self.let_time_pass(60)  # the cooldown
        self.decide(prefix, kind, duration)
        self.called(f"{prefix[:8]}000{count}")
        self.let_time_pass(duration)
        self.called(f"{prefix[:8]}000{count}")

    @rule(prefix=RULED, kinds=st.tuples(KINDS, KINDS), spans=st.tuples(SPANS, SPANS))
    def rule_within_a_rule(
        self, prefix: str, kinds: tuple[str, str], spans: tuple[int, int]
    ) -> None:
        """The longer prefix decides until its rule ends; then the shorter one again."""
        number = "+79179130001"
        self.decide("+7", kinds[0], spans[0])
        self.decide(prefix, kinds[1], spans[1])
        self.called(number)
        self.let_time_pass(min(spans))
        self.called(number)

    def decide(self, prefix: str, kind: str, duration: int) -> None:
        self.live.operator.set_rule(prefix, kind, duration)
        self.model.rule(prefix, kind, duration * SECOND)

    @rule(scope=HELD)
    def unblock(self, scope: str) -> None:
        assert self.live.operator.set_rule(scope, "none") == self.model.unblock(scope)

    @rule(duration=SPANS, number=NUMBERS, is_resumed=st.booleans())
    def pause(self, duration: int, number: str, is_resumed: bool) -> None:
        """No call is placed until the operator resumes, or the pause has expired."""
        self.live.operator.pause(duration)
        self.model.paused_until = self.model.now + duration * SECOND
        self.called(number)
        if is_resumed:
            for paused in (True, False):
                assert self.live.operator.resume() == Resumed(operator=paused, breaker=False)
            self.model.paused_until = 0
        else:
            self.let_time_pass(duration)
        self.called(number)

    @rule(number=NUMBERS)
    def deploy(self, number: str) -> None:
        """Start under another release, whose windows have other spans; then go back."""
        for release in reversed(self.releases):
            self.called(number)
            self.the_guards_say_what_the_model_says()
            for notices in (self.model.notices, self.live.notices):
                notices.clear()
            self.live = release
            self.model.deploy(release.number_limits, release.wide_limits)
            self.let_time_pass(60)

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def what_counts_is_what_the_model_counts(self) -> None:
        """Every window of every scope, as each of the two releases reads it."""
        for release in self.releases:
            for (limit, scope), shown in zip(SCOPES, usages(release, SCOPES), strict=True):
                windows = release.wide_limits.windows(limit)
                expected = [self.model.usage(limit, scope, window) for window in windows]
                assert shown == expected, (limit, scope)

    @invariant()
    def the_counts_are_what_was_seen(self) -> None:
        """Each start and refusal, by app and by country, and each once."""
        total = self.live.statistics.statistics().total
        apps: Counter[tuple[str, str]] = Counter()
        countries: Counter[tuple[str, str]] = Counter()
        for (event, app, country), count in self.seen.items():
            apps[app, event] += count
            countries[country, event] += count
        for groups, seen in ((total.apps, apps), (total.countries, countries)):
            for (name, event), count in seen.items():
                assert (groups[name][event] if count else 0) == count, (name, event)

    @invariant()
    def the_guards_know_who_got_in(self) -> None:
        """The numbers of starts and approvals, in every scope."""
        for prefix in PREFIXES:
            shown = self.diagnose(f"{prefix}0000")
            for share, scope in zip(shown.shares, (prefix, shown.country), strict=True):
                guard = self.model.guards.get(scope)
                known = self.model.settled(guard) if guard else (0, 0)
                assert share == ConversionCount(share.limit, *known), scope

    @invariant()
    def never_more_than_n_in_any_window(self) -> None:
        """By the exact times, independent of the buckets of the windows."""
        view: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        for start in self.model.starts:
            for limit, span in start.counts:
                if not (start.exempt and limit == "prefix"):
                    view[limit, span, start.scopes[limit]].append(start.moment)
        most = {
            (limit, window.seconds * SECOND): window.count
            for limit in (*WIDE_LIMITS, KNOWN_DEVICE)
            for window in self.model.wide_limits.windows(limit)
        }
        for (limit, span, _), moments in view.items():
            inside_now = sum(moment > self.model.now - span for moment in moments)
            assert inside_now <= most.get((limit, span), inside_now)

    @invariant()
    def what_is_held_is_listed(self) -> None:
        listed = self.live.operator.restrictions()
        assert all(0 < one.since <= self.live.now for one in listed)
        without_since = (replace(one, since=0) for one in listed)
        assert Counter(without_since) == Counter(self.model.restrictions())

    @invariant()
    def the_guards_say_what_the_model_says(self) -> None:
        assert Counter(self.live.notices) == Counter(self.model.notices)

    @invariant()
    def no_key_stays_for_ever(self) -> None:
        assert keys_without_ttl(self.live.client) == []


def refusal_of(error: LimitReached | DestinationBlocked | CallsPaused) -> tuple[str, int]:
    """Return what refuses a start, and its seconds."""
    match error:
        case DestinationBlocked():
            return BLOCKED, error.seconds
        case CallsPaused():
            return PAUSED, error.retry_after
        case LimitReached():
            return error.limit, error.retry_after


def another_release(live: World) -> World:
    """Return the same world under the same limits over windows of other spans."""
    wide_limits = live.wide_limits

    def others(windows: tuple[Window, ...]) -> tuple[Window, ...]:
        return tuple(Window(window.count, window.seconds // 2) for window in windows)

    ttl = 2 * live.number_limits.code_ttl
    other = live.under(replace(live.number_limits, code_ttl=ttl)).within(
        replace(
            wide_limits,
            client_ip=others(wide_limits.client_ip),
            prefix=others(wide_limits.prefix),
            country=others(wide_limits.country),
            app=others(wide_limits.app),
            day=others(wide_limits.day),
            code_ttl=ttl,
        )
    )
    other.functions.load()
    return other


def used(budget: DeviceBudget) -> list[int]:
    return [use.used for use in (*budget.starts, *budget.guesses)]


def usages(world: World, scopes: Sequence[tuple[str, str]]) -> list[list[tuple[int, int]]]:
    """Return for each window of some scopes its count, and until when (ms)."""
    counted = [keys.limit(limit, scope) for limit, scope in scopes]
    nowhere = [keys.number(""), keys.RESTRICTIONS, keys.BREAKER, *map(keys.conversion, "12")]
    arguments = {
        "number": "+00000",
        "country": "",
        "limits": [limit for limit, _ in scopes],
    }
    shown = world.functions.call("show_number", [*nowhere, *counted], arguments)
    return [[(one["used"], one["wait"]) for one in usage] for usage in shown["usage"]]


class Wire:
    """Connections on which a reply can be lost, after the work was done.

    Args:
        plain: A client of the server.
    """

    def __init__(self, plain: redis.Redis) -> None:
        self.loses = False
        open_connection = plain.connection_pool.make_connection
        self.client = Client(Pool(lambda: _Link(open_connection(), self), 1), timeout=5)

    @contextmanager
    def losing_a_reply(self) -> Iterator[None]:
        """Lose the next one."""
        self.loses = True
        yield
        assert not self.loses


class _Link:
    """One connection of a wire."""

    deadline = 0.0
    host = ""

    def __init__(self, connection: Any, wire: Wire) -> None:
        self._connection, self._wire = connection, wire
        self.pack_commands = connection.pack_commands
        self.send_packed_command = connection.send_packed_command
        self.disconnect = connection.disconnect

    def read_response(self) -> Any:
        reply = self._connection.read_response()
        if self._wire.loses:
            self._wire.loses = False
            raise redis.ConnectionError("lost")
        return reply
