"""``python -m tests.leftovers COMMAND …``: run a command; fail if it leaves a process running.

On Linux. Elsewhere the command runs, and nothing is looked for.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

CHILDREN = Path("/proc/thread-self/children")
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 10.0
"""Seconds in which a process may end after the command did."""
LEFT = 70
"""The exit status if the command was successful and something is left."""


def main(command: list[str]) -> int:
    """Return the command's exit status, or `LEFT`."""
    watched = CHILDREN.exists() and adopt_orphans()
    process = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(process.pid, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches the command itself
    process.returncode = wait_for(process.pid)
    left = end_all() if watched else []
    for line in left:
        print(f"left running: {line}", file=sys.stderr)
    return process.returncode or (LEFT if left else 0)


def adopt_orphans() -> bool:
    """Make this process the parent of every descendant whose own parent ends (prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def wait_for(pid: int) -> int:
    """Wait until this child ends, and collect every orphan that ends before it."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def end_all() -> list[str]:
    """Return the command lines of what still runs, after `PATIENCE`, and kill it."""
    until = time.monotonic() + PATIENCE
    while children() and time.monotonic() < until:
        time.sleep(0.05)
    found = {}
    while running := children():
        for pid in running:
            found.setdefault(pid, command_line(pid))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return list(found.values())


def children() -> list[int]:
    """Return the pids of the children that run. The ended ones are collected."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return [int(pid) for pid in CHILDREN.read_text().split()]


def command_line(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return f"{pid} {b' '.join(words).decode(errors='replace').strip()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
