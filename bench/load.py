"""Clients: many at a time, each on a connection of its own."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent

WRONG = "0999"
"""Well formed, and never right: codes start at 1000."""
HEADERS = {
    "X-Authorization": "AccessKey development-access-key",
    "Content-Type": "application/json",
}


@dataclass
class Load:
    """The results of a load."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def send(self, client: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> Any:
        """Post once, record the result, and return the answer."""
        began = time.perf_counter()
        client.request("POST", path, json.dumps(body), HEADERS)
        response = client.getresponse()
        answer = json.loads(response.read())
        self.seconds.append(time.perf_counter() - began)
        self.statuses[response.status] += 1
        return answer


def client(port: int) -> http.client.HTTPConnection:
    """Return a connection to the service."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def in_parallel(many: int, work: Callable[[int], None]) -> float:
    """Run ``work`` for 0 … many-1 at once; return the seconds until all are done."""
    began = time.perf_counter()
    gevent.joinall([gevent.spawn(work, n) for n in range(many)], raise_error=True)
    return time.perf_counter() - began


def verifications(port: int, clients: int, each: int) -> list[str]:
    """Start this many, each with a number of its own, and return their ids."""
    ids: list[str] = []

    def work(n: int) -> None:
        connection = client(port)
        for turn in range(each):
            number = {"number": f"+7916{1_000_000 + turn * clients + n}"}
            ids.append(Load().send(connection, "/verify/start", number)["verificationId"])

    in_parallel(clients, work)
    return ids


def checks(port: int, ids: list[str], clients: int, seconds: float) -> Load:
    """Keep ``clients`` busy with wrong guesses for ``seconds``, each with its own ids."""
    load = Load()
    until = time.perf_counter() + seconds

    def work(n: int) -> None:
        connection = client(port)
        for verification_id in itertools.cycle(ids[n::clients]):
            load.send(connection, "/verify/check", _guess(verification_id))
            if time.perf_counter() > until:
                return

    in_parallel(clients, work)
    return load


def starts(port: int, many: int, first: int) -> tuple[Load, float]:
    """Start this many numbers at once; return the load and the seconds until all had an answer."""
    load = Load()

    def work(n: int) -> None:
        load.send(client(port), "/verify/start", {"number": f"+7916{first + n}"})

    seconds = in_parallel(many, work)
    return load, seconds


def starts_with_checks(
    port: int, verification_id: str, many: int, first: int, pace: float = 0.02
) -> tuple[Load, float, Load]:
    """The same, with a check every ``pace`` seconds meanwhile."""
    meanwhile = Load()
    connection = client(port)

    def keep_checking() -> None:
        while True:
            meanwhile.send(connection, "/verify/check", _guess(verification_id))
            gevent.sleep(pace)

    checker = gevent.spawn(keep_checking)
    started, seconds = starts(port, many, first)
    checker.kill()
    return started, seconds, meanwhile


def _guess(verification_id: str) -> dict[str, str]:
    return {"verificationId": verification_id, "code": WRONG}
