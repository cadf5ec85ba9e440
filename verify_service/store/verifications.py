"""The Store on Redis: one function per decision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from verify_service.domain import limits
from verify_service.domain.breaker import signal_of
from verify_service.domain.calls import CallOutcome
from verify_service.domain.check_result import CheckResult
from verify_service.domain.errors import KeyReused, VerificationNotFound
from verify_service.domain.idempotency import Nonce
from verify_service.domain.ids import VerificationIds, VerificationKey, request_digest
from verify_service.domain.limits import Notice, WideLimits
from verify_service.domain.models import (
    CheckedGuess,
    DeliveryReport,
    NewVerification,
    Readiness,
    Reservation,
    Verdict,
    Verification,
)
from verify_service.domain.numbers import mask
from verify_service.domain.redis_memory import RedisMemory
from verify_service.store import keys
from verify_service.store.functions import Functions
from verify_service.store.mapping import notice, outcome_arguments, read_verification, refusal
from verify_service.store.warnings import Warnings


def _ignore(_app: str, _lost: int) -> None:
    pass


class RedisStore:
    """Stores verifications and the budgets of their numbers.

    Every method but ``warnings`` and ``memory`` is one round trip. It raises StoreUnavailable if
    Redis does not reply or cannot work; the function may have run all the same.

    Args:
        functions: The library of functions.
        ids: Locate the keys of a verification.
        wide_limits: Their windows decide which limits a start counts in.
        notice: Called with the notices of guards, of limits in dry run and of the breaker.
        webhook_apps: The apps that are sent events.
        events_added: Called with an app whose outbox has new events, and with the number of its
            events that fell out.
    """

    def __init__(
        self,
        functions: Functions,
        ids: VerificationIds,
        wide_limits: WideLimits,
        notice: Callable[[Notice], None],
        *,
        webhook_apps: Collection[str] = (),
        events_added: Callable[[str, int], None] = _ignore,
    ) -> None:
        self._functions = functions
        self._ids = ids
        self._limits = [
            name for name in (*limits.WIDE_LIMITS, limits.KNOWN_DEVICE) if wide_limits.windows(name)
        ]
        self._notice = notice
        self._webhook_apps = webhook_apps
        self._events_added = events_added
        self._warnings = Warnings(functions.client)

    def reserve(self, new: NewVerification) -> Reservation:
        """Reserve a verification before its call is placed.

        Raises:
            LimitReached: A limit refuses the start, which is not counted.
            DestinationBlocked: The operator has blocked a prefix of the number.
            CallsPaused, CallsSuspended: The operator, or the breaker, has paused calls.
            KeyReused: The Idempotency-Key belongs to a start with another body.
        """
        declared, arguments = self._start(new)
        declared += [keys.RESTRICTIONS, keys.COUNTS, keys.PAST_COUNTS, keys.TIMELINE]
        if new.idempotency:
            declared.append(keys.idempotency_key(new.idempotency.name))
        arguments |= {
            "id": new.id,
            "app": new.app,
            "number": new.number,
            "masked": mask(new.number),
            "country": new.country,
            "digest": new.digest,
            "reference": new.reference,
            "device": new.device or None,
            "test": True if new.test_code is not None else None,
            "webhook": True if new.app in self._webhook_apps else None,
            "body": new.idempotency.body if new.idempotency else None,
        }
        scopes = {limits.COUNTRY: new.country, limits.APP: new.app, limits.CLIENT_IP: new.client}
        result = self._call("reserve", declared, arguments, scopes)
        if "bound" in result:
            if not result["same_body"]:
                raise KeyReused
            return Reservation(read_verification(result["bound"], result), earlier=True)
        if "reserved" not in result:
            raise refusal(result, scopes)
        for limit in result.get("dry") or ():
            self._notice(Notice("dry", limit))
        return Reservation(read_verification(new.id, result), probe=result["probe"])

    def record(self, new: NewVerification, outcome: CallOutcome) -> Verification:
        """Record the outcome of a call, and apply a callback that was received before.

        A refund applies to all limits that the start counted in, as far as their budgets of refunds
        permit. The breaker counts the outcome. Recording it again changes nothing.

        Raises:
            VerificationNotFound: The reservation has expired.
        """
        declared, arguments = self._start(new)
        declared += [keys.COUNTS, keys.TIMELINE]
        if new.idempotency:
            declared.append(keys.idempotency_key(new.idempotency.name))
        arguments |= {"signal": signal_of(outcome).value, **outcome_arguments(outcome)}
        result = self._call("record", declared, arguments)
        return read_verification(new.id, result)

    def check(
        self, verification_id: str, app: str, digests: Sequence[str], nonce: Nonce
    ) -> CheckedGuess:
        """Compare one guess.

        Args:
            digests: Those that are right.
            nonce: Identifies the guess: one with a known nonce is not compared again.

        Raises:
            VerificationNotFound: No such verification for this app.
            KeyReused: The nonce's Idempotency-Key belongs to a check with another body.
        """
        address = self._ids.locate(verification_id)
        arguments = {"app": app, "digests": list(digests), "nonce": nonce.name, "body": nonce.body}
        declared = [
            *_verification_keys(address),
            keys.GUESSES,
            keys.RESTRICTIONS,
            keys.COUNTS,
            keys.TIMELINE,
        ]
        result = self._call("check", declared, arguments)
        if "other_body" in result:
            raise KeyReused
        verification = read_verification(verification_id, result)
        return CheckedGuess(Verdict(result["verdict"]), verification, result.get("repeated", False))

    def status(self, verification_id: str, app: str) -> Verification:
        """Read a verification.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        address = self._ids.locate(verification_id)
        arguments = {"app": app, "short_id": address.short_id, "tag": address.tag}
        result = self._call("status", _verification_keys(address), arguments)
        return read_verification(verification_id, result)

    def cancel(self, verification_id: str, app: str) -> Verification:
        """Cancel a pending verification; a final state does not change.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        address = self._ids.locate(verification_id)
        result = self._call("cancel", _verification_keys(address), {"app": app})
        return read_verification(verification_id, result)

    def record_callback(self, report: DeliveryReport) -> bool:
        """Record a callback; return whether it changed a call."""
        tag = self._ids.tag(report.number)
        arguments = {
            "tag": tag,
            "report": {
                "request": request_digest(report.request_id),
                "status": report.status.word,
                "result": report.status.result,
                "stamp": report.timestamp,
            },
        }
        result = self._call("callback", [keys.number(tag)], arguments)
        return bool(result["applied"])

    def ready(self) -> Readiness:
        """Return what pauses calls.

        Raises:
            StoreUnavailable: Also if Redis takes no writes: it is full or read-only.
        """
        declared = [keys.WRITE_TEST, keys.RESTRICTIONS, keys.BREAKER]
        result = self._call("ready", declared, {})
        return Readiness(calls_paused=result["paused"], breaker_open=result["open"])

    def warnings(self) -> tuple[CheckResult, ...]:
        """Return what is wrong with Redis and does not stop it."""
        return self._warnings.current()

    def memory(self) -> RedisMemory | None:
        """Return how much memory Redis uses."""
        return self._warnings.memory()

    def _start(self, new: NewVerification) -> tuple[list[str], dict[str, Any]]:
        """Return the keys and arguments that ``reserve`` and ``record`` share."""
        address = self._ids.locate(new.id)
        limit_keys = keys.limits(new.number, new.country, new.app, new.client)
        if not new.device:
            del limit_keys[limits.KNOWN_DEVICE]
        counted = [name for name in self._limits if name in limit_keys]
        declared = [
            *_verification_keys(address),
            keys.BREAKER,
            *keys.conversions(new.number, new.country),
            *(limit_keys[name] for name in counted),
        ]
        return declared, {"short_id": address.short_id, "tag": address.tag, "limits": counted}

    def _call(
        self,
        decision: str,
        declared: Sequence[str],
        arguments: Mapping[str, Any],
        scopes: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        result = self._functions.call(decision, declared, arguments)
        if "missing" in result:
            raise VerificationNotFound
        for entry in result.get("notices") or ():
            self._notice(notice(entry, scopes or {}))
        for app, lost in (result.get("outboxes") or {}).items():
            self._events_added(app, lost)
        return result


def _verification_keys(address: VerificationKey) -> list[str]:
    return [keys.verification(address), keys.number(address.tag)]
