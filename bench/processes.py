"""Processes under measurement: their CPU, their memory, and how long they take to boot."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCTION = Path(sys.prefix) / "production/bin/python"
"""A Python with the packages of requirements.txt alone, which `make bench` sets up. With those of
the tests, structlog imports rich, which takes 50 ms."""
BOOT_SECONDS = 30.0
"""After this time a server has failed to start."""
END_SECONDS = 30.0
POLL_SECONDS = 0.002
SETTLED_SHARE = 0.05
"""A server is idle if it uses less than this share of a core."""
SETTLING_SECONDS = 0.2


class Gunicorn:
    """One gunicorn with the repository's configuration: a parent and its workers.

    Args:
        app: The application, as gunicorn loads it.
        port: Where it listens.
        environment: Added to the environment of this process.
        log: The file for all output.
    """

    def __init__(self, app: str, port: int, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        command = [str(PRODUCTION), "-m", "gunicorn", "--config", "config/gunicorn.conf.py", app]
        began = time.perf_counter()
        self._process = _start(command, {**environment, "PORT": str(port)}, log)
        self._wait_for_answer(port)
        self.boot_seconds = time.perf_counter() - began
        """From the command to its first answer."""
        self._pids = self._children()
        self.settle()

    def _wait_for_answer(self, port: int) -> None:
        until = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=BOOT_SECONDS)
                connection.request("GET", "/healthz", headers={"Connection": "close"})
                if connection.getresponse().status == 200:
                    return
            time.sleep(POLL_SECONDS)
        self.end()
        raise RuntimeError(f"the server did not start:\n{self._log.read_text()}")

    def settle(self) -> None:
        """Wait until all workers have booted, and use almost no CPU."""
        self._pids = self._children()
        until = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < until:
            before = self.cpu_seconds()
            time.sleep(SETTLING_SECONDS)
            if self.cpu_seconds() - before < SETTLED_SHARE * SETTLING_SECONDS:
                return

    def cpu_seconds(self) -> float:
        """Return the CPU time that the processes have used, in user and system mode."""
        return sum(cpu_seconds(pid) for pid in self._pids)

    def megabytes(self) -> float:
        """Return the memory of all processes; a page that n of them share counts an n-th in each.

        (The proportional set size, ``Pss`` in proc_pid_smaps(5).)
        """
        return sum(_megabytes(pid) for pid in self._pids)

    def end(self) -> None:
        """Terminate it, and wait for its end."""
        end(self._process)

    def _children(self) -> list[int]:
        pid = self._process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [pid, *map(int, workers.split())]


def _start(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a program in the repository's folder.

    Its output is a file: a pipe without a reader would stop it, and /dev/null would cost less than
    a platform does. It may keep compiled modules, as a deployment does.
    """
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            command,
            cwd=ROOT,
            env=inherited | dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM, and wait for the end."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program until the block ends."""
    process = _start([sys.executable, *arguments], {}, log)
    try:
        yield process
    finally:
        end(process)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, of threads that have ended too, to the nanosecond.

    The id of the clock is what clock_getcpuclockid(3) computes on Linux; /proc/<pid>/stat has the
    same time in steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


def _megabytes(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024
