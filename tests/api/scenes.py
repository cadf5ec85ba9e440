"""One start, with callbacks, guesses and a second start in other threads during it.

Each answer is stored with its event, so that a test can check whether any order of the events
explains all answers.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.store.facts import STATUSES, Report
from tests.store.rules import Number
from verify_service.domain.calls import CallOutcome
from verify_service.domain.errors import CallFailed, LimitReached
from verify_service.domain.models import NewVerification
from verify_service.domain.next_action import VerificationView

from .stage import Stage, outcome_of, reads

Event = Callable[[Number], bool]
"""Applies an event to the rules; returns whether they give the answer that was given."""
Act = Callable[[], list[Event]]
"""Sends a request to the service; returns its events in their order."""
PATIENCE = 30
ANSWERS = ("placed", "placed", "placed", "unknown", "unknown", "refused", "failed", "bug")
APP = "shop"


def _broke_off(rules: Number) -> bool:
    """A bug while the call was placed: whether the phone rang is unknown."""
    return rules.record("0", "unknown")


class Scene:
    """A start of a number of its own, and the events around it.

    ``acts`` is a list of groups of sequences of events. One group follows another, and within a
    sequence one event follows another; the sequences of one group overlap in time.
    """

    def __init__(self, stage: Stage, seed: int, crew: ThreadPoolExecutor) -> None:
        self.seed = seed
        self.number, self.other = f"+7917{seed:07}", f"+7918{seed:07}"
        self.acts: list[list[list[Event]]] = []
        self._stage, self._crew = stage, crew
        hasty = seed % 3 == 0
        self.limits, self._ask = stage.hasty if hasty else stage.patient
        self._new = self._ask.prepare(APP, self.number)
        self._dice = random.Random(seed)  # noqa: S311 — an order of events, no secret
        self._how = self._dice.choice(ANSWERS)
        self._names = itertools.count(1)
        self._racing: list[Future[list[Event]]] = []

    def play(self) -> None:
        for _ in range(self._dice.choice((0, 0, 1, 2))):
            self.acts.append([self._callback()()])
        during, racing, after = (self._some(most) for most in (4, 3, 2))
        self._stage.tick()  # by the server's clock, the earlier events are earlier than the start
        self._stage.phone.rings[self.number] = lambda code: self._ring(code, during, racing)
        stands = self._begin(self._new, self._how)
        recorded = [self._recorded("0", self._how, one) for one in stands] or [_broke_off]
        self.acts.append([recorded, *(late.result(PATIENCE) for late in self._racing)])
        self.acts.append([one.result(PATIENCE) for one in self._at_once(after)])
        self.acts.append([self._get()()])

    def _ring(self, code: str, during: list[Act], racing: list[Act]) -> CallOutcome:
        """Run the acts during the call's placement, and those that race with its answer."""
        self._code = code
        self._stage.phone.rings[self.number] = self._ring_again
        self.acts.append([[lambda rules: rules.reserve("0")]])
        self.acts.append([one.result(PATIENCE) for one in self._at_once(during)])
        self._racing = self._at_once(racing)
        if self._how == "bug":
            raise ZeroDivisionError
        return outcome_of(self._how, f"{self.number} first")

    def _ring_again(self, _: str) -> CallOutcome:
        """Another start of the number is always placed."""
        return outcome_of("placed", f"{self.number} {next(self._names)}")

    def _at_once(self, acts: list[Act]) -> list[Future[list[Event]]]:
        """Start all acts at the same moment, which is now."""
        barrier = threading.Barrier(len(acts) + 1)

        def go(act: Act) -> list[Event]:
            barrier.wait(PATIENCE)
            return act()

        gone = [self._crew.submit(go, act) for act in acts]
        barrier.wait(PATIENCE)
        return gone

    def _begin(self, new: NewVerification, how: str) -> list[VerificationView]:
        """Start; return the answer, if there is one."""
        if how == "bug":
            with pytest.raises(ZeroDivisionError):
                self._ask.start(new)
            return []
        try:
            stands = self._ask.start(new)
        except CallFailed as failed:
            assert how in ("refused", "failed")
            return [failed.view]
        # If the call counted as lost, a callback may have reported more than the provider did.
        assert how in ("placed", "unknown") or stands.verification.call.provider_status
        return [stands]

    def _recorded(self, name: str, how: str, stands: VerificationView) -> Event:
        """Return the event of recording an outcome, with the start's answer."""
        outcome = "failed" if how == "refused" else how
        request = f"{self.number} first" if name == "0" else f"own of {name}"

        def happens(rules: Number) -> bool:
            rules.record(name, outcome, request, refund=how == "refused")
            return reads(rules, name, stands)

        return happens

    # -- the other requests --------------------------------------------------------------------

    def _some(self, most: int) -> list[Act]:
        makers = [self._callback, self._callback, self._callback, self._check, self._get]
        makers += [self._start, self._cancel] if self._dice.random() < 0.3 else []
        acts = [self._dice.choice(makers)() for _ in range(self._dice.randint(0, most))]
        # Two identical ones at the same moment: a provider that retries sends these.
        return [*acts, acts[0]] if acts and self._dice.random() < 0.3 else acts

    def _callback(self) -> Act:
        dice = self._dice
        word, stamp = dice.choice((*STATUSES, "REJECTED", "RINGING")), dice.randrange(1, 5)
        number = self.other if dice.random() < 0.1 else self.number
        request = f"{self.number} {dice.choice(('first', 'first', 'first', 'unknown'))}"

        def act() -> list[Event]:
            applied = self._ask.record_callback(request, number, word, stamp)
            if word == "RINGING" or number == self.other:
                assert not applied
                return []
            return [
                lambda rules: rules.callback(Report(request, word, stamp, rules.now)) is applied
            ]

        return act

    def _check(self) -> Act:
        right = self._dice.random() < 0.4

        def act() -> list[Event]:
            answer = self._ask.check(APP, self._new.id, self._code if right else "0999")
            nonce = f"{next(self._names)}"

            def happens(rules: Number) -> bool:
                verdict = rules.check("0", right, nonce)
                return verdict == answer.verdict and reads(rules, "0", answer.view)

            return [happens]

        return act

    def _get(self) -> Act:
        def act() -> list[Event]:
            stands = self._ask.status(APP, self._new.id)
            return [lambda rules: rules.get("0") is not None and reads(rules, "0", stands)]

        return act

    def _cancel(self) -> Act:
        def act() -> list[Event]:
            stands = self._ask.cancel(APP, self._new.id)
            return [lambda rules: rules.cancel("0") is not None and reads(rules, "0", stands)]

        return act

    def _start(self) -> Act:
        """Another start of the number: it is let through only if the first one's cooldown is
        over."""

        def act() -> list[Event]:
            name = f"{next(self._names)}"
            try:
                (stands,) = self._begin(self._ask.prepare(APP, self.number), "placed")
            except LimitReached as refused:
                limit = refused.limit
                return [lambda rules: not rules.reserve(name) and limit in rules.waits()]
            return [lambda rules: rules.reserve(name), self._recorded(name, "placed", stands)]

        return act
