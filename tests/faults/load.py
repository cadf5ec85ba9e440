"""A steady load of logins: each starts, mistypes, types the code, and tries the used code once
more.

A request that is refused with 503, or gets no answer, is sent again under its Idempotency-Key, as
the guide asks login flows to do.
"""

from __future__ import annotations

import http.client
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.ledger import Ledger, Sent, Start, Verdict
from tests.system.server_process import KEY

PAUSE = 0.05
"""Seconds between a request and its repeat, and between two logins of one client."""
PATIENCE = 60.0
"""Seconds after which a client gives up a request: long enough for a busy machine."""
ANSWER = 30.0
"""Seconds that it waits for one answer."""
LONGEST_LOGIN = 120.0
"""Seconds within which a login that has begun must end."""
CLIENTS = 6
"""How many log in at a time."""
_AGAIN = (0, 409, 503)
_numbers = itertools.count(79_166_000_001)


class Load:
    """Clients of one service.

    Args:
        port: Where it listens. It may change in between, as behind a router, and so may the
            attribute ``access_key``.
        code: Returns the code on a person's phone: the code of the last call to a number.
        clients: How many log in at a time.
    """

    def __init__(
        self, port: int, code: Callable[[str], str | None], clients: int = CLIENTS
    ) -> None:
        self.ledger = Ledger()
        self.port = port
        self.access_key = KEY
        self._code = code
        self._clients = clients
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[Ledger]:
        """Log in until the block ends; each login that has begun is finished."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._clients)]
        for thread in threads:
            thread.start()
        try:
            yield self.ledger
        finally:
            self._over.set()
            for thread in threads:
                thread.join(LONGEST_LOGIN)
            assert not any(thread.is_alive() for thread in threads)

    def probe(self) -> int:
        """Check once whether a process listens and can work."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER)
        try:
            connection.request("GET", "/readyz", headers={"Connection": "close"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def _work(self) -> None:
        for turn in itertools.count():
            if self._over.is_set():
                return
            self.login(wrong=4 if turn % 5 == 4 else 1)
            time.sleep(PAUSE / 5)

    def login(self, wrong: int = 1) -> None:
        """Log in one person, with this many wrong guesses."""
        number = new_number()
        code = self._code(number) if self.start(number) == 201 else None
        if code is None:
            return
        guesses = [wrong_code(code)] * wrong + [code, code]
        if all(self.guess(number, guess) == 200 for guess in guesses):
            with self.ledger.lock:
                self.ledger.finished += 1

    def start(self, number: str) -> int:
        """Have a number called; return the status of the last answer."""
        at = time.monotonic()
        status, answer = self.ask("start", "/verify/start", {"number": f"+{number}"})
        self.ledger.starts[number] = Start(at, time.monotonic(), status, answer)
        return status

    def guess(self, number: str, code: str | None) -> int:
        """Type a code for a number that was started; return the status of the last answer."""
        key = secrets.token_hex(8)
        body = {"verificationId": self.ledger.starts[number].answer["verificationId"], "code": code}
        status, answer = self.ask("check", "/verify/check", body, key)
        if status == 200:
            verdict = Verdict(key, answer["verified"], answer.get("checksLeft"), time.monotonic())
            self.ledger.judged(number, verdict)
        return status

    def ask(
        self, kind: str, path: str, body: dict[str, Any], key: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Repeat a request under one key until it has an answer; return the last one after
        PATIENCE."""
        key = key or secrets.token_hex(8)
        until = time.monotonic() + PATIENCE
        while True:
            at = time.monotonic()
            status, answer = post(self.port, path, body, key, self.access_key)
            self.ledger.wrote(Sent(kind, at, time.monotonic(), status))
            if status not in _AGAIN:
                return status, answer
            if time.monotonic() > until:
                self.ledger.given_up.append(kind)
                return status, answer
            time.sleep(PAUSE)


def post(
    port: int, path: str, body: dict[str, Any], key: str = "", access_key: str = KEY
) -> tuple[int, dict[str, Any]]:
    """Send one request over a connection of its own; return 0 without an answer."""
    headers = {"X-Authorization": f"AccessKey {access_key}", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": key, "Connection": "close"} if key else {"Connection": "close"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER)
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}
    finally:
        connection.close()


def new_number() -> str:
    """Return a number that no login has used."""
    return f"{next(_numbers)}"


def wrong_code(code: str) -> str:
    """Return another code."""
    return str(1000 + (int(code) - 999) % 9000)
