"""A random life of many numbers under wide limits, guards and the operator's hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import product

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.store.model import HOUR, SECOND, Model
from tests.store.wide_model import PAUSED, Refusal, Start, WideModel, inside, refusal, seconds
from tests.store.world import RIGHT, WRONG, KeptClock, World, keys_without_ttl
from verify_service.errors import (
    AlreadyReserved,
    CallsPaused,
    LimitReached,
    VerificationNotFound,
)
from verify_service.guards.hand import FAILURE_RATE
from verify_service.guards.limits import KNOWN, WIDE, WidePolicy
from verify_service.guards.outlook import Lane
from verify_service.models import Draft, Ticket, Verdict, Window
from verify_service.outcomes import Failed, Outcome, Placed, Unknown
from verify_service.policy import DAY, Policy
from verify_service.store import keys
from verify_service.store.hand import RedisHand
from verify_service.store.scripts import Scripts

PREFIXES = ("+7917913", "+7917914", "+7701000")
"""Two in Russia, one in Kazakhstan."""
CALLED = [f"{prefix}000{count}" for prefix in PREFIXES for count in range(3)]
TESTED = "+79179140009"
"""A test number: nobody is called."""
NUMBERS = st.sampled_from([*CALLED[:3], *CALLED, TESTED])
APPS = st.sampled_from(["login", "login", "bank"])
CLIENTS = ["", "client 1", "client 2", "client 3"]
PLACES = sorted(
    {
        place
        for number in CALLED
        for app, client in product(["login", "bank"], CLIENTS)
        for place in Start(number, app, client).places.items()
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
"""For which an operator blocks, allows and pauses."""
PICKS = st.sampled_from([0, 0, 0, 1, 2, 5])
"""Which verification, counted back from the newest."""
DEVICES = st.sampled_from(["", "device A", "device A", "device B"])
"""Digests of eight characters."""
RARELY = st.sampled_from([False, False, False, False, True])


class Life:
    """One verification: what the model and the store each call it."""

    def __init__(self, draft: Draft, start: Start, ticket: Ticket | None) -> None:
        self.draft, self.start, self.ticket = draft, start, ticket
        self.recorded = False
        self.guesses = 0


class Crowd(RuleBasedStateMachine):
    """Does everything that login flows, the provider and the operator may do to all numbers."""

    policies: Sequence[tuple[Policy, WidePolicy]]

    def world(self, policy: Policy, wide: WidePolicy) -> World:
        raise NotImplementedError

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        policy, wide = data.draw(st.sampled_from(self.policies))
        self.releases = [wide, with_other_windows(wide)]
        self.live = self.world(policy, wide)
        self.hand = RedisHand(self.live.client, self.live.ids, policy, wide)
        self.model = WideModel(policy, wide, apart=not self.live.together)
        self.model.now = self.live.now
        self.lives: list[Life] = []
        self.told_wait = 0

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
        outcome: Outcome | None,
        *,
        is_lost: bool,
    ) -> None:
        """Start; mostly with the call's outcome recorded at once."""
        start = Start(number, app, client, device, test=number == TESTED)
        code = "1234" if start.test else None
        country = start.places["country"]
        draft = replace(
            self.live.draft(number, app=app, device=device),
            client=client,
            country=country,
            test_code=code,
        )
        is_lost = is_lost and self.live.together  # what several scripts take is asked for once
        expected = self.model.start(start, is_lost)
        with lost_reply(self.live.store._admission._scripts) if is_lost else nullcontext():
            ticket = self.reserve(draft, expected)
        if not expected:
            self.lives.append(Life(draft, start, ticket))
            if outcome:
                self.record(self.lives[-1], outcome, is_lost)

    def reserve(self, draft: Draft, expected: Refusal | None) -> Ticket | None:
        """Reserve; where it is refused, the name and the wait have to be the model's."""
        if expected is None:
            return self.live.store.reserve(draft).ticket
        with pytest.raises((LimitReached, CallsPaused)) as refused:
            self.live.store.reserve(draft)
        assert getattr(refused.value, "limit", PAUSED) in expected.names
        assert refused.value.retry_after == seconds(expected.wait)
        self.told_wait = expected.wait
        return None

    @precondition(lambda self: self.lives)
    @rule(back=PICKS)
    def start_what_is_somebody_elses(self, back: int) -> None:
        """Whoever comes second under an id rings nobody, and counts nowhere."""
        life = self.pick(back)
        if life.start.attempt.readable(self.model.now):
            self.model.learn()
            with pytest.raises(AlreadyReserved):
                self.live.store.reserve(replace(life.draft, nonce="somebody else's"))

    @precondition(lambda self: self.placing())
    @rule(back=PICKS, outcome=OUTCOMES, is_lost=RARELY)
    def record_late(self, back: int, outcome: Outcome, is_lost: bool) -> None:
        """Whatever happened since the start."""
        placing = self.placing()
        self.record(placing[-1 - back % len(placing)], outcome, is_lost)

    def placing(self) -> list[Life]:
        return [life for life in self.lives if not life.recorded]

    def record(self, life: Life, outcome: Outcome, is_lost: bool) -> None:
        """Record what the provider did, once; where it refused, all that was taken goes back."""
        life.recorded = True
        told = len(self.model.notices)
        self.model.learn()
        if is_lost:
            del self.model.notices[told:]
        if isinstance(outcome, Placed):
            outcome = replace(outcome, request_id=f"request of {life.draft.id}")
        if isinstance(outcome, Failed) and outcome.refund:
            self.model.give_back(life.start)
        known = life.start.attempt.readable(self.model.now)
        with (
            lost_reply(self.live.store._scripts) if is_lost else nullcontext(),
            nullcontext() if known else pytest.raises(VerificationNotFound),
        ):
            self.live.store.record(life.draft.id, outcome, life.ticket)
        if known:
            number = self.number(life)
            match outcome:
                case Placed(request_id):
                    number.placed(life.start.attempt, request_id)
                case Unknown():
                    number.unknown(life.start.attempt)
                case Failed():
                    number.failed(life.start.attempt, outcome.refund, outcome.invalid_number)

    @precondition(lambda self: self.lives)
    @rule(back=PICKS, right=st.booleans())
    def check(self, back: int, right: bool) -> None:
        life = self.pick(back)
        self.let_time_pass(0.001)  # no approval in the very millisecond of its start
        life.guesses += 1
        nonce = f"guess {life.guesses}"
        guess = life.draft.id, life.draft.app, [RIGHT if right else WRONG], nonce
        if not life.start.attempt.readable(self.model.now):
            self.model.learn()
            with pytest.raises(VerificationNotFound):
                self.live.store.check(*guess)
            return
        expected = self.model.check(life.start, right, nonce)
        assert self.live.store.check(*guess).verdict is expected

    @rule(number=NUMBERS, device=DEVICES)
    def log_in(self, number: str, device: str) -> None:
        """Start and enter the right code, if the limits let it: the device is known from then."""
        if self.called(number, device):
            self.check(0, right=True)

    @rule(number=NUMBERS)
    def guess(self, number: str) -> None:
        """Start, and guess wrong until nothing is compared; others use up what is left there."""
        for _ in range(3 if self.called(number) else 0):
            self.check(0, right=False)
        self.let_time_pass(600)
        self.call_all(number[:-4])
        self.called(number)

    @rule(prefix=st.sampled_from(PREFIXES), late=st.integers(0, 3))
    def call_a_prefix(self, prefix: str, late: int) -> None:
        """Call all of a prefix, in vain; later again, when some get in.

        When the first have their say, it is too early for the others'. Sit out what comes of it.
        """
        self.call_all(prefix)
        self.let_time_pass(162.5)
        self.call_all(prefix, right=late)
        self.let_time_pass(300.5)
        if not self.called(f"{prefix}0000"):
            self.wait_as_told(0)
            self.called(f"{prefix}0000")

    @rule(prefix=st.sampled_from(PREFIXES), owner=st.integers(0, 2))
    def crowd_out_an_owner(self, prefix: str, owner: int) -> None:
        """Strangers use a prefix up, and get it blocked; who verified a number there comes again.

        As often as the places last that are kept for such devices.
        """
        self.log_in(f"{prefix}000{owner}", "device A")
        self.call_all(prefix)
        self.let_time_pass(463)
        self.call_all(prefix)
        for _ in range(4):
            self.let_time_pass(150)
            self.called(f"{prefix}000{owner}", "device A")

    def call_all(self, prefix: str, *, right: int = 0) -> None:
        """Call all of a prefix; so many get in."""
        for count in range(3):
            if self.called(f"{prefix}000{count}") and count < right:
                self.check(0, right=True)

    def called(self, number: str, device: str = "") -> bool:
        """Start for nobody in particular; return whether the limits let it."""
        before = len(self.lives)
        self.start(number, "bank", "", device, PLACED, is_lost=False)
        return len(self.lives) > before

    # -- what time does ----------------------------------------------------------------------

    @rule(duration=TIMES)
    def let_time_pass(self, duration: float) -> None:
        self.live.advance(duration)
        self.model.now = self.live.now

    @rule(early=st.sampled_from([0, 0.001]))
    def wait_as_told(self, early: float) -> None:
        """Go to where the last refusal said that it lets through, or a millisecond before."""
        self.let_time_pass(max(0, self.told_wait / SECOND - early))
        self.told_wait = 0

    # -- what the operator does --------------------------------------------------------------

    @precondition(lambda self: self.lives)
    @rule(back=PICKS)
    def unlock(self, back: int) -> None:
        number = self.pick(back).start.number
        assert (self.hand.unlock(number) or 0) == self.model.number(number).unlock()
        self.look(number)

    @precondition(lambda self: self.lives)
    @rule(back=PICKS)
    def erase(self, back: int) -> None:
        """Nothing of the number is left, under whatever key."""
        number = self.pick(back).start.number
        self.hand.erase(number)
        self.model.erase(number)
        tag = self.live.ids.tag(number)
        assert [key for key in self.live.client.scan_iter() if tag in key] == []
        self.look(number)

    @rule(number=NUMBERS)
    def look(self, number: str) -> None:
        """Every lane is as the model says; where nothing is kept, none has anything."""
        model, found = self.model.number(number), self.hand.lanes(number)
        known = [(name, lane.run, model.used(lane)) for name, lane in model.lanes().items()]
        shown = [(one.device, one.run, used(one)) for one in found]
        assert known == shown or (not found and not known[0][1] and not any(known[0][2]))
        for lane in found:
            waits = list(model.waits(lane.device).items())
            assert bool(lane.wait) is bool(waits)
            if lane.wait:
                expected = refusal(waits)
                assert lane.wait.limit in expected.names
                assert lane.wait.milliseconds == expected.wait

    @rule(prefix=RULED, kind=KINDS, duration=SPANS, count=st.integers(0, 2))
    def rule_a_full_prefix(self, prefix: str, kind: str, duration: int, count: int) -> None:
        """What the operator says decides over what is used up; when it ends, that does again."""
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
        """The longer prefix decides, for as long as that is said; then the shorter again."""
        number = "+79179130001"
        self.decide("+7", kinds[0], spans[0])
        self.decide(prefix, kinds[1], spans[1])
        self.called(number)
        self.let_time_pass(min(spans))
        self.called(number)

    def decide(self, prefix: str, kind: str, duration: int) -> None:
        self.hand.rule(prefix, kind, duration)
        self.model.rule(prefix, kind, duration * SECOND)

    @rule(place=HELD)
    def unblock(self, place: str) -> None:
        assert self.hand.rule(place, "none") == self.model.unblock(place)

    @rule(duration=SPANS, number=NUMBERS, is_resumed=st.booleans())
    def pause(self, duration: int, number: str, is_resumed: bool) -> None:
        """Nobody is called until the operator resumes, or it has ended by itself."""
        self.hand.pause(duration)
        assert self.live.client.ttl(keys.pause()) == duration
        self.model.paused_until = self.model.now + duration * SECOND
        if isinstance(self.live._clock, KeptClock):  # set by the server's own clock: put it right
            self.live.client.pexpireat(keys.pause(), self.model.paused_until)
        self.called(number)
        if is_resumed:
            assert (self.hand.resume(), self.hand.resume()) == (True, False)
            self.model.paused_until = 0
        else:
            self.let_time_pass(duration)
        self.called(number)

    @rule(number=NUMBERS)
    def deploy(self, number: str) -> None:
        """Start under another release, whose windows have other spans; then go back."""
        for wide in reversed(self.releases):
            self.called(number)
            self.live.store.flush()
            self.model.learn()
            self.the_guards_say_what_the_model_says()
            self.live = self.live.within(wide)
            self.model.notices.clear()  # a new process, which nobody was told anything by
            self.model.wide = wide
            self.let_time_pass(60)

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def what_counts_is_what_stands(self) -> None:
        """Every counter of every place, piece by piece, were it nothing."""
        now = self.model.now
        lines = self.live.client.mget([keys.limit(*place) for place in PLACES])
        for (limit, place), line in zip(PLACES, lines, strict=True):
            windows = by_span(line)
            for span in self.spans(limit):
                found = inside(counts(windows.get(span, ""), 0).elements(), span, now)
                assert found == self.model.counted(limit, place, span), (limit, place)

    def spans(self, limit: str) -> set[int]:
        """Return those of both releases."""
        return {one.seconds * SECOND for wide in self.releases for one in wide.windows(limit)}

    @invariant()
    def the_guards_know_who_got_in(self) -> None:
        """So many who started and who were approved, in every place; and all guesses."""
        now, span = self.model.now, self.model.guards_span
        for place, guard in self.model.guards.items():
            line = by_span(self.live.client.get(keys.conversion(place))).get(span, "")
            for at, known in enumerate((guard.started, guard.approved)):
                found = inside(counts(line, at).elements(), span, now)
                assert found == inside(known.elements(), span, now), place
        line = self.live.client.get(keys.guesses()) or ""
        for at, verdict in enumerate((Verdict.WRONG, Verdict.RIGHT)):
            known = [one for came, one in self.model.guesses if came is verdict]
            assert inside(counts(line, at).elements(), HOUR, now) == inside(known, HOUR, now)

    @invariant()
    def never_more_than_n_in_any_window(self) -> None:
        """By the very moments: whatever pieces the windows are cut into."""
        standing: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        for start in self.model.starts:
            for limit, span in start.counts:
                if not (start.exempt and limit == "prefix"):
                    standing[limit, span, start.places[limit]].append(start.moment)
        most = {
            (limit, window.seconds * SECOND): window.count
            for limit in (*WIDE, KNOWN)
            for window in self.model.wide.windows(limit)
        }
        for (limit, span, _), moments in standing.items():
            inside_now = sum(moment > self.model.now - span for moment in moments)
            assert inside_now <= most.get((limit, span), inside_now)

    @invariant()
    def what_is_held_is_listed(self) -> None:
        assert Counter(self.hand.held()) == Counter(self.model.held())

    @invariant()
    def the_guards_say_what_the_model_says(self) -> None:
        assert Counter(self.live.notices) == Counter(self.model.notices)

    @invariant()
    def no_key_stays_for_ever(self) -> None:
        assert keys_without_ttl(self.live.client) == []


def with_other_windows(wide: WidePolicy) -> WidePolicy:
    """Return the same limits over windows of other spans."""

    def others(windows: tuple[Window, ...]) -> tuple[Window, ...]:
        return tuple(Window(window.count, window.seconds // 2) for window in windows)

    return replace(
        wide,
        client_ip=others(wide.client_ip),
        prefix=others(wide.prefix),
        country=others(wide.country),
        app=others(wide.app),
        day=others(wide.day),
    )


def used(lane: Lane) -> list[int]:
    return [use.used for use in (*lane.starts, *lane.guesses)]


def by_span(line: str | None) -> dict[int, str]:
    """Read "<span>=<pieces>;<span>=<pieces>"."""
    windows = (part.split("=") for part in (line or "").split(";") if part)
    return {int(span): pieces for span, pieces in windows}


def counts(line: str, at: int) -> Counter[int]:
    """Read "<piece>.<count>.<count> …": the first counts, or the second."""
    found: Counter[int] = Counter()
    for word in line.split():
        number, *figures = (int(figure) for figure in word.split("."))
        found[number] = figures[at] if at < len(figures) else 0
    return found


@contextmanager
def lost_reply(scripts: Scripts) -> Iterator[None]:
    """Let the next exchange be done, and its reply be lost on the way."""
    evaluate: Callable[..., object] = scripts._evaluate

    def lose(commands: Sequence[object]) -> list[redis.ConnectionError]:
        scripts._evaluate = evaluate
        evaluate(commands)
        return [redis.ConnectionError("lost") for _ in commands]

    scripts._evaluate = lose
    try:
        yield
    finally:
        scripts._evaluate = evaluate
