"""A start and its callbacks in every order, step by step, against a second implementation."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.store.facts import REFUNDING, Report
from tests.store.rules import Number
from tests.store.schedules import BARE, LIMITS, Step, schedule
from tests.store.world import CLOCK_KEY, RIGHT, WRONG, KeptClock, World
from verify_service.domain.calls import CallOutcome, Failed, Placed, Unknown
from verify_service.domain.errors import LimitReached, VerificationNotFound
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import NumberLimits
from verify_service.domain.models import Verification
from verify_service.provider.flash_call import FlashCallStatus

SCHEDULES = 1_000
FAKE = 7
"""The fake server is the slower one: it runs every seventh of them."""
REACHED = {
    *("reserved", "refused", "missing", "right", "wrong", "ended", "blocked"),
    *("applied", "not applied", "refunded", "not refunded again"),
    *("applied with the record of placed", "applied with the record of unknown"),
    *("pending undelivered", "pending delivered", "pending placed", "pending unknown"),
    *("approved undelivered", "canceled delivered", "exhausted delivered", "expired delivered"),
    *("failed failed", "expired failed", "approved placing"),
}
"""Random schedules must reach these states, or they prove little."""


class QuickClock(KeptClock):
    """The kept clock in one round trip."""

    ADVANCE = """
    redis.call('SET', KEYS[1], ARGV[1], 'EX', 86400)
    for _, key in ipairs(redis.call('KEYS', '*')) do
      local due = redis.call('PEXPIRETIME', key)
      if key ~= KEYS[1] and due >= 0 and due <= tonumber(ARGV[1]) then
        redis.call('DEL', key)
      end
    end"""

    def advance(self, seconds: float) -> None:
        self._now += round(seconds * 1000)
        self._client.eval(self.ADVANCE, 1, CLOCK_KEY, self._now)


@pytest.fixture
def quick(world: World, request: pytest.FixtureRequest) -> World:
    """The world; on a real server with the quicker clock."""
    if "valkey" in request.node.name:
        return World(world.client, QuickClock(world.client), world.number_limits)
    return world


class ScheduleRun:
    """One schedule, run by the store and by the rules."""

    def __init__(self, worlds: dict[NumberLimits, World], seed: int) -> None:
        self.number_limits, self.steps = schedule(seed)
        self.worlds, self.live = worlds, worlds[self.number_limits]
        self.number, self.other = f"+7917{seed:07}", f"+7918{seed:07}"
        self.rules = {one: Number(self.number_limits) for one in (self.number, self.other)}
        starts = 1 + max(step.start for step in self.steps)
        self.new_ones = [self.live.new(self.number) for _ in range(starts)]
        self.seen: Counter[str] = Counter()

    def play(self) -> Counter[str]:
        for step in self.steps:
            self._act(step)
        # Under other windows the waits show which of the same starts count.
        bare = replace(self.number_limits, starts=BARE)
        self.live, self.rules[self.number].number_limits = self.worlds[bare], bare
        for index in range(len(self.new_ones)):
            self._act(Step("get", index))
        return self.seen

    def _act(self, step: Step) -> None:
        for rules in self.rules.values():
            rules.now = self.live.now
        getattr(self, f"_{step.what}")(step, self.rules[self.number], f"{step.start}")

    def _wait(self, step: Step, *_: object) -> None:
        self.live.advance(step.seconds)

    def _reserve(self, step: Step, rules: Number, name: str) -> None:
        reserved = rules.reserve(name)
        waits = rules.waits()
        self.seen["reserved" if reserved else "refused"] += 1
        if reserved:
            self._same(self.live.store.reserve(self.new_ones[step.start]).verification, name)
            return
        with pytest.raises(LimitReached) as refused:
            self.live.store.reserve(self.new_ones[step.start])
        assert refused.value.limit in waits
        assert refused.value.retry_after == -(-max(waits.values()) // 1000)

    def _record(self, step: Step, rules: Number, name: str) -> None:
        before = rules.life(name)
        refund = step.word == "refunded"
        rules.record(name, "failed" if refund else step.word, self._request(step), refund)
        after = rules.life(name)
        self._compare(
            lambda: self.live.store.record(self.new_ones[step.start], self._outcome(step)), name
        )
        if before and after and before.report != after.report:
            self.seen[f"applied with the record of {step.word}"] += 1

    def _check(self, step: Step, rules: Number, name: str) -> None:
        expected = rules.check(name, step.word == "right", step.request)
        self.seen[expected] += 1
        digest = RIGHT if step.word == "right" else WRONG
        verdicts: list[str] = []

        def ask() -> Verification:
            new = self.new_ones[step.start]
            checked = self.live.store.check(new.id, new.app, [digest], Nonce(step.request))
            verdicts.append(checked.verdict)
            return checked.verification

        self._compare(ask, name)
        assert verdicts == ([] if expected == "missing" else [expected])

    def _cancel(self, step: Step, rules: Number, name: str) -> None:
        rules.cancel(name)
        new = self.new_ones[step.start]
        self._compare(lambda: self.live.store.cancel(new.id, new.app), name)

    def _get(self, step: Step, rules: Number, name: str) -> None:
        rules.get(name)
        new = self.new_ones[step.start]
        self._compare(lambda: self.live.store.status(new.id, new.app), name)

    def _callback(self, step: Step, *_: object) -> None:
        number = self.number if step.ours else self.other
        rules = self.rules[number]
        refunds = len(rules.refunds)
        report = Report(self._request(step), step.word, step.stamp, rules.now)
        expected = rules.callback(report)
        status = FlashCallStatus[step.word]
        applied = self.live.report(status, step.stamp, request=report.request, number=number)
        assert applied is expected
        self.seen["applied" if applied else "not applied"] += 1
        if applied:
            assert step.ours
            refunded = rules.lives[rules.owner(report.request)].refunded
            self.seen["refunded"] += len(rules.refunds) - refunds
            self.seen["not refunded again"] += step.word in REFUNDING and not refunded

    def _compare(self, ask: object, name: str) -> None:
        life = self.rules[self.number].life(name)
        if life:
            self._same(ask(), name)  # type: ignore[operator]
            return
        with pytest.raises(VerificationNotFound):
            ask()  # type: ignore[operator]

    def _same(self, found: Verification, name: str) -> None:
        """Compare all that a login flow can see of it."""
        rules = self.rules[self.number]
        life = rules.lives[name]
        known = (life.report.status, life.report.stamp) if life.report else (None, None)
        assert (found.state, found.checks_left) == (rules.state(life), life.left)
        assert found.call.state == life.call
        assert (found.call.provider_status, found.call.status_at) == known
        waits = rules.waits()
        restart = (found.restart.limit, found.restart.milliseconds) if found.restart else ("", 0)
        assert restart[1] == max(waits.values(), default=0)
        assert restart[0] in (waits or {""})
        self.seen[f"{rules.state(life)} {life.call}"] += 1

    def _request(self, step: Step) -> str:
        return f"{self.number} {step.request}"

    def _outcome(self, step: Step) -> CallOutcome:
        if step.word == "placed":
            return Placed(self._request(step), "7917913", 11)
        if step.word == "unknown":
            return Unknown("timeout")
        return Failed("HTTP 500", refund=step.word == "refunded")


@pytest.mark.slow
def test_every_order_has_the_result_of_the_rules(
    quick: World, request: pytest.FixtureRequest
) -> None:
    """In 1,000 random schedules every result is what the rules give.

    Callbacks before, during and after their start, twice, reordered, for another number; guesses, a
    cancel, second starts and time in between. A failure names its seed.
    """
    choices = [*LIMITS, *(replace(number_limits, starts=BARE) for number_limits in LIMITS)]
    worlds = {number_limits: quick.under(number_limits) for number_limits in choices}
    seen: Counter[str] = Counter()
    for seed in range(0, SCHEDULES, FAKE if "fake" in request.node.name else 1):
        run = ScheduleRun(worlds, seed)
        try:
            seen += run.play()
        except BaseException as error:
            error.add_note(f"seed {seed}: {run.steps}")
            raise
        quick.client.flushall()
        quick.advance(0)  # sets the clock again, if it is a key
    assert {name for name in REACHED if not seen[name]} == set()
