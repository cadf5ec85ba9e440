"""A random history of two numbers, run on the store and on a plain-Python model of the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.store.model import Attempt, Model, Report
from tests.store.world import APP, NUMBER, OTHER_NUMBER, RIGHT, WRONG, World, keys_without_ttl
from verify_service.domain.calls import CallOutcome, CallState, Failed, FailureKind, Placed, Unknown
from verify_service.domain.counts import KEPT_SECONDS
from verify_service.domain.errors import KeyReused, LimitReached, VerificationNotFound
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import DAY, HOUR, NumberLimits
from verify_service.domain.models import (
    Binding,
    CheckedGuess,
    NewVerification,
    State,
    Verdict,
    Verification,
)
from verify_service.provider.flash_call import FlashCallStatus

NUMBERS = st.sampled_from([NUMBER, NUMBER, OTHER_NUMBER])
OUTCOMES = st.sampled_from(
    [
        Placed("", "7917913", 11),
        Placed("", "7917913", 11),
        Unknown("timeout"),
        Failed("HTTP 500", refund=False),
        Failed("no connection", refund=True),
        Failed("no connection", refund=True),
        Failed("too many", refund=True, error_code=4, retry_after=7, kind=FailureKind.THROTTLED),
        Failed("no number", refund=False, error_code=11, kind=FailureKind.INVALID_NUMBER),
    ]
)
DEVICES = st.sampled_from(["", "", "device A", "device A", *(f"device {name}" for name in "BCDE")])
"""Digests of eight characters. The first device verifies often enough to be known."""
PAUSES = st.one_of(
    st.sampled_from([0.001, 1, 9.999, 10, 30, 60, 300, 600, 3600, DAY, 90 * DAY]),
    st.integers(min_value=1, max_value=120_000).map(lambda milliseconds: milliseconds / 1000),
)
PICKS = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 5])
"""Which verification, counted back from the newest."""
STATUSES = st.sampled_from(
    [FlashCallStatus.REJECTED, FlashCallStatus.UNAVAILABLE, *FlashCallStatus]
)


class Life:
    """One verification: its id in the model and its id in the store."""

    def __init__(self, new: NewVerification, attempt: Attempt) -> None:
        self.new, self.attempt = new, attempt
        self.number, self.id = new.number, new.id
        self.outcome: CallOutcome | None = None
        self.request = f"request of {new.id}"
        self.nonces: list[Nonce] = []
        self.rights = 0
        self.undelivered = False


class Budgets(RuleBasedStateMachine):
    """Applies every operation of a login flow and the provider to the store and to the model."""

    choices: Sequence[NumberLimits]
    exact = True
    """Whether time passes only when a test advances it."""

    def world(self, number_limits: NumberLimits) -> World:
        raise NotImplementedError

    @initialize(which=st.integers(0, 3))
    def begin(self, which: int) -> None:
        number_limits = self.choices[which]
        self.live = self.world(number_limits)
        self.models = {number: Model(number_limits) for number in (NUMBER, OTHER_NUMBER)}
        self.lives: list[Life] = []
        self.bound: dict[str, Life] = {}
        self.seen: Counter[str] = Counter()
        self.last_seen, self.last_event = Counter[str](), self.live.now
        self.forgotten = Counter[str]()

    def model(self, number: str) -> Model:
        """Return the number's model at this time. If a store's result has a time, that one is
        exact."""
        model = self.models[number]
        model.now = self.live.now
        return model

    def pick(self, back: int) -> Life:
        return self.lives[-1 - back % len(self.lives)]

    def ask(self, life: Life, question: Callable[[], Verification]) -> Verification | None:
        """Query the store. Return None if model and store agree that it is gone."""
        model = self.model(life.number)
        if life.attempt.readable(model.now):
            found = question()
            model.now = found.now
            return found
        with pytest.raises(VerificationNotFound):
            question()
        return None

    @rule(number=NUMBERS, device=DEVICES, outcome=st.none() | OUTCOMES, keyed=st.booleans())
    def start(
        self, number: str, device: str, outcome: CallOutcome | None, keyed: bool = False
    ) -> None:
        """Start if the limits let it; mostly, record the call's outcome at once."""
        new = self.live.new(number, device=device, key=f"key {len(self.lives)}" * keyed)
        if self.reserve(new) and outcome:
            self.record(0, outcome)

    def reserve(self, new: NewVerification) -> bool:
        """Reserve without an Idempotency-Key, or under an unbound one; return whether it was
        reserved."""
        model, device = self.model(new.number), new.device
        try:
            reservation = self.live.store.reserve(new)
        except LimitReached as refused:
            after = self.model(new.number).waits(device)
            self.compare_refusal(refused, model.waits(device), after)
            self.seen[f"refused.{refused.limit}"] += 1
            return False
        assert not reservation.earlier
        model.now = reservation.verification.now
        assert model.waits(device) == {}
        self.lives.append(Life(new, model.start(device)))
        self.seen["started"] += 1
        if new.idempotency:
            self.bound[new.idempotency.name] = self.lives[-1]
        return True

    @precondition(lambda self: self.bound)
    @rule(which=st.integers(0, 9), same_body=st.booleans())
    def start_again(self, which: int, same_body: bool) -> None:
        """Start under a key that was bound: it returns the earlier start, or the key is free
        again."""
        name = list(self.bound)[-1 - which % len(self.bound)]
        life = self.bound[name]
        body = "body" if same_body else "another body"
        new = self.live.new(life.number, device=life.new.device)
        new = replace(new, idempotency=Binding(name, body))
        model = self.model(life.number)
        if not life.attempt.readable(model.now):
            self.reserve(new)
        elif life.new.idempotency == new.idempotency:
            reservation = self.live.store.reserve(new)
            assert (reservation.earlier, reservation.verification.id) == (True, life.id)
            model.now = reservation.verification.now
            assert_same(reservation.verification, life.attempt, model)
        else:
            with pytest.raises(KeyReused):
                self.live.store.reserve(new)

    def compare_refusal(
        self, refused: LimitReached, before: dict[str, int], after: dict[str, int]
    ) -> None:
        """Compare with the waits before and after: they are equal if the clock stands still."""
        assert refused.limit in before
        most, least = max(before.values()), max(after.values(), default=0)
        assert -(-least // 1000) <= refused.retry_after <= -(-most // 1000)

    @precondition(lambda self: self.lives)
    @rule(back=PICKS, outcome=OUTCOMES)
    def record(self, back: int, outcome: CallOutcome) -> None:
        """Record an outcome, or repeat the one that was recorded."""
        life = self.pick(back)
        if isinstance(outcome, Placed):
            outcome = Placed(life.request, outcome.caller_prefix, outcome.caller_length)
        recorded = life.outcome or outcome
        placing = life.attempt.call is CallState.PLACING
        if not self.ask(life, lambda: self.live.store.record(life.new, recorded)):
            return
        if not life.outcome:
            self.seen[outcome_event(recorded) if placing else "placed"] += 1
        life.outcome = recorded
        model = self.models[life.number]
        match recorded:
            case Placed(request_id):
                model.placed(life.attempt, request_id)
            case Unknown():
                model.unknown(life.attempt)
            case Failed():
                model.failed(
                    life.attempt,
                    recorded.refund,
                    recorded.kind is FailureKind.INVALID_NUMBER,
                    1000 * (recorded.retry_after or 0),
                )

    @precondition(lambda self: self.lives)
    @rule(
        back=PICKS,
        right=st.sampled_from([True, False, False, False]),
        repeat=st.booleans(),
        keyed=st.booleans(),
    )
    def check(self, back: int, right: bool, repeat: bool, keyed: bool = False) -> None:
        """Guess, mostly under a new nonce, or repeat the last guess; with or without a key."""
        life = self.pick(back)
        self.live.advance(0.001)  # no approval in the same millisecond as its start
        new = Nonce(f"nonce {len(life.nonces)}", "body" if keyed else None)
        nonce = life.nonces[-1] if repeat and life.nonces else new
        life.nonces += [] if nonce in life.nonces else [nonce]
        known = nonce.name in life.attempt.verdicts
        digests = [RIGHT if right else WRONG]
        seen: list[CheckedGuess] = []

        def question() -> Verification:
            seen.append(self.live.store.check(life.id, APP, digests, nonce))
            return seen[0].verification

        if self.ask(life, question):
            model = self.models[life.number]
            expected = model.check(life.attempt, right, nonce.name, keyed=nonce.body is not None)
            assert [(one.verdict, one.repeated) for one in seen] == [(expected, known)]
            life.rights += expected is Verdict.RIGHT and not known
            self.seen["wrong"] += expected is Verdict.WRONG and not known
            assert life.rights <= 1

    @precondition(lambda self: self.lives)
    @rule(back=PICKS)
    def guess_under_a_used_name(self, back: int) -> None:
        """With another body it is not compared."""
        life = self.pick(back)
        if not life.nonces or life.nonces[-1].name not in life.attempt.verdicts:
            return
        other = replace(life.nonces[-1], body="another body")
        readable = life.attempt.readable(self.model(life.number).now)
        with pytest.raises(KeyReused if readable else VerificationNotFound):
            self.live.store.check(life.id, APP, [RIGHT], other)

    @precondition(lambda self: self.lives)
    @rule(back=PICKS)
    def cancel(self, back: int) -> None:
        life = self.pick(back)
        if self.ask(life, lambda: self.live.store.cancel(life.id, APP)):
            self.models[life.number].cancel(life.attempt)

    @precondition(lambda self: self.lives)
    @rule(back=PICKS, status=STATUSES, stamp=st.integers(0, 3))
    def call_back(self, back: int, status: FlashCallStatus, stamp: int) -> None:
        life = self.pick(back)
        self.deliver(life.number, life.request, status, stamp)

    @rule(number=NUMBERS, name=st.integers(0, 6), status=STATUSES)
    def call_back_unasked(self, number: str, name: int, status: FlashCallStatus) -> None:
        """A callback for a call that was not placed here."""
        self.deliver(number, f"unasked {name}", status, 1)

    def deliver(self, number: str, request: str, status: FlashCallStatus, stamp: int) -> None:
        model = self.model(number)
        expected = model.callback(Report(request, status, stamp, model.now))
        assert self.live.report(status, stamp, request=request, number=number) is expected
        if not self.exact:
            self.live.advance(0.001)  # no start in the same millisecond as a callback

    @rule(seconds=PAUSES)
    def let_time_pass(self, seconds: float) -> None:
        self.advance(seconds)

    @rule(number=NUMBERS, device=DEVICES)
    def log_in(self, number: str, device: str) -> None:
        """Start and enter the right code, if the limits let it: the device is known from then
        on."""
        if not self.model(number).waits(device):
            self.start(number, device, Unknown("timeout"))
            self.check(0, right=True, repeat=False)

    @rule(number=NUMBERS, device=DEVICES, early=st.sampled_from([0, 1]))
    def wait_for_the_limits(self, number: str, device: str, early: int) -> None:
        """Advance to the millisecond at which a start is let through, or to the one before."""
        waits = self.model(number).waits(device)
        self.advance(max(0, max(waits.values(), default=0) - early) / 1000)

    @invariant()
    def every_verification_reads_as_the_model_says(self) -> None:
        for life in self.lives:
            found = self.ask(life, lambda life=life: self.live.store.status(life.id, APP))
            if found:
                self.models[life.number].match()
                assert_same(found, life.attempt, self.models[life.number])

    @invariant()
    def the_counts_are_what_was_seen(self) -> None:
        """Each event once, in whatever hour; until nothing at all happens for 90 days."""
        seen = self._seen()
        if seen != self.last_seen:
            self.last_seen, self.last_event = seen, self.live.now
        counts = self.live.statistics.statistics().total.counts
        expected = {event: number - self.forgotten[event] for event, number in seen.items()}
        assert {event: counts.of(event) for event in seen} == expected

    def advance(self, seconds: float) -> None:
        """Let time pass. Without an event for 90 days the counts expire, an hour before at most."""
        self.live.advance(seconds)
        if self.live.now - self.last_event >= 1000 * (KEPT_SECONDS - HOUR):
            counts, seen = self.live.statistics.statistics().total.counts, self._seen()
            self.forgotten = Counter({event: seen[event] - counts.of(event) for event in seen})

    def _seen(self) -> Counter[str]:
        """Return every event since the beginning."""
        seen = Counter(self.seen)
        for life in self.lives:
            call, ended = life.attempt.call, life.attempt.ended
            life.undelivered = life.undelivered or call is CallState.UNDELIVERED
            seen["approved"] += life.rights
            seen["exhausted"] += ended is State.EXHAUSTED
            seen["canceled"] += ended is State.CANCELED
            seen["delivered"] += call is CallState.DELIVERED
            seen["recovered"] += life.undelivered and call is CallState.DELIVERED
            seen["undelivered"] += life.undelivered
        return seen

    @invariant()
    def no_key_stays_for_ever(self) -> None:
        assert keys_without_ttl(self.live.client) == []


def outcome_event(outcome: CallOutcome) -> str:
    """Return the event as which the outcome of a call is counted."""
    if isinstance(outcome, Failed):
        return f"failed.{outcome.kind}"
    return type(outcome).__name__.lower()


def assert_same(found: Verification, attempt: Attempt, model: Model) -> None:
    """Compare all that a login flow can see of a verification."""
    assert found.now == model.now
    assert found.state is attempt.state(model.now)
    assert (found.checks_left, found.expires_at) == (attempt.left, attempt.expires)
    assert (found.call.state, found.call.number_rejected) == (attempt.call, attempt.number_rejected)
    status = (attempt.report.status, attempt.report.stamp) if attempt.report else (None, None)
    assert (found.call.provider_status, found.call.status_at) == status
    guess_block = (
        (found.guess_block.limit, found.guess_block.milliseconds) if found.guess_block else ("", 0)
    )
    assert guess_block == model.guess_block(model.budget_of(attempt))
    waits = model.waits(attempt.device)
    if found.restart:
        # A spent guess budget is named before any cooldown that is longer.
        spent, _ = model.guess_block(model.budget_for(attempt.device))
        assert found.restart.milliseconds == max(waits.values())
        assert found.restart.limit in ((spent,) if spent else waits)
    else:
        assert waits == {}
