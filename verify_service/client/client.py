"""The four requests of a login flow."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import requests

from verify_service.client import parsing
from verify_service.client.errors import NotFound, VerifyError
from verify_service.client.models import Check, Verification
from verify_service.client.parsing import Fields
from verify_service.client.retries import retry
from verify_service.client.transport import AccessKey, Request, Transport

_KEY = re.compile(r"[!-~]{1,128}\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
Result = TypeVar("Result")


class VerifyClient:
    """A client of one verify-service. Thread-safe: create one for each process.

    With the defaults a start ends within 13 + 14 s plus the time to connect, before a platform
    ends the person's own request (30 s); the other requests end within 5 + 14 s. Timeouts limit
    the time between two reads, as in ``requests``.

    Args:
        url: The address of the service, for example ``https://verify.internal.example``.
        access_key: The app's key. It is never in a repr, an error or a log of this package.
        timeout: Seconds to wait for the answer to check, status and cancel. They only ask Redis,
            and without Redis the service answers 503 within 2 s.
        start_timeout: Seconds to wait for the answer to a start: three more than the service's
            PROVIDER_DEADLINE (10). With less, the answer of a slow provider is lost.
        patience: Seconds after the first error in which a retry may begin; 0 for no retries. More
            than PROVIDER_DEADLINE and 2 s: by then every key has its answer, also the key of a
            process that was killed.
        session: Used as it is, proxies and ``trust_env`` included, and never closed. The default
            session ignores the environment, for example HTTPS_PROXY and REQUESTS_CA_BUNDLE.
        verify: As in ``requests``: True, False, or the path of a CA bundle. The default verifies
            TLS, or follows the session.

    Raises:
        ValueError: An argument is not valid. The message does not quote it.
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
    ) -> None:
        if not (timeout > 0 and start_timeout > 0 and patience >= 0):
            raise ValueError("Timeouts are above 0 seconds, patience is 0 or more.")
        self._timeout = timeout
        self._start_timeout = start_timeout
        self._patience = patience
        self._transport = Transport(_base_url(url), AccessKey(access_key), session, verify)

    def start(
        self,
        number: str,
        *,
        country: str | None = None,
        reference: str | None = None,
        client_ip: str | None = None,
        device_id: str | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Verification:
        """Call a phone, once, even where the request is retried.

        Args:
            number: As the person typed it, in international form or as their country writes it.
            country: The person's country, for example ``RU``: its national numbers are understood.
            reference: Up to 64 characters; every answer about the verification contains it.
            client_ip: The person's address, for limits.
            device_id: From a cookie that you signed; never chosen by the device.
            idempotency_key: 1 to 128 visible ASCII characters, for a start that must be the same
                one even if your process ends meanwhile. The default is a new key.
            request_id: The request's id in your log; the service logs it too.

        Raises:
            InvalidNumber, Forbidden, TooManyRequests, CallFailed: Show it to the person.
            VerifyError: Any other error; see its classes.
            ValueError: The Idempotency-Key is not valid.
        """
        body = {
            "number": number,
            "country": country,
            "reference": reference,
            "clientIp": client_ip,
            "deviceId": device_id,
        }
        given = {name: value for name, value in body.items() if value is not None}
        request = Request(
            "POST", "/verify/start", _request_id(request_id), given, _key(idempotency_key)
        )
        return self._ask(request, self._start_timeout, parsing.verification)

    def check(
        self,
        verification_id: str,
        code: str,
        *,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Check:
        """Compare the code that the person typed. Only ``verified`` in the result logs anyone in.

        Args:
            code: Four digits.
            idempotency_key: As for :meth:`start`. A repeat with the same key returns the same
                result, ``verified`` included: never accept the key from a browser.
            request_id: As for :meth:`start`.

        Raises:
            InvalidCode: The code is not four digits; it cost no check.
            NotFound: Start again.
            VerifyError: Any other error. No one is verified.
            ValueError: The Idempotency-Key is not valid.
        """
        body = {"verificationId": verification_id, "code": code}
        request = Request(
            "POST", "/verify/check", _request_id(request_id), body, _key(idempotency_key)
        )
        return self._ask(request, self._timeout, parsing.check)

    def status(self, verification_id: str, *, request_id: str | None = None) -> Verification:
        """Return a verification.

        Raises:
            NotFound: There is none, or it ended over an hour ago.
            VerifyError: Any other error.
        """
        return self._about(verification_id, "GET", "", request_id)

    def cancel(self, verification_id: str, *, request_id: str | None = None) -> Verification:
        """End a pending verification; a final state does not change. Raises as status."""
        return self._about(verification_id, "POST", "/cancel", request_id)

    def close(self) -> None:
        """Close the kept connections, unless the session was given."""
        self._transport.close()

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
        return f"VerifyClient({self._transport.url!r})"

    def _about(
        self, verification_id: str, method: str, action: str, request_id: str | None
    ) -> Verification:
        request_id = _request_id(request_id)
        if not verification_id.strip("."):
            # An empty segment or one of dots is another path, also in a quoted form.
            raise NotFound("This is not a verificationId.", request_id=request_id)
        path = f"/verify/{quote(verification_id, safe='', errors='replace')}{action}"

        def read(fields: Fields) -> Verification:
            found = parsing.verification(fields)
            if found.verification_id != verification_id:
                raise fields.unreadable("It is about another verification.")
            return found

        return self._ask(Request(method, path, request_id), self._timeout, read)

    def _ask(self, request: Request, timeout: float, read: Callable[[Fields], Result]) -> Result:
        def once(seconds: float) -> Result:
            return read(parsing.parse(self._transport.send(request, seconds)))

        try:
            return retry(once, timeout, self._patience)
        except VerifyError as error:
            error.idempotency_key = request.idempotency_key
            raise


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("The address must begin with http:// or https://.")
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
    """Return the caller's id where the service accepts it, else a new one."""
    return given if given and _REQUEST_ID.match(given) else uuid.uuid4().hex
