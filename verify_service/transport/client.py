"""Sends POSTs to one address, each under a wall clock and at most once."""

from __future__ import annotations

import io
import re
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPResponse, IncompleteRead

import requests
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict

from verify_service.transport.connections import Connection
from verify_service.transport.deadline import Deadline, MayHaveArrived, NeverSent
from verify_service.transport.route import LOST, Route

MAX_BODY_BYTES = 64 * 1024
"""Of a response. Those of a provider of calls have a few hundred."""
IDLE_SECONDS = 4
"""How long a connection is kept for another request. It is less than servers keep theirs (Apache
and Node.js 5 s, nginx 75 s), so that none is closed just when a request is sent."""
KEPT = (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
"""The statuses after which a connection may be kept."""
_LENGTH = re.compile(r"[0-9]+\Z")
_TIMEOUT = re.compile(r"timeout=([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests are sent, and what each of them carries."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Exchange:
    """A request and its response.

    Attributes:
        response: Its body is empty if it exceeds MAX_BODY_BYTES, or if a malformed header hides its
            end.
        idle_seconds: How long the connection may be kept.
        kept: Whether the caller keeps it: only if it knows that the response is to this request. A
            server that answers twice would shift all later responses by one.
    """

    response: requests.Response
    connection: Connection
    idle_seconds: int
    kept: bool = False


class HttpClient:
    """Sends requests to one endpoint. All threads of a process share it.

    Requests are prepared by ``requests`` and sent without a session: so there is no ``.netrc``, no
    proxy variable, no cookie, no redirect and no retry. A connection whose response was read to its
    end is kept for another request: no more of them than were in use at the same time.

    Args:
        route: The way to the endpoint's server.
        deadline: Seconds for the whole exchange, from resolving the name to the last byte.
        needs_body: Whether a response without its whole body is lost. If not, the body is then
            empty.

    Raises:
        ValueError: The URL or a header cannot be sent.
    """

    def __init__(
        self, endpoint: Endpoint, route: Route, deadline: float, *, needs_body: bool = True
    ) -> None:
        self._route = route
        self._needs_body = needs_body
        self._deadline = deadline
        self._prepared = _prepared(endpoint, route)
        self._idle: list[tuple[float, Connection]] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._idle)

    @contextmanager
    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Iterator[Exchange]:
        """Send JSON, and close the connection at the end of the ``with`` block unless it is kept.

        Args:
            headers: Those of this request alone.

        Raises:
            NeverSent: The deadline or an error came before the first byte was sent.
            MayHaveArrived: It came after that.
        """
        request = self._prepared.copy()
        request.headers.update(headers or {})
        request.prepare_body(body, None)
        deadline = Deadline(self._deadline)
        exchange = self._exchange(request, deadline)
        try:
            yield exchange
        finally:
            self._keep(exchange.connection, exchange.idle_seconds if exchange.kept else 0)

    def _exchange(self, request: requests.PreparedRequest, deadline: Deadline) -> Exchange:
        while connection := self._kept():
            try:
                return self._send(connection, request, deadline)
            except NeverSent:  # it was closed a moment ago
                continue
        try:
            connection = self._route.open(deadline)
        except LOST as error:
            raise NeverSent from error
        return self._send(connection, request, deadline)

    def _send(
        self, connection: Connection, request: requests.PreparedRequest, deadline: Deadline
    ) -> Exchange:
        earlier = connection.sent
        try:
            target = request.url if self._route.forwards else request.path_url
            line = f"{request.method} {target}"
            received = connection.exchange(deadline, line, request.headers, request.body)
            body = self._read(received)
        except BaseException as error:  # gevent may end the caller while it waits
            connection.close()
            if not isinstance(error, LOST):
                raise
            raise (NeverSent if connection.sent == earlier else MayHaveArrived) from error
        response = requests.Response()
        response.status_code = received.status
        response.headers = CaseInsensitiveDict(HTTPHeaderDict(received.headers.items()))
        response.raw = io.BytesIO(body)
        return Exchange(response, connection, _idle_seconds(received))

    def _read(self, received: HTTPResponse) -> bytes:
        try:
            return _read(received)
        except LOST:
            if self._needs_body:
                raise
            return b""

    def _kept(self) -> Connection | None:
        """Return a connection that can be used again, the newest first; close what cannot."""
        now = time.monotonic()
        with self._lock:
            expired = [kept for kept in self._idle if kept[0] <= now]
            self._idle[:] = [kept for kept in self._idle if kept[0] > now]
            _close(expired)
            while self._idle:
                _, connection = self._idle.pop()
                if connection.silent():
                    return connection
                connection.close()
        return None

    def _keep(self, connection: Connection, seconds: float) -> None:
        if seconds > 0:
            with self._lock:
                self._idle.append((time.monotonic() + seconds, connection))
        else:
            connection.close()


def _prepared(endpoint: Endpoint, route: Route) -> requests.PreparedRequest:
    """Return what all requests have in common."""
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        # A compressed response could be a decompression bomb, and is no shorter here.
        "Accept-Encoding": "identity",
        "User-Agent": "verify-service",
        **route.headers,
        **endpoint.headers,
    }
    query = dict(endpoint.query)
    try:
        request = requests.Request("POST", endpoint.url, headers, params=query).prepare()
        "".join(request.headers.values()).encode("latin-1")
    except (requests.RequestException, UnicodeError):
        raise ValueError("the URL or a header cannot be sent") from None  # the error shows it
    return request


def _close(idle: list[tuple[float, Connection]]) -> None:
    while idle:
        idle.pop()[1].close()


def _read(response: HTTPResponse) -> bytes:
    """Read to the end: only there a truncated body is seen."""
    if response.headers.defects and response.length is None and not response.chunked:
        return b""  # the lines after a malformed one are lost, and the length may be among them
    body = b""
    while chunk := response.read(MAX_BODY_BYTES + 1 - len(body)):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return b""
    if response.length:
        raise IncompleteRead(body, response.length)
    return body


def _idle_seconds(response: HTTPResponse) -> int:
    """Return how long the connection may be kept: only if the response ended beyond doubt."""
    if response.status not in KEPT or response.will_close or not response.isclosed():
        return 0
    if response.headers.defects or not _one_framing(response):
        return 0
    # http.client reads the first line of several.
    if "close" in ",".join(response.headers.get_all("Connection", [])).lower():
        return 0
    limit = _TIMEOUT.search(response.headers.get("Keep-Alive", ""))
    return min(IDLE_SECONDS, int(limit[1]) - 1) if limit else IDLE_SECONDS


def _one_framing(response: HTTPResponse) -> bool:
    """Return whether all servers and proxies on the way see the same end (RFC 9112, section 6)."""
    headers = response.headers
    match headers.get_all("Transfer-Encoding", []), headers.get_all("Content-Length", []):
        case [coding], []:
            return coding.lower() == "chunked"
        case [], [length]:
            return _LENGTH.match(length) is not None
        case [], []:
            return response.status == HTTPStatus.NO_CONTENT
        case _:
            return False
