"""The outcome of a request to place a call: one of three, and never a guess between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from verify_service.models import Failure


@dataclass(frozen=True, slots=True)
class Placed:
    """The provider took the call."""

    request_id: str
    caller_prefix: str | None
    """All of the caller's number but its last four digits; None where it is not to be trusted."""
    caller_length: int | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have reached the provider: the phone may be ringing.

    Attributes:
        ours: Whether the exchange ended on our side, which says nothing of the provider.
    """

    reason: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Failed(Failure):
    """No call, or none that can be relied on: with ``refund`` False it may ring all the same.

    Attributes:
        refund: Whether the start's quota is given back.
        account: The operator has to act: token, balance, sender (errorCodes 1, 2, 5, 6, 10, 16).
        transport: The provider could not be reached, or is not well: any number would have met it.
    """

    refund: bool = field(kw_only=True)
    account: bool = field(default=False, kw_only=True)
    transport: bool = field(default=False, kw_only=True)


Outcome = Placed | Unknown | Failed
