"""The limits over all numbers, as the store asks for them: one script each, in one slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    def take(self, draft: Draft) -> Command:
        """Take the draft's place in every limit."""
        counters = self._counters(draft)
        names = [keys.rules(), keys.pause(), *_conversions(draft.number, draft.country)]
        return self._scripts.command(
            "take",
            [*names, *counters],
            keys.slot(keys.WIDE),
            draft.number,
            prefix_of(draft.number),
            draft.country,
            int(draft.test_code is not None),
            *counters.values(),
        )

    def read(self, draft: Draft, reply: list[Any]) -> Ticket | LimitReached | CallsPaused:
        """Return what the draft took, or why it may not start."""
        verdict, *rest = reply
        if verdict == "paused":
            return CallsPaused(Wait("", rest[0]).seconds)
        if verdict == "refused":
            self._tell(rest[2])
            return LimitReached(rest[0], Wait(rest[0], rest[1]).seconds)
        moment, notices, which = rest
        self._tell(notices)
        counters = self._counters(draft).items()
        taken = [pair for pair, was in zip(counters, which, strict=True) if was == "1"]
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
            self._ledger.right(places, verification.created_at)

    def news(self) -> list[Command]:
        """What the guards have to learn, if anything. Where it is lost, they see too little."""
        news = self._ledger.collect()
        if news is None:
            return []
        pairs = [part for (_, at), count in news.approvals.items() for part in (at, count)]
        names = [keys.rules(), keys.guesses(), *(key for key, _ in news.approvals)]
        guesses = (news.wrong, news.right)
        return [self._scripts.command("tally", names, keys.slot(keys.WIDE), *guesses, *pairs)]

    def read_news(self, replies: Sequence[list[Any]]) -> None:
        """Tell what the guards made of it."""
        for reply in replies:
            self._tell(reply[0] if reply else [])

    def _counters(self, draft: Draft) -> dict[str, str]:
        """Return every counter's key with its limit's name."""
        places = {
            limits.CLIENT_IP: draft.client,
            limits.PREFIX: prefix_of(draft.number),
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
        for kind, limit, place, milliseconds in zip(*(flat[at::4] for at in range(4)), strict=True):
            self._notice(Notice(kind, limit, place, Wait(limit, int(milliseconds)).seconds))


def _conversions(number: str, country: str) -> tuple[str, str]:
    return keys.conversion(prefix_of(number)), keys.conversion(country)
