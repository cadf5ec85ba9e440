"""Random schedules: a few starts of one number, and other events around them, in any order.

A schedule depends on its seed alone. Only the events of one start keep their order: reserved,
answered by the provider, recorded (or never, if the process died).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.store.facts import REFUNDING, STATUSES
from verify_service.domain.limits import DAY, NumberLimits
from verify_service.domain.models import Window

FREE = NumberLimits(cooldowns=(0,), starts=(Window(100, DAY),))
LIMITS = (
    NumberLimits(),
    FREE,
    NumberLimits(cooldowns=(0, 5), starts=(Window(2, 600), Window(4, DAY)), max_checks=2),
    NumberLimits(failures=(Window(2, DAY),), lock_after=3, deadline=1.0, code_ttl=60),
)
BARE = tuple(Window(count, count * 3_600) for count in range(1, 6))
"""Windows in which a wait shows how many starts count, and since when the oldest of them."""
OUTCOMES = ("placed", "placed", "placed", "unknown", "unknown", "failed", "refunded", "died")
WORDS = (*STATUSES, *REFUNDING)
PAUSES = (0.001, 0.999, 1, 5, 9.999, 10, 30, 30, 60, 300, 599.999, 601, 3_600, 3_900, 86_400)


@dataclass(frozen=True)
class Step:
    """The next event. ``start`` is the index of its start in the schedule."""

    what: str
    start: int = 0
    word: str = ""
    stamp: int = 0
    seconds: float = 0
    request: str = ""
    ours: bool = True
    """Whether a callback names the number that was called; another number does not match."""

    def __repr__(self) -> str:
        words = (self.what, self.start, self.word, self.stamp, self.seconds, self.request)
        return " ".join(str(word) for word in words if word) + " foreign" * (not self.ours)


def schedule(seed: int) -> tuple[NumberLimits, list[Step]]:
    """Return the limits and the steps of one schedule."""
    dice = random.Random(seed)  # noqa: S311 — an order of events, no secret
    unlucky = seed % 8 == 0
    starts = 5 if unlucky else dice.choice((1, 1, 1, 2, 2, 3, 5))
    outcomes = ("placed",) if unlucky else OUTCOMES
    lines = [_start(dice, index, dice.choice(outcomes)) for index in range(starts)]
    lines += [[step] for step in _around(dice, starts)]
    if unlucky:
        lines += [[_callback(dice, index, REFUNDING, [5])] for index in range(starts)]
    # Only a few are in progress at a time, or every start would wait for the last one's cooldown.
    while len(lines) > 1:
        first, second = lines.pop(0), lines.pop(dice.randrange(min(6, len(lines))))
        lines.insert(0, _merge(dice, first, second))
    return FREE if unlucky else dice.choice(LIMITS), lines[0]


def _start(dice: random.Random, index: int, outcome: str) -> list[Step]:
    steps = [Step("reserve", index)]
    if dice.random() < 0.5:
        steps.insert(0, Step("wait", seconds=dice.choice(PAUSES[5:10])))
    if outcome != "died":
        shared = dice.random() < 0.05
        recorded = Step("record", index, outcome, request=f"r{0 if shared else index}")
        steps += [recorded] * dice.choice((1, 1, 1, 2))
    return steps


def _around(dice: random.Random, starts: int) -> Iterator[Step]:
    for _ in range(dice.randint(1, 7)):
        callback = _callback(dice, dice.randrange(starts))
        yield from [callback] * dice.choice((1, 1, 1, 2))
    for _ in range(dice.choice((0, 1, 2, 3, 6))):
        guess = dice.choice(("right", "wrong", "wrong", "wrong"))
        yield Step("check", dice.randrange(starts), guess, request=f"nonce {dice.randrange(9)}")
    for _ in range(dice.randint(0, 3)):
        yield Step("get", dice.randrange(starts))
    for _ in range(dice.randint(0, 4)):
        yield Step("wait", seconds=dice.choice(PAUSES))
    if dice.random() < 0.15:
        yield Step("cancel", dice.randrange(starts))


def _callback(
    dice: random.Random, start: int, words: Sequence[str] = WORDS, stamps: Sequence[int] = range(5)
) -> Step:
    """Mostly the start's own; sometimes one for another request or another number."""
    return Step(
        "callback",
        word=dice.choice(words),
        stamp=dice.choice(stamps),
        request=f"x{dice.randrange(7)}" if dice.random() < 0.2 else f"r{start}",
        ours=dice.random() < 0.9,
    )


def _merge(dice: random.Random, first: list[Step], second: list[Step]) -> list[Step]:
    """Merge two sequences of events; each keeps its own order."""
    positions = set(dice.sample(range(len(first) + len(second)), len(second)))
    ones, others = iter(first), iter(second)
    return [next(others if at in positions else ones) for at in range(len(first) + len(second))]
