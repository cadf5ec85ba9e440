"""The limits over all numbers, as the store asks for them. Their keys share a slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from verify_service.guards import limits
from verify_service.guards.limits import Notice, WidePolicy
from verify_service.guards.places import prefix_of
from verify_service.models import Draft, Ticket, Verdict, Verification, Wait
from verify_service.numbers import country_of
from verify_service.store import keys
from verify_service.store.ledger import Ledger
from verify_service.store.scripts import Command, Scripts, encode_wide


@dataclass(frozen=True, slots=True)
class Question:
    """What a script takes that asks for a start's places (``wide.lua``)."""

    keys: tuple[str, ...]
    args: tuple[str, ...]


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

    def question(self, draft: Draft) -> Question:
        """Return how a script asks for the draft's place in every limit."""
        counters, places = self._counters(draft), (prefix_of(draft.number), draft.country)
        guards = [keys.conversion(place) for place in places]
        return Question(
            (keys.rules(), keys.pause(), keys.breaker(), *guards, *counters),
            (*places, *counters.values()),
        )

    def take(self, draft: Draft, known: str, own: str) -> Command:
        """Take the draft's place in every limit, where the number lives on another server.

        Args:
            known: ``1`` where the number knows the draft's device.
            own: The start's own name.
        """
        asked, test = self.question(draft), "" if draft.test_code is None else "1"
        wide = keys.slot(keys.WIDE)
        return self._scripts.command(
            "take", asked.keys, wide, draft.number, test, known, own, *asked.args
        )

    def ticket(self, draft: Draft, moment: int, took: str) -> Ticket:
        """Return what a start took.

        Args:
            moment: When, by the clock of the server that counted it.
            took: ``1`` or ``0`` for each limit of the draft.
        """
        counters = self._counters(draft).items()
        taken = [pair for pair, was in zip(counters, took, strict=True) if was == "1"]
        if draft.test_code is None:
            places = _conversions(draft.number, draft.country)
            taken += [(key, limits.CONVERSION) for key in places]
        return Ticket(moment, tuple(taken))

    def give(self, ticket: Ticket) -> Command:
        """Give back what a start took."""
        names = [limit for _, limit in ticket.taken]
        taken = [key for key, _ in ticket.taken]
        return self._scripts.command("give", taken, keys.slot(keys.WIDE), ticket.moment, *names)

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

    def read_news(self, told: Sequence[list[Any]]) -> None:
        """Tell what the guards made of it."""
        for reply in told:
            if reply:
                self.tell(reply[0])

    def tell(self, flat: Sequence[Any]) -> None:
        """Pass on what a script has to say beside its answer."""
        for kind, limit, place, milliseconds in zip(*(flat[at::4] for at in range(4)), strict=True):
            self._notice(Notice(kind, limit, place, Wait(limit, int(milliseconds)).seconds))

    def _counters(self, draft: Draft) -> dict[str, str]:
        """Return every counter's key with its limit's name, in the order that wide.lua wants."""
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


def _conversions(number: str, country: str) -> tuple[str, str]:
    return keys.conversion(prefix_of(number)), keys.conversion(country)
