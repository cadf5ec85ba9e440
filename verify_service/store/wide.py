"""The limits over all numbers, as the store asks for them: one script each, in one slot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import redis

from verify_service.errors import CallsPaused, LimitReached
from verify_service.guards import limits
from verify_service.guards.limits import Notice, WidePolicy
from verify_service.guards.places import prefix_of
from verify_service.models import Draft, Ticket, Verdict, Verification, Wait
from verify_service.numbers import country_of
from verify_service.store import keys
from verify_service.store.ledger import Ledger
from verify_service.store.scripts import Command, Scripts, encode_wide

TICKET = 2
"""Which of the keys of ``take`` is the start's own."""


@dataclass(frozen=True, slots=True)
class Word:
    """What one kind of caller is told."""

    refusal: LimitReached | CallsPaused | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What the wide limits say of a start. Who it is, only the number knows.

    Attributes:
        ticket: What it took; None where nobody may start.
        stranger: What it is told where its device is not known, or has no name.
        known: What it is told where its device has a lane of its own with the number.
    """

    ticket: Ticket | None
    stranger: Word
    known: Word


class WideLimits:
    """Prepares commands and reads replies; whoever sends them decides what travels together.

    Args:
        client: Where they will run.
        policy: What all numbers together may do.
        notice: Told what a guard has to say beside its answer.
    """

    def __init__(
        self, client: redis.Redis, policy: WidePolicy, notice: Callable[[Notice], None]
    ) -> None:
        self._scripts = Scripts(client, encode_wide(policy))
        self._policy = policy
        self._notice = notice
        self._ledger = Ledger()

    def take(self, draft: Draft, start: str) -> Command:
        """Take the draft's place in every limit.

        Args:
            start: Names the start: under the same name nothing is taken twice.
        """
        counters = self._counters(draft)
        names = [keys.rules(), keys.pause(), keys.ticket(start)]
        return self._scripts.command(
            "take",
            [*names, *_conversions(draft.number, draft.country), *counters],
            keys.slot(keys.WIDE),
            draft.number,
            prefix_of(draft.number),
            draft.country,
            int(draft.test_code is not None),
            int(bool(draft.device)),
            *counters.values(),
        )

    def read(self, draft: Draft, asked: Command, reply: list[Any]) -> Taken:
        """Return what the draft took, and what it is to be told."""
        verdict, *rest = reply
        if verdict == "paused":
            word = Word(CallsPaused(Wait("", rest[0]).seconds))
            return Taken(None, word, word)
        moment, which, notices, stranger, known = rest
        self._tell(notices)
        ticket = None
        if verdict == "taken":
            counters = self._counters(draft).items()
            pairs = [pair for pair, was in zip(counters, which, strict=True) if was == "1"]
            if draft.test_code is None:
                places = _conversions(draft.number, draft.country)
                pairs += [(key, limits.CONVERSION) for key in places]
            ticket = Ticket(asked.keys[TICKET], int(moment), tuple(pairs))
        return Taken(ticket, _word(*stranger), _word(*known))

    def divide(self, ticket: Ticket) -> tuple[Ticket, Ticket]:
        """Return of a ticket the places that are kept for known devices, and the others."""
        kept = tuple(pair for pair in ticket.taken if pair[1] == limits.KNOWN)
        others = tuple(pair for pair in ticket.taken if pair[1] != limits.KNOWN)
        return replace(ticket, taken=kept), replace(ticket, taken=others)

    def give(self, ticket: Ticket, *, whole: bool = True) -> Command:
        """Give back what a start took.

        Args:
            whole: Whether it is all of it, which is given once however often it is asked for.
        """
        names = [limit for _, limit in ticket.taken]
        taken = [ticket.key, *(key for key, _ in ticket.taken)]
        wide = keys.slot(keys.WIDE)
        return self._scripts.command("give", taken, wide, ticket.moment, int(whole), *names)

    def learn(self, verdict: Verdict, verification: Verification) -> None:
        """Note what a guess came to, for the guards."""
        if verification.test:  # nobody was called
            return
        if verdict is Verdict.WRONG:
            self._ledger.wrong()
        elif verdict is Verdict.RIGHT:
            number = verification.number
            places = _conversions(number, country_of(number))
            self._ledger.right(places, verification.counted_at)

    def news(self) -> list[Command]:
        """What the guards have to learn, if anything. Where it is lost, they see too little."""
        news = self._ledger.collect()
        if news is None:
            return []
        pairs = [part for (_, at), count in news.approvals.items() for part in (at, count)]
        names = [keys.rules(), keys.guesses(), *(key for key, _ in news.approvals)]
        guesses = (news.wrong, news.right)
        return [self._scripts.command("tally", names, keys.slot(keys.WIDE), *guesses, *pairs)]

    def read_news(self, told: Sequence[list[Any] | Exception]) -> None:
        """Tell what the guards made of it."""
        for reply in told:
            if reply and not isinstance(reply, Exception):
                self._tell(reply[0])

    def _counters(self, draft: Draft) -> dict[str, str]:
        """Return every counter's key with its limit's name, in the order that take.lua wants."""
        prefix = prefix_of(draft.number)
        places = {
            limits.CLIENT_IP: draft.client,
            limits.PREFIX: prefix,
            limits.KNOWN: prefix if draft.device else "",
            limits.COUNTRY: draft.country,
            limits.APP: draft.app,
            limits.DAY_TOTAL: "all",
        }
        return {
            keys.limit(name, place): name
            for name, place in places.items()
            if place and self._policy.windows(name)
        }

    def _tell(self, flat: Sequence[Any]) -> None:
        for notice in _notices(flat):
            self._notice(notice)


def _word(limit: str, wait: int, flat: Sequence[Any]) -> Word:
    refusal = LimitReached(limit, Wait(limit, wait).seconds) if limit else None
    return Word(refusal, tuple(_notices(flat)))


def _notices(flat: Sequence[Any]) -> Iterator[Notice]:
    for kind, limit, place, milliseconds in zip(*(flat[at::4] for at in range(4)), strict=True):
        yield Notice(kind, limit, place, Wait(limit, int(milliseconds)).seconds)


def _conversions(number: str, country: str) -> tuple[str, str]:
    return keys.conversion(prefix_of(number)), keys.conversion(country)
