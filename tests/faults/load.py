"""A steady load of logins: each begins, mistypes, types, and tries the used code once more.

Whatever is refused with 503, or gets no answer, is sent again under its Idempotency-Key, as the
guide tells login flows to.
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

from tests.faults.ledger import Ledger, Sent, Verdict
from tests.system.server_process import KEY

PAUSE = 0.05
"""Seconds between a request and its repeat, and between two logins of one client."""
PATIENCE = 20.0
"""Seconds after which a client gives a request up."""
ANSWER = 15.0
_AGAIN = (0, 409, 503)
_numbers = itertools.count(79_166_000_001)


class Load:
    """Clients of one service.

    Args:
        port: Where it listens; it may change in between, as behind a router.
        code: What a person would read off the phone: the code of the last call to a number.
        clients: How many log in at a time.
    """

    def __init__(self, port: int, code: Callable[[str], str | None], clients: int = 6) -> None:
        self.ledger = Ledger()
        self.port = port
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
                thread.join(6 * PATIENCE)
            assert not any(thread.is_alive() for thread in threads)

    def probe(self) -> int:
        """Ask once whether somebody listens and can work."""
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
        """One person's way through, with so many guesses that are wrong."""
        number = f"{next(_numbers)}"
        started = self.ask("start", "/verify/start", {"number": f"+{number}"})
        if started is None or started[0] != 201:
            return
        self.ledger.started[number] = started[1]
        code = self._code(number)
        if code is None:
            return
        verification_id = started[1]["verificationId"]
        guesses = [_wrong(code)] * wrong + [code, code]
        answered = [self._guess(verification_id, guess) for guess in guesses]
        if all(answered):
            with self.ledger.lock:
                self.ledger.finished += 1

    def _guess(self, verification_id: str, code: str) -> bool:
        key = secrets.token_hex(8)
        body = {"verificationId": verification_id, "code": code}
        found = self.ask("check", "/verify/check", body, key)
        if found is None or found[0] != 200:
            return False
        verdict = Verdict(key, found[1]["verified"], found[1].get("checksLeft"))
        self.ledger.judged(verification_id, verdict)
        return True

    def ask(
        self, kind: str, path: str, body: dict[str, Any], key: str = ""
    ) -> tuple[int, dict[str, Any]] | None:
        """Ask until there is an answer, under one key; None where that took too long."""
        key = key or secrets.token_hex(8)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            at = time.monotonic()
            status, answer = post(self.port, path, body, key)
            self.ledger.wrote(Sent(kind, at, time.monotonic(), status))
            if status not in _AGAIN:
                return status, answer
            time.sleep(PAUSE)
        self.ledger.given_up.append(kind)
        return None


def post(port: int, path: str, body: dict[str, Any], key: str = "") -> tuple[int, dict[str, Any]]:
    """Send one request over a connection of its own; 0 where no answer comes."""
    headers = {"X-Authorization": f"AccessKey {KEY}", "Content-Type": "application/json"}
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


def _wrong(code: str) -> str:
    return str(1000 + (int(code) - 999) % 9000)
