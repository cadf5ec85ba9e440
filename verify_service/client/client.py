"""The four requests of a login flow."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import requests

from verify_service.client import reading
from verify_service.client.answers import Check, Verification
from verify_service.client.errors import NotFound, VerifyError
from verify_service.client.reading import Fields, understood
from verify_service.client.retries import Pace, Retries
from verify_service.client.wire import AccessKey, Request, Wire

_KEY = re.compile(r"[!-~]{1,128}\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
Read = TypeVar("Read")


class VerifyClient:
    """Asks one verify-service. Make one for a process, at import say; all threads may share it.

    At the defaults a start is over within 13 + 14 s and what connecting takes, and so before a
    platform gives up the person's own request (30 s); the others within 5 + 14. Longer only where
    an answer drips in, which the service's never do: the times are those of silence.

    Args:
        url: Where the service is: ``https://verify.internal.example``.
        access_key: The app's key. It is in no repr, error or log of this package.
        timeout: Seconds to wait for the answer to check, status and cancel. They ask nobody but
            Redis, and without it the service says 503 within 2 s.
        start_timeout: Seconds to wait for the answer to a start. More than the service's
            PROVIDER_DEADLINE (10), for which it waits itself, and three for everything else;
            with less, a slow provider looks like a lost answer.
        patience: Seconds from the first failure on in which another try may begin; 0 for none.
            Somewhat more than PROVIDER_DEADLINE and 2 s: by then every key has its answer, also
            that of a process which died over it.
        session: Used as it is, proxies and ``trust_env`` included, and never closed. Without it
            there is one that ignores the environment: an internal service is not behind the
            proxy of HTTPS_PROXY, and a private authority is told by ``verify``.
        verify: As in ``requests``: True, False, or the path of a CA bundle. TLS is verified
            unless this or the session says otherwise.
        pace: The clock, for tests.

    Raises:
        ValueError: An argument cannot be right. It is not quoted.
    """

    def __init__(
        self,
        url: str,
        access_key: str,
        *,
        timeout: float = 5.0,
        start_timeout: float = 13.0,
        patience: float = 14.0,
        session: requests.Session | None = None,
        verify: bool | str | None = None,
        pace: Pace | None = None,
    ) -> None:
        if not (timeout > 0 and start_timeout > 0 and patience >= 0):
            raise ValueError("Timeouts are above 0 seconds, patience is 0 or more.")
        self._timeout = timeout
        self._start_timeout = start_timeout
        self._retries = Retries(patience, pace or Pace())
        self._wire = Wire(_address(url), AccessKey(access_key), session, verify)

    def start(
        self,
        number: str,
        *,
        reference: str | None = None,
        client_ip: str | None = None,
        device_id: str | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Verification:
        """Have a phone rung, once, however often this has to be sent.

        Args:
            number: International, as the person typed it.
            reference: Yours, up to 64 characters; every answer about the verification has it.
            client_ip: The person's address, for limits.
            device_id: What a cookie that you signed says of the device; never the device's word.
            idempotency_key: Yours, 1–128 visible ASCII characters, where the start has to be the
                same one even if your process ends meanwhile; else a new one is made.
            request_id: The id under which your log has this, for the service's log to share.

        Raises:
            InvalidNumber, Forbidden, TooManyRequests, CallFailed: For the person.
            VerifyError: Any other; see its classes.
            ValueError: An Idempotency-Key that cannot be sent.
        """
        body = {
            "number": number,
            "reference": reference,
            "clientIp": client_ip,
            "deviceId": device_id,
        }
        given = {name: value for name, value in body.items() if value is not None}
        request = Request(
            "POST", "/verify/start", _request_id(request_id), given, _key(idempotency_key)
        )
        return self._ask(request, self._start_timeout, reading.verification)

    def check(
        self,
        verification_id: str,
        code: str,
        *,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Check:
        """Compare what the person typed. Only the answer's ``verified`` logs anyone in.

        Args:
            code: Four digits.
            idempotency_key: As for :meth:`start`. Whoever repeats it hears the same verdict
                again, ``verified`` included: never take it from a browser.
            request_id: As for :meth:`start`.

        Raises:
            InvalidCode: Not four digits; it cost no check.
            NotFound: Start anew.
            VerifyError: Any other. Nobody is verified by it.
            ValueError: An Idempotency-Key that cannot be sent.
        """
        body = {"verificationId": verification_id, "code": code}
        request = Request(
            "POST", "/verify/check", _request_id(request_id), body, _key(idempotency_key)
        )
        return self._ask(request, self._timeout, reading.check)

    def status(self, verification_id: str, *, request_id: str | None = None) -> Verification:
        """Read a verification as it stands.

        Raises:
            NotFound: There is none, or it ended over an hour ago.
            VerifyError: Any other.
        """
        return self._about(verification_id, "GET", "", request_id)

    def cancel(self, verification_id: str, *, request_id: str | None = None) -> Verification:
        """End a pending verification; one that is over stays what it is. Raises as status."""
        return self._about(verification_id, "POST", "/cancel", request_id)

    def close(self) -> None:
        """Close the connections that are kept open, unless the session was given."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"VerifyClient({self._wire.url!r})"

    def _about(
        self, verification_id: str, method: str, action: str, request_id: str | None
    ) -> Verification:
        request_id = _request_id(request_id)
        if not verification_id.strip("."):
            # However they are quoted, dots lead to another path.
            raise NotFound("This is no verificationId.", request_id=request_id)
        path = f"/verify/{quote(verification_id, safe='', errors='replace')}{action}"

        def read(fields: Fields) -> Verification:
            found = reading.verification(fields)
            if found.verification_id != verification_id:
                raise reading.unreadable(fields.answer, "It is about another verification.")
            return found

        return self._ask(Request(method, path, request_id), self._timeout, read)

    def _ask(self, request: Request, timeout: float, read: Callable[[Fields], Read]) -> Read:
        def once(seconds: float) -> Read:
            return read(understood(self._wire.send(request, seconds)))

        try:
            return self._retries.until_it_works(once, timeout)
        except VerifyError as error:
            error.idempotency_key = request.idempotency_key
            raise


def _address(url: str) -> str:
    """Return the base address without its last slash."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("The address is no http:// or https:// one.")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("The address has more than scheme, host, port and path.")
    return url.rstrip("/")


def _key(given: str | None) -> str:
    if given is None:
        return uuid.uuid4().hex
    if not _KEY.match(given):
        raise ValueError("An Idempotency-Key has 1 to 128 visible ASCII characters.")
    return given


def _request_id(given: str | None) -> str:
    """Return the caller's where the service would take it, else a new one, as it would."""
    return given if given and _REQUEST_ID.match(given) else uuid.uuid4().hex
