"""How a start is let through: by one script where there is one server, by three on a Cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from verify_service.errors import (
    AlreadyReserved,
    CallsPaused,
    CallsSuspended,
    LimitReached,
    StoreUnavailable,
)
from verify_service.guards.limits import Notice
from verify_service.ids import Address, IdMint
from verify_service.models import Draft, Gate, Ticket, Verification, Wait
from verify_service.store import keys, replies
from verify_service.store.scripts import Command, Scripts
from verify_service.store.wide import WideLimits


class Admission(ABC):
    """Reserves a verification and takes its places in the wide limits, or neither.

    Args:
        scripts: Which know the number's policy; where one decides for both, the wide one as well.
        wide: What all numbers share.
        notice: Told what a limit in dry run would have refused.
    """

    def __init__(
        self,
        scripts: Scripts,
        ids: IdMint,
        wide: WideLimits,
        notice: Callable[[Notice], None],
    ) -> None:
        self._scripts = scripts
        self._ids = ids
        self._wide = wide
        self._notice = notice

    @abstractmethod
    def admit(self, draft: Draft, besides: Sequence[Command]) -> Verification:
        """Let a start through; ``besides`` is told to the guards ahead of it.

        Raises:
            LimitReached, CallsPaused, CallsSuspended, AlreadyReserved, StoreUnavailable: It is not.
        """

    def _reserved(self, draft: Draft, reply: list[Any]) -> Verification:
        """Return the verification that a script has reserved, or raise why there is none."""
        if reply[0] in _REFUSALS:
            self._wide.tell(reply[-1])
            raise refusal(reply)
        reserved = replies.verification(draft.id, reply)
        if reply[0] == "taken":
            raise AlreadyReserved(reserved)
        dry, notices, took, (state, failures) = reply[-1]
        self._wide.tell(notices)
        for limit in dry:
            self._notice(Notice("dry", limit))
        ticket = self._wide.ticket(draft, reserved.counted_at, took)
        return replace(reserved, ticket=ticket, gate=Gate(state == "probe", failures))


class OneServer(Admission):
    """The number and the wide limits live on one server: one script decides for both.

    A start that is refused is one round trip, and has changed nothing at any moment: a flood of
    them takes nobody's place.
    """

    def admit(self, draft: Draft, besides: Sequence[Command]) -> Verification:
        """Let a start through, in one round trip; ``besides`` travels with it."""
        address = self._ids.located(draft.id)
        question = self._wide.question(draft)
        names = [*_own_keys(address), *question.keys]
        own = _own_arguments(address, draft)
        command = self._scripts.command(
            "start", names, keys.slot(address.tag), *question.args, *own
        )
        *told, reply = self._scripts.send(command, besides=besides)
        self._wide.read_news(told)
        return self._reserved(draft, reply)


class ManyServers(Admission):
    """They live on different servers, each of which decides for itself.

    So the number is asked first, without writing; then the wide limits take their places, and then
    the number reserves. What it refuses at last (in a race, or for being gone) is given back, but
    for the breaker's probe, should it have taken that too: it is given up by its age. A start is
    three exchanges, one that is refused one or two, and the guards' news another.
    """

    def admit(self, draft: Draft, besides: Sequence[Command]) -> Verification:
        """Let a start through; the guards hear the news first, also where it is refused."""
        self._wide.read_news(self._scripts.send(besides=besides))
        reply = self._ask(draft, "ask")
        if reply[0] == "free":
            moment, took, gate = self._take(draft, reply[1])
            ticket = self._wide.ticket(draft, moment, took)
            try:
                reply = self._ask(draft, "reserve", moment, took, *gate)
            except StoreUnavailable:
                self._give_back(ticket)
                raise
            if reply[0] in ("refused", "taken"):
                self._give_back(ticket)
        return self._reserved(draft, reply)

    def _ask(self, draft: Draft, script: str, *args: str | int) -> list[Any]:
        """Ask the number."""
        address = self._ids.located(draft.id)
        own = _own_arguments(address, draft)
        return self._scripts.run(script, _own_keys(address), keys.slot(address.tag), *args, *own)

    def _take(self, draft: Draft, known: str) -> tuple[int, str, list[Any]]:
        """Return when the wide limits counted it, what it took of them, what the breaker said."""
        own = self._ids.located(draft.id).own
        reply = self._scripts.run_once(self._wide.take(draft, known, own))
        self._wide.tell(reply[-1])
        if reply[0] != "taken":
            raise refusal(reply)
        return reply[1], reply[2], reply[3]

    def _give_back(self, ticket: Ticket) -> None:
        """Say so where it is in vain: then a start counts that never was, until its window ends."""
        try:
            self._scripts.run_once(self._wide.give(ticket))
        except StoreUnavailable:
            self._notice(Notice("lost", ""))


_REFUSALS = ("refused", "paused", "suspended")


def refusal(reply: list[Any]) -> LimitReached | CallsPaused | CallsSuspended:
    """Read why a start is not let through."""
    if reply[0] == "suspended":
        return CallsSuspended(Wait("", reply[1]).seconds)
    if reply[0] == "paused":
        return CallsPaused(Wait("", reply[1]).seconds)
    return LimitReached(reply[1], Wait(reply[1], reply[2]).seconds)


def _own_keys(address: Address) -> list[str]:
    return [keys.verification(address), keys.number(address.tag)]


def _own_arguments(address: Address, draft: Draft) -> tuple[str, ...]:
    test = "" if draft.test_code is None else "1"
    what = (draft.app, draft.number, draft.digest, draft.nonce, draft.device, test)
    return (address.own, *what, *replies.pieces(draft.reference))
