"""The folder in which all processes keep their counters: ``PROMETHEUS_MULTIPROC_DIR``.

``prometheus_client`` looks for the variable when it is imported and writes to files if it is set,
even to an empty text. So this module does not import the library, and the package drops an empty
variable before any module of it does.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class FolderError(Exception):
    """The folder cannot be used. The message names the variable."""


def drop_empty() -> None:
    """Remove the variable if it is empty: files in the working folder are never meant.

    The library also reads the name in small letters, which it had first.
    """
    folder = os.environ.pop(VARIABLE.lower(), "")
    folder = os.environ.pop(VARIABLE, "").strip() or folder.strip()
    if folder:
        os.environ[VARIABLE] = folder


def forget_gauges(pid: int | None = None) -> None:
    """Remove the gauges of a process that has ended, or without a pid those of all processes.

    A gauge is what a process has now, for example calls in flight. Counters remain.
    """
    # The library's own function for this would import all of it into the parent process.
    for path in Path(os.environ[VARIABLE]).glob(f"gauge_live*_{pid or '*'}.db"):
        path.unlink(missing_ok=True)


def require_writable() -> None:
    """Create the folder that the variable names, if it is missing. Without the variable: nothing.

    Raises:
        FolderError: It cannot be created, or no file can be written there.
    """
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:
        raise FolderError(
            f"{VARIABLE}: Must be a folder that our user may create and write to "
            f"({getattr(error, 'strerror', None) or 'not a path'}); "
            "leave it out for one that the web server creates."
        ) from None
