"""The web process as a platform runs it, on a free port, with all its output kept."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.system.house import ROOT
from tests.waiting import wait_until

PATIENCE = 30
KEY = "canary-access-key"
ACCESS_LINE = "ACCESS"
BUILD_PACK = (
    # Last come the arguments of a build pack: they are read after the configuration's own.
    f"--bind=127.0.0.1:%d --log-level=debug --access-logfile=- --access-logformat='{ACCESS_LINE} "
    "%%(h)s %%(r)s %%(q)s %%(U)s %%(f)s %%(a)s %%({x-authorization}i)s %%({authorization}i)s'"
)


@dataclass(frozen=True)
class Answer:
    """An answer with its headers."""

    status: int
    text: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text.partition("\n\n")[2])
        return found


@dataclass
class Web:
    """One gunicorn with its processes."""

    app: str
    output: Path
    variables: dict[str, str]
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.port = free_port()
        own = {"PORT": str(self.port), "GUNICORN_CMD_ARGS": BUILD_PACK % self.port}
        self._environment = os.environ | own | self.variables
        with self.output.open("w") as stream:
            self.process = subprocess.Popen(
                self._line(), cwd=ROOT, env=self._environment, stdout=stream, stderr=stream
            )

    def _line(self, *words: str) -> list[str]:
        line = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.conf.py"]
        return [*line, *words, self.app]

    def settings(self) -> dict[str, str]:
        """Return the server's settings, as the server prints them."""
        shown = subprocess.run(
            self._line("--print-config"),
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        )
        lines = (line.partition("=") for line in shown.stdout.splitlines())
        return {name.strip(): value.strip() for name, _, value in lines}

    def ready(self) -> None:
        """Wait until it serves."""
        wait_until(lambda: self.process.poll() is not None or self.alive(), PATIENCE)
        assert self.process.poll() is None, self.output.read_text()

    def alive(self) -> bool:
        try:
            return self.ask("GET", "/healthz", None).status == 200
        except OSError:
            return False

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def ask(
        self, method: str, path: str, body: Any = None, key: str | None = KEY, **headers: str
    ) -> Answer:
        """Send a request as a login flow does. Text and bytes are sent unchanged, all else as
        JSON."""
        raw = body if isinstance(body, str | bytes | None) else json.dumps(body)
        sent = {"Content-Type": "application/json"} if raw is not None else {}
        sent |= {"X-Authorization": f"AccessKey {key}"} if key else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, raw, {**sent, "Connection": "close"})
            found = connection.getresponse()
            head = "\n".join(f"{name}: {value}" for name, value in found.getheaders())
            text = f"{found.reason}\n{head}\n\n{found.read().decode('utf-8', 'replace')}"
        finally:
            connection.close()
        return self._keep(Answer(found.status, text))

    def say(self, raw: bytes) -> Answer:
        """Send bytes, and read until the connection ends."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as client:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(65_536):
                answer += part
        status = answer.partition(b" ")[2][:3]
        found = Answer(int(status) if status.isdigit() else 0, answer.decode("utf-8", "replace"))
        return self._keep(found)

    def workers(self) -> list[int]:
        """Return the pids of all its processes but the first, if the system lists them."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def end(self) -> int:
        """Terminate it as a platform does; return its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def _keep(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer
