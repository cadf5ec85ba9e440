"""The server's hooks: what gunicorn calls when it starts, serves and ends.

``config/gunicorn.conf.py`` binds each to the setting of the same name.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from verify_service.server import signals

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FILES_PER_CONNECTION = 3
"""The client's socket, and for a start also the provider's and a duplicate of that."""
OTHER_FILES = 100
"""Listeners, logs, connections to Redis, files of the metrics."""


def on_starting(arbiter: Arbiter) -> None:
    """Prepare the parent process. Its children inherit all of it."""
    raise_file_limit(FILES_PER_CONNECTION * arbiter.cfg.worker_connections + OTHER_FILES)
    create_metrics_folder(arbiter)
    signals.install()


def post_worker_init(worker: Worker) -> None:
    """Switch the logger over: from here on, errors are those of requests."""
    worker.log.serving = True


def pre_request(_worker: Worker, _request: object) -> None:
    """Write nothing. gunicorn's own hook logs the path at debug level."""


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


def create_metrics_folder(arbiter: Arbiter) -> None:
    """Create one folder for the counters of all processes, so that each can answer /metrics.

    A folder that the environment names is used instead.
    """
    if METRICS_FOLDER not in os.environ:
        arbiter.own_metrics_folder = tempfile.mkdtemp(prefix="verify-metrics-")
        os.environ[METRICS_FOLDER] = arbiter.own_metrics_folder
