"""The service's answers as values. Durations are whole seconds, times are Unix time in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from verify_service.client.vocabulary import CallState, NextAction, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The call of a verification.

    Attributes:
        caller_prefix: The calling number without the code; None where it is not known.
        caller_length: The number of digits of the calling number, the code included.
        code_digits: The number of digits that the person types.
        provider_status: How the call ended, in the provider's word, once known.
        at: When it ended.
    """

    state: CallState
    caller_prefix: str | None = None
    caller_length: int | None = None
    code_digits: int = 4
    provider_status: str | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What every answer about a verification can have.

    Attributes:
        limit: The limit that blocks the number, if any, for ``retry_after`` seconds.
        test: Whether this is a test number, to which no call is placed.
        request_id: The request's id in the log of the service.
    """

    state: State
    next_action: NextAction
    limit: str | None = None
    retry_after: int | None = None
    reference: str | None = None
    test: bool = False
    request_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(_Result):
    """A verification. It never logs anyone in: see :class:`Check`.

    Attributes:
        verification_id: Keep it in the person's session.
        number: Masked.
        expires_at: When the code expires.
        expires_in: Seconds until then; 0 in a final state.
        restart_in: Seconds until the number's own limits allow a new start.
    """

    verification_id: str
    number: str
    call: Call
    checks_left: int
    expires_at: int
    expires_in: int
    restart_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(_Result):
    """The result of one check.

    Attributes:
        verified: The only value that logs anyone in; true once for each verification.
        proven_number: The full number where ``verified``, else None. Prefer :attr:`number`.
        checks_left: How many checks are left.
    """

    verified: bool
    proven_number: str | None = field(default=None, repr=False)
    checks_left: int | None = None
    expires_in: int | None = None
    restart_in: int | None = None

    def __post_init__(self) -> None:
        if self.verified is not (self.proven_number is not None):
            raise ValueError("A check has a proven number exactly when it is verified.")

    @property
    def number(self) -> str:
        """The number that was proven, in E.164: log in its owner.

        Raises:
            ValueError: The check is not verified.
        """
        if self.proven_number is None:
            raise ValueError("This check is not verified: there is no number to log in.")
        return self.proven_number

    def __bool__(self) -> NoReturn:
        """Raise TypeError: ``if client.check(…):`` would be true for every code."""
        raise TypeError("A Check is neither true nor false: use its .verified.")
