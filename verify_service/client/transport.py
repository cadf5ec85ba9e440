"""One HTTP exchange over ``requests``.

Errors of ``requests`` are caught here and not kept as a cause: they contain the request, and the
request contains the access key.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from verify_service import __version__
from verify_service.client.errors import Unavailable

CONNECT_TIMEOUT = 3.0
"""Seconds to open a connection."""
LONGEST_REASON = 300
"""Characters of a text from the network."""
CONNECTIONS = 32
"""Connections that are kept open. More threads open more, which are closed after use."""
REQUEST_ID = "X-Request-ID"
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"verify-service-client/{__version__}",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request, the same for every retry."""

    method: str
    path: str
    request_id: str
    body: dict[str, Any] | None = field(default=None, repr=False)
    idempotency_key: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """All headers except the access key."""
        headers = {**HEADERS, REQUEST_ID: self.request_id}
        if self.idempotency_key is not None:
            headers["Idempotency-Key"] = self.idempotency_key
        return headers


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer, of the service or of anything in front of it."""

    http_status: int
    content_type: str
    retry_after: str
    request_id: str
    body: bytes = field(repr=False)


class AccessKey(AuthBase):
    """Adds the key to a request. It is not a header of the session, which could be printed."""

    def __init__(self, key: str) -> None:
        key = key.strip()  # a key from a file ends with a newline
        if not key or not key.isprintable():
            raise ValueError("The access key is empty or has other than printable characters.")
        self._value = f"AccessKey {key}".encode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Bytes: an error would quote a string that is not Latin-1.
        request.headers["X-Authorization"] = self._value  # type: ignore[assignment]
        return request


class _Session(requests.Session):
    """A session for one address: it ignores the environment, ``.netrc``, cookies and redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: ``requests`` also parses the target of a redirect it does not follow."""


class Transport:
    """Sends requests to one address. Thread-safe.

    Args:
        session: Used as it is and left open; None: a new one.
        verify: As in ``requests``; None: the session's setting.
    """

    def __init__(
        self, url: str, key: AccessKey, session: requests.Session | None, verify: bool | str | None
    ) -> None:
        self.url = url
        self._key = key
        self._verify = verify
        self._own = session is None
        self._session = session or _Session()
        self._process = os.getpid()
        self._fork_lock = threading.Lock()

    def close(self) -> None:
        """Close the connections, unless the session was given."""
        if self._own:
            self._session.close()

    def send(self, request: Request, seconds: float) -> HttpAnswer:
        """Send a request once and return the answer.

        Args:
            seconds: The longest time without data from the other end.

        Raises:
            Unavailable: No connection, no answer in time, or an incomplete one.
        """
        self._close_inherited_connections()
        try:
            return self._exchange(request, seconds)
        except OSError as error:  # the errors of `requests` are OSErrors
            reason = _reason(error)
        # Raised outside the `except` block, so that the error is not its context.
        raise Unavailable(reason, request_id=request.request_id)

    def _exchange(self, request: Request, seconds: float) -> HttpAnswer:
        response = self._session.request(
            request.method,
            self.url + request.path,
            headers=request.headers,
            json=request.body,
            auth=self._key,
            timeout=(min(CONNECT_TIMEOUT, seconds), seconds),
            verify=self._verify,
            allow_redirects=False,
        )
        return HttpAnswer(
            http_status=response.status_code,
            content_type=response.headers.get("Content-Type", ""),
            retry_after=response.headers.get("Retry-After", ""),
            request_id=response.headers.get(REQUEST_ID, request.request_id),
            body=response.content,
        )

    def _close_inherited_connections(self) -> None:
        """Close the connections that a fork copied.

        Two processes on one connection can read each other's answers, and an answer may say that
        someone else is verified.
        """
        if self._process == os.getpid():
            return
        with self._fork_lock:
            if self._process != os.getpid():
                self._session.close()
                # Last, so that other threads wait for the lock until the connections are closed.
                self._process = os.getpid()


def printable(text: str) -> str:
    """Return a text from the network, shortened, with only printable characters, for a log."""
    shown = "".join(each if each.isprintable() else "?" for each in text[:LONGEST_REASON])
    return shown + ("…" if len(text) > LONGEST_REASON else "")


def _reason(error: OSError) -> str:
    """Describe an error without the address and the path that ``requests`` adds."""
    detail: object = error
    inner = error.args[0] if error.args else None
    if isinstance(inner, Exception) and inner.args:
        detail = getattr(inner, "reason", None) or inner.args[-1]
    return f"No answer. {type(error).__name__}: {printable(str(detail))}"
