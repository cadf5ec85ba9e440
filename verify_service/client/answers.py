"""What the service says, as values. Durations are whole seconds, moments unixtime in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from verify_service.client.words import CallState, NextAction, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The call of a verification.

    Attributes:
        caller_prefix: The calling number but for the code; None where that is not known.
        caller_length: How many digits the calling number has, the code included.
        code_digits: How many digits the person has to type.
        provider_status: How the call ended, in the provider's word, once known.
        at: When that was.
    """

    state: CallState
    caller_prefix: str | None = None
    caller_length: int | None = None
    code_digits: int = 4
    provider_status: str | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A verification as it stands. It logs nobody in, whatever its state: see :class:`Check`.

    Attributes:
        verification_id: Keep it in the person's session.
        number: Masked.
        expires_at: When the code ends.
        expires_in: Seconds until then; 0 once the verification is over.
        restart_in: Seconds until the number's own limits let a new start through.
        limit: Which limit bars the number, if one does; ``retry_after`` says for how long.
        test: Whether this is a test number, so that nobody was called.
        request_id: Find it in the log of the service.
    """

    verification_id: str
    state: State
    number: str
    call: Call
    checks_left: int
    expires_at: int
    expires_in: int
    restart_in: int
    next_action: NextAction
    limit: str | None = None
    retry_after: int | None = None
    reference: str | None = None
    test: bool = False
    request_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The answer to one check.

    Attributes:
        verified: The only thing that logs anyone in; true once in a verification's life.
        proven_number: The full number where ``verified``, else None. Better ask :attr:`number`.
        checks_left: How often the person may still try.
        expires_in: Seconds left to do so.
        restart_in: Seconds until a new start is let through.
        limit: Which limit bars the number, if one does; ``retry_after`` says for how long.
        test: Whether this is a test number, so that nobody was called.
        request_id: Find it in the log of the service.
    """

    verified: bool
    state: State
    next_action: NextAction
    proven_number: str | None = field(default=None, repr=False)
    checks_left: int | None = None
    expires_in: int | None = None
    restart_in: int | None = None
    limit: str | None = None
    retry_after: int | None = None
    reference: str | None = None
    test: bool = False
    request_id: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.verified is not (self.proven_number is not None):
            raise ValueError("A check has a proven number exactly when it is verified.")

    @property
    def number(self) -> str:
        """The number that was proven, E.164: log in whoever it belongs to.

        Raises:
            ValueError: Nothing was proven.
        """
        if self.proven_number is None:
            raise ValueError("This check is not verified: there is no number to log in.")
        return self.proven_number

    def __bool__(self) -> NoReturn:
        """Refuse. ``if client.check(…):`` would log in whoever types anything."""
        raise TypeError("A Check is neither true nor false: ask its .verified.")
