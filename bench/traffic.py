"""The requests of a measurement, and what the clients report of their answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.processes import ROOT

KEY = "bench-access-key-of-one-login-flow"
WRONG = "0999"
"""Well formed, and never right: codes start at 1000."""
Request = tuple[str, str, dict[str, Any] | None]
"""Method, path and JSON."""


@dataclass(frozen=True)
class Answers:
    """In the order of the requests.

    Attributes:
        bodies: JSON as text.
        began: Seconds since the first request.
        seconds: How long each answer took.
    """

    statuses: list[int]
    bodies: list[str]
    began: list[float]
    seconds: list[float]

    def __len__(self) -> int:
        return len(self.statuses)

    @property
    def rate(self) -> float:
        """Answers a second, from the first request to the last answer."""
        ended = max(map(sum, zip(self.began, self.seconds, strict=True)))
        return len(self) / (ended - min(self.began))

    def percentile(self, share: float) -> float:
        """Return the milliseconds within which this share was answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def rate_between(self, since: float, until: float) -> float:
        """Return the answers a second that arrived between two moments."""
        ends = map(sum, zip(self.began, self.seconds, strict=True))
        return sum(since < end <= until for end in ends) / (until - since)

    def failed(self) -> int:
        """Return how many answers were 5xx."""
        return sum(status >= 500 for status in self.statuses)

    def require(self, status: int) -> Answers:
        """Return the answers, all of which must have this status or be counted as 5xx."""
        for found, body in zip(self.statuses, self.bodies, strict=True):
            if found != status and found < 500:
                raise RuntimeError(f"an answer was {found} instead of {status}: {body}")
        return self

    def field(self, name: str) -> list[Any]:
        """Return one member of each answer, None for a 5xx."""
        pairs = zip(self.statuses, self.bodies, strict=True)
        return [json.loads(body)[name] if status < 500 else None for status, body in pairs]


class Sending:
    """Requests on their way, sent by a process of its own.

    Args:
        connections: How many stay open; each has one request at a time.
        pace: Seconds between two requests; at 0 they follow each other without a pause.
        ramp: Seconds over which the connections begin, evenly.
    """

    def __init__(
        self,
        port: int,
        requests: Iterable[Request],
        *,
        connections: int = 16,
        pace: float = 0,
        ramp: float = 0,
    ) -> None:
        plan = {
            "port": port,
            "key": KEY,
            "connections": connections,
            "pace": pace,
            "ramp": ramp,
            "requests": list(requests),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin  # noqa: S101 - for mypy
        self._process.stdin.write(json.dumps(plan))
        self._process.stdin.close()

    def wait_until_all_busy(self) -> None:
        """Wait until each connection has sent its first request."""
        assert self._process.stdout  # noqa: S101 - for mypy
        self._process.stdout.readline()

    def answers(self) -> Answers:
        """Wait for all answers."""
        assert self._process.stdout  # noqa: S101 - for mypy
        *_, last = ["", *self._process.stdout.read().splitlines()]
        if self._process.wait() != 0:
            raise RuntimeError("the clients stopped; the reason is above")
        return Answers(**json.loads(last))


def send(port: int, requests: Iterable[Request], **how: Any) -> Answers:
    """Send requests, as :class:`Sending` does, and return their answers."""
    return Sending(port, requests, **how).answers()


def starts(numbers: Iterable[str], path: str = "/verify/start") -> list[Request]:
    """Return one start for each number."""
    return [("POST", path, {"number": f"+{number}"}) for number in numbers]


def checks(ids: Iterable[str], codes: Iterable[str]) -> list[Request]:
    """Return one check for each id."""
    pairs = zip(ids, codes, strict=True)
    return [("POST", "/verify/check", {"verificationId": id_, "code": code}) for id_, code in pairs]


def wrong_checks(ids: Sequence[str], many: int) -> list[Request]:
    """Return this many wrong guesses, in turn at all verifications."""
    return checks((ids[n % len(ids)] for n in range(many)), (WRONG for _ in range(many)))


def looks(ids: Sequence[str], many: int) -> list[Request]:
    """Return this many requests for the status, in turn of all verifications."""
    return [("GET", f"/verify/{ids[n % len(ids)]}", None) for n in range(many)]


def callbacks(request_ids: dict[str, str], app_key: str, at: int) -> list[Request]:
    """Return one callback for each number: the call was dropped.

    Args:
        request_ids: By number.
        at: Unixtime of the status.
    """
    return [
        (
            "POST",
            "/callbacks/flashcall",
            {
                "requestId": request_id,
                "number": number,
                "status": "BUSY_HERE",
                "timestamp": at,
                "appKey": app_key,
            },
        )
        for number, request_id in request_ids.items()
    ]
