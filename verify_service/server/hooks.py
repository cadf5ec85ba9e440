"""The server's hooks: what gunicorn calls when it starts, serves and ends.

``config/gunicorn.conf.py`` binds each to the setting of the same name.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import sys
import tempfile

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from verify_service.server import signals
from verify_service.server.background import EXTENSION, Background
from verify_service.telemetry import metrics_folder

MEMORY = "/dev/shm"  # noqa: S108
"""A file system in memory, which Linux keeps writable where the root file system is read-only."""
NOTHING_WRITABLE = (
    "The server needs a folder for small files, and may write to none: mount /dev/shm or /tmp, or "
    "set TMPDIR."
)
FILES_PER_CONNECTION = 2
"""The client's socket, and for a start also the provider's."""
OTHER_FILES = 100
"""Listeners, logs, connections to Redis, files of the metrics."""


def on_starting(arbiter: Arbiter) -> None:
    """Prepare the parent process. Its children inherit all of it.

    Raises:
        SystemExit: No folder is writable that the server needs. The sentence is the status.
    """
    raise_file_limit(FILES_PER_CONNECTION * arbiter.cfg.worker_connections + OTHER_FILES)
    try:
        require_heartbeat_folder(arbiter)
        create_metrics_folder(arbiter)
    except metrics_folder.FolderError as error:
        sys.exit(str(error))
    signals.install()


def post_fork(_arbiter: Arbiter, _worker: Worker) -> None:
    """Collect no garbage while the application is loaded: nearly all of its objects stay.

    Looking at them again and again takes 8 % of the time (measured).
    """
    gc.disable()


def post_worker_init(worker: Worker) -> None:
    """Begin to serve.

    From here on, errors in the log are those of requests. Garbage is collected, but never again
    looked for among the objects of the application.
    """
    gc.freeze()
    gc.enable()
    worker.log.serving = True
    if background := _background(worker):
        background.start()


def worker_exit(_arbiter: Arbiter, worker: Worker) -> None:
    """End what the process does beside its requests."""
    if background := _background(worker):
        background.stop()


def _background(worker: Worker) -> Background | None:
    """Return what an application does beside its requests; None if none was loaded."""
    application = getattr(worker, "wsgi", None)
    extensions: dict[str, Background] = getattr(application, "extensions", {})
    return extensions.get(EXTENSION)


def pre_request(_worker: Worker, _request: object) -> None:
    """Write nothing. gunicorn's own hook logs the path at debug level."""


def child_exit(_arbiter: Arbiter, worker: Worker) -> None:
    """Remove what the metrics have of a process that has ended, also of one that was killed."""
    metrics_folder.forget_gauges(worker.pid)


def on_exit(arbiter: Arbiter) -> None:
    """Remove the metrics folder if ``create_metrics_folder`` created it."""
    if folder := getattr(arbiter, "own_metrics_folder", None):
        shutil.rmtree(folder, ignore_errors=True)


def raise_file_limit(files: int) -> None:
    """Raise the soft limit of open files to this number, or as far as the hard limit permits.

    The usual 1,024 would be reached before ``worker_connections``.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, files)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def memory_folder() -> str | None:
    """Return a folder in memory, or None where there is none that our user may write to."""
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None


def require_heartbeat_folder(arbiter: Arbiter) -> None:
    """Raise FolderError if no process could write its heartbeat."""
    if arbiter.cfg.worker_tmp_dir is None:
        _temporary_folder()


def create_metrics_folder(arbiter: Arbiter) -> None:
    """Create one folder for the counters of all processes, so that each can answer /metrics.

    A folder that the environment names is used instead, and created if it is missing. Where nothing
    else is writable, the folder is beside the heartbeats, in memory.

    Raises:
        FolderError: It cannot be created, or no file can be written there.
    """
    metrics_folder.require_writable()
    if metrics_folder.VARIABLE not in os.environ:
        own = tempfile.mkdtemp(prefix="verify-metrics-", dir=_temporary_folder())
        arbiter.own_metrics_folder = os.environ[metrics_folder.VARIABLE] = own
    metrics_folder.forget_gauges()


def _temporary_folder() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        folder = memory_folder()
    if folder is None:
        raise metrics_folder.FolderError(NOTHING_WRITABLE)
    return folder
