"""What became of a request to place a call. One of three, and never a guess between them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placed:
    """The provider took the call."""

    request_id: str
    caller_prefix: str | None
    """All of the caller's number but its last four digits; None where it is not to be trusted."""
    caller_length: int | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have reached the provider: the phone may be ringing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No call, or none that can be relied on: with ``refund`` False it may ring all the same.

    Attributes:
        reason: A sentence of ours. Never the provider's own text, which may quote the code.
        refund: Whether the start's quota is given back.
        error_code: The provider's ``errorCode``, where it gave one.
        invalid_number: The provider holds the number for no number (errorCode 11).
        account: The operator has to act: token, balance, sender (errorCodes 1, 2, 5, 6, 10, 16).
        retry_after: Seconds to wait, where the provider throttles (errorCode 4).
    """

    reason: str
    refund: bool
    error_code: int | None = None
    invalid_number: bool = False
    account: bool = False
    retry_after: int | None = None


Outcome = Placed | Unknown | Failed
