"""One exchange over ``requests``: strict about where it goes, bounded in what it reads.

Errors of ``requests`` end here, and none is kept as the cause of another: they hold the request,
and the request holds the access key.
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
from verify_service.client.errors import Unavailable, UnreadableAnswer

CONNECT_TIMEOUT = 3.0
"""Seconds to open a connection, as the service gives its provider."""
LONGEST_ANSWER = 64 * 1024
"""Bytes. The longest honest answer has under a thousand."""
LONGEST_WORDS = 300
"""Characters of a reason that came from elsewhere."""
CONNECTIONS = 32
"""Kept open at most; more are made where more threads ask at once, and closed after."""
REQUEST_ID = "X-Request-ID"
HEADERS = {
    "Accept": "application/json",
    # Compressed answers could be bombs, and there is nothing to gain.
    "Accept-Encoding": "identity",
    "User-Agent": f"verify-service-client/{__version__}",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, the same however often it is tried."""

    method: str
    path: str
    request_id: str
    body: dict[str, Any] | None = field(default=None, repr=False)
    idempotency_key: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """All but the access key."""
        headers = {**HEADERS, REQUEST_ID: self.request_id}
        if self.idempotency_key is not None:
            headers["Idempotency-Key"] = self.idempotency_key
        return headers


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whoever sent it."""

    http_status: int
    content_type: str
    retry_after: str
    request_id: str
    body: bytes = field(repr=False)


class AccessKey(AuthBase):
    """Adds the key to a request. Not a header of the session, which could be printed."""

    def __init__(self, key: str) -> None:
        key = key.strip()  # a key read from a file has the file's newline
        if not key or not key.isprintable():
            raise ValueError("The access key is empty or has other than printable characters.")
        self._value = f"AccessKey {key}".encode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Bytes: as text, a key that is not Latin-1 would be quoted in an error.
        request.headers["X-Authorization"] = self._value  # type: ignore[assignment]
        return request


class _OwnSession(requests.Session):
    """A session for one address: no variable, ``.netrc``, cookie or redirect leads elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find none: even where it is not followed, ``requests`` would read its whole body."""


class Wire:
    """Sends requests to one address. For all threads.

    Args:
        session: Used as it is and left open, but for what a fork inherits; without it, one of
            our own.
        verify: As in ``requests``; None leaves it to the session.
    """

    def __init__(
        self, url: str, key: AccessKey, session: requests.Session | None, verify: bool | str | None
    ) -> None:
        self.url = url
        self._key = key
        self._verify = verify
        self._own = session is None
        self._session = session or _OwnSession()
        self._process = os.getpid()
        self._forked = threading.Lock()

    def close(self) -> None:
        """Close the connections, unless the session is somebody else's."""
        if self._own:
            self._session.close()

    def send(self, request: Request, seconds: float) -> Answer:
        """Send once and return what comes back.

        Args:
            seconds: How long the other end may say nothing, per read.

        Raises:
            Unavailable: No connection, no answer in time, or one that broke off.
            UnreadableAnswer: An endless one.
        """
        self._leave_the_parents_connections()
        try:
            return self._exchange(request, seconds)
        except OSError as error:  # those of `requests` are OSErrors too
            reason = _words(error)
        # Out here the error is no more, neither as cause nor as context.
        raise Unavailable(reason, request_id=request.request_id)

    def _exchange(self, request: Request, seconds: float) -> Answer:
        response = self._session.request(
            request.method,
            self.url + request.path,
            headers=request.headers,
            json=request.body,
            auth=self._key,
            timeout=(min(CONNECT_TIMEOUT, seconds), seconds),
            verify=self._verify,
            allow_redirects=False,
            stream=True,
        )
        with response:
            return Answer(
                http_status=response.status_code,
                content_type=response.headers.get("Content-Type", ""),
                retry_after=response.headers.get("Retry-After", ""),
                request_id=response.headers.get(REQUEST_ID, request.request_id),
                body=_bounded(response, request),
            )

    def _leave_the_parents_connections(self) -> None:
        """Forget what was open before a fork.

        Two processes on one connection would read each other's answers, and an answer may say
        that somebody is verified.
        """
        if self._process == os.getpid():
            return
        with self._forked:
            if self._process != os.getpid():
                self._session.close()
                # Last: no thread gets past the first line while anything is still open.
                self._process = os.getpid()


def _bounded(response: requests.Response, request: Request) -> bytes:
    body = b""
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > LONGEST_ANSWER:
            raise UnreadableAnswer(
                f"An answer of over {LONGEST_ANSWER} bytes is none of the service.",
                http_status=response.status_code,
                request_id=request.request_id,
            )
    return body


def harmless(text: str) -> str:
    """Return what somebody else said as a log can bear it: short, and nothing but printable."""
    shown = "".join(each if each.isprintable() else "?" for each in text[:LONGEST_WORDS])
    return shown + ("…" if len(text) > LONGEST_WORDS else "")


def _words(error: OSError) -> str:
    """Say what happened, without the address and the path that ``requests`` puts around it."""
    said: object = error
    inner = error.args[0] if error.args else None
    if isinstance(inner, Exception) and inner.args:
        said = getattr(inner, "reason", None) or inner.args[-1]
    return f"No answer. {type(error).__name__}: {harmless(str(said))}"
