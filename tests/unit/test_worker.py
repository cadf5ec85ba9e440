"""The worker, its logger and its hooks, without a server around them."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import gevent
import gevent.socket
import pytest
from gunicorn.config import Config
from gunicorn.http.body import LengthReader
from gunicorn.http.errors import InvalidHeader
from gunicorn.http.unreader import SocketUnreader

from verify_service.server import hooks
from verify_service.server.logger import Logger
from verify_service.server.request_clock import RequestClock
from verify_service.server.worker import Worker
from verify_service.telemetry.metrics_folder import VARIABLE

ROOT = Path(__file__).parents[2]
CANARY = "canary-in-a-request"


@pytest.fixture
def lines() -> io.StringIO:
    """What the server's logger writes."""
    return io.StringIO()


@pytest.fixture
def log(lines: io.StringIO) -> Logger:
    """The logger, with every option turned on that an operator has."""
    config = Config()
    config.set("accesslog", "-")
    config.set("loglevel", "debug")
    logger = Logger(config)
    logger.error_log.handlers = logger.access_log.handlers = [logging.StreamHandler(lines)]
    return logger


@pytest.fixture
def worker(log: Logger) -> Iterator[Worker]:
    """A worker that serves an application with a bug."""

    def broken(*_: object) -> None:
        raise ValueError(CANARY)

    config = Config()
    config.set("pre_request", hooks.pre_request)
    worker = Worker(1, os.getpid(), [], None, 1, config, log)
    worker.reading_seconds = worker.working_seconds = worker.lingering_seconds = 10
    worker.lingering_bytes = 1
    worker.wsgi = broken
    hooks.post_worker_init(worker)
    yield worker
    gc.unfreeze()
    worker.tmp.close()


def test_no_garbage_is_looked_for_while_the_application_loads(worker: Worker) -> None:
    """And what was loaded is not looked at afterwards."""
    hooks.post_fork(SimpleNamespace(), worker)
    try:
        assert not gc.isenabled()
    finally:
        hooks.post_worker_init(worker)
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def exchange(worker: Worker, request: bytes) -> tuple[str, dict[str, str], dict[str, object]]:
    """Let the worker serve one connection; return status line, headers and JSON of the answer."""
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as listener:
        ours.sendall(request)
        ours.shutdown(socket.SHUT_WR)
        worker.handle(listener, theirs, ("127.0.0.1", 1))
        return parse(ours)


def parse(client: socket.socket) -> tuple[str, dict[str, str], dict[str, object]]:
    head, _, body = client.recv(65_536).decode().partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    return status, dict(line.split(": ") for line in headers), json.loads(body)


def answer_to(
    worker: Worker, error: BaseException
) -> tuple[str, dict[str, str], dict[str, object]]:
    """Return the worker's answer after this error, before it has read any request."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.shutdown(socket.SHUT_WR)
        worker.handle_error(None, theirs, ("127.0.0.1", 1), error)
        return parse(ours)


@pytest.mark.parametrize(
    "request_line",
    [
        f"GET /readyz?X-Authorization=AccessKey {CANARY} HTTP/1.1",
        f"GET /readyz HTTP/1.1\r\nX-Authorization {CANARY}",
        CANARY,
    ],
)
def test_an_unreadable_request_is_answered_in_json_without_a_quote(
    worker: Worker, lines: io.StringIO, request_line: str
) -> None:
    status, headers, answer = exchange(worker, f"{request_line}\r\n\r\n".encode())
    assert status == "HTTP/1.1 400 Bad Request"
    assert headers["Content-Type"] == "application/json"
    assert headers["Connection"] == "close"
    assert (answer["status"], answer["errorCode"]) == ("invalidSchemeError", 10)
    assert answer["reason"] == "malformed"
    assert f"Request {headers['X-Request-ID']} failed: " in lines.getvalue()
    assert CANARY not in json.dumps(answer) + lines.getvalue()


def test_work_that_takes_too_long_is_not_the_clients_fault(worker: Worker) -> None:
    """Its call may have been placed: a repeat with the same key returns it."""
    status, _, answer = answer_to(worker, gevent.Timeout(1))
    assert (status, answer["status"]) == ("HTTP/1.1 500 Internal Server Error", "internalError")
    assert "same Idempotency-Key" in str(answer["errorReason"])


class Drip:
    """A reader of a body whose bytes come one by one."""

    def __init__(self, *pauses: float) -> None:
        self.pauses = list(pauses)

    def read(self, _size: int) -> bytes:
        if not self.pauses:
            return b""
        gevent.sleep(self.pauses.pop(0))
        return b"x"


@dataclass
class Slow:
    """A request whose body comes from a `Drip`."""

    body: SimpleNamespace
    closes: bool = False

    def force_close(self) -> None:
        self.closes = True


def read_all(request: Slow) -> bytes:
    return b"".join(iter(lambda: request.body.reader.read(1), b""))


def slow(*pauses: float) -> Slow:
    return Slow(SimpleNamespace(reader=Drip(*pauses)))


def test_a_body_and_the_work_have_clocks_of_their_own() -> None:
    """However long the body took to arrive, the work has all of its time."""
    request = slow(0.15, 0.15, 0.15)
    with RequestClock(request, reading_seconds=10, working_seconds=0.2).running():
        assert read_all(request) == b"xxx"
        gevent.sleep(0.15)
    assert not request.closes


def test_a_slow_body_is_a_timeout_that_an_application_can_catch() -> None:
    """The clock runs over all pieces of the body. The connection cannot be used again."""
    request = slow(*[0.02] * 500)
    clock = RequestClock(request, reading_seconds=0.1, working_seconds=10)
    with clock.running(), pytest.raises(TimeoutError):
        read_all(request)
    assert len(request.body.reader.pauses) > 400
    assert request.closes


@contextmanager
def sent(body: bytes, length: int) -> Iterator[Slow]:
    """Yield a request whose body has this length, and of which this much came with the headers."""
    ours, theirs = gevent.socket.socketpair()
    with ours, theirs:
        unreader = SocketUnreader(ours)
        unreader.unread(body)
        yield Slow(SimpleNamespace(reader=LengthReader(unreader, length)))


def test_a_body_that_came_with_its_headers_is_read() -> None:
    with sent(b"body", 4) as request:
        with RequestClock(request, reading_seconds=0.05, working_seconds=10).running():
            assert request.body.reader.read(1024) == b"body"
            assert request.body.reader.read(1024) == b""
        assert not request.closes


def test_the_rest_of_a_body_is_waited_for() -> None:
    with sent(b"bo", 4) as request:
        clock = RequestClock(request, reading_seconds=0.05, working_seconds=10)
        with clock.running(), pytest.raises(TimeoutError):
            request.body.reader.read(1024)
        assert request.closes


@pytest.mark.parametrize("pauses", [(), (0,)], ids=["without a body", "after the body"])
def test_work_that_does_not_end_is_ended(pauses: tuple[float, ...]) -> None:
    request = slow(*pauses)
    clock = RequestClock(request, reading_seconds=10, working_seconds=0.05)
    with clock.running():
        read_all(request)
        with pytest.raises(gevent.Timeout):
            gevent.sleep(10)


def test_nothing_is_timed_after_a_request() -> None:
    """Then the server reads the rest of the body itself, and may wait for the next request."""
    request = slow(0.1)
    reader = request.body.reader
    with RequestClock(request, reading_seconds=0.01, working_seconds=0.01).running():
        pass
    assert request.body.reader is reader
    assert reader.read(1) == b"x"


@pytest.mark.parametrize("given", ["", "X-Request-ID: not valid\r\n", "X-Request-ID: a\r\n" * 2])
def test_the_application_and_the_servers_error_have_one_id(worker: Worker, given: str) -> None:
    """Also if the caller sent none that is valid."""
    seen: list[str] = []

    def ends(environ: dict[str, str], _: object) -> None:
        seen.append(environ["HTTP_X_REQUEST_ID"])
        raise gevent.Timeout(1)

    worker.wsgi = ends
    _, headers, _ = exchange(worker, f"GET / HTTP/1.1\r\nHost: x\r\n{given}\r\n".encode())
    assert seen == [headers["X-Request-ID"]]


def test_a_bug_is_a_500_without_its_message(worker: Worker, lines: io.StringIO) -> None:
    """The caller finds the log line by the request's id."""
    raw = b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: of-the-caller\r\n\r\n"
    status, headers, answer = exchange(worker, raw)
    assert status == "HTTP/1.1 500 Internal Server Error"
    assert (answer["status"], answer["reason"]) == ("internalError", "bug")
    assert headers["X-Request-ID"] == "of-the-caller"
    assert "Request of-the-caller failed: ValueError" in lines.getvalue()
    assert CANARY not in json.dumps(answer) + lines.getvalue()


@pytest.mark.parametrize(
    "headers",
    [b"", b"X-Request-ID: two words\r\n", b"X-Request-ID: one\r\nX-Request-ID: two\r\n"],
    ids=["none", "malformed", "two"],
)
def test_without_one_proper_request_id_a_new_one_is_made(worker: Worker, headers: bytes) -> None:
    found = exchange(worker, b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")[1]
    assert len(found["X-Request-ID"]) == 32


def test_a_client_that_is_gone_is_no_error(worker: Worker) -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        worker.handle_error(None, theirs, ("127.0.0.1", 1), InvalidHeader(CANARY))


def test_the_logger_writes_no_access_line(log: Logger, lines: io.StringIO) -> None:
    assert log.access_log_enabled
    log.access(SimpleNamespace(), SimpleNamespace(), {"RAW_URI": CANARY}, 1)
    assert lines.getvalue() == ""


def test_a_debug_line_names_an_error_and_keeps_the_rest(log: Logger, lines: io.StringIO) -> None:
    log.debug("Closing connection %s. %s", 7, ValueError(CANARY))
    assert lines.getvalue() == "Closing connection 7. ValueError\n"


def fail() -> None:
    try:
        {}[CANARY]
    except KeyError as error:
        raise ValueError(CANARY) from error


def test_a_served_requests_error_is_logged_without_messages(
    log: Logger, lines: io.StringIO
) -> None:
    """With the frames of its cause, too."""
    log.serving = True
    try:
        fail()
    except ValueError:
        log.exception("Error handling request %s", CANARY)
    said = lines.getvalue()
    assert said.startswith("ValueError at ")
    assert "KeyError" in said
    assert f"{__file__}:" in said
    assert CANARY not in said


def test_the_errors_of_a_worker_that_is_ready_are_those_of_requests(worker: Worker) -> None:
    assert worker.log.serving


def test_an_error_of_the_start_is_logged_in_full(log: Logger, lines: io.StringIO) -> None:
    """No request is being served, and the operator needs the message."""
    try:
        fail()
    except ValueError:
        log.exception("Exception in worker process")
    assert f"ValueError: {CANARY}" in lines.getvalue()


FORK = """
import os, signal, sys, time
from verify_service.server import signals

MOMENT = sys.argv[1]
received = []
signal.signal(signal.SIGTERM, lambda *_: received.append(1))
if MOMENT == "during the fork":
    # The first hook of the child: before those of the service.
    os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
signals.install()
child = os.fork()
if not child:
    time.sleep(20)
    os._exit(0)
if MOMENT == "after the fork":
    os.kill(child, signal.SIGTERM)
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os.kill(os.getpid(), signal.SIGTERM)
print("parent", received)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["during the fork", "after the fork"])
def test_sigterm_ends_a_child_that_was_just_born(moment: str) -> None:
    """At whatever moment it arrives. The parent keeps its own handler."""
    done = subprocess.run(
        [sys.executable, "-c", FORK, moment], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "child -15\nparent [1]\n"


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """The process' limit of open files, which no test changes."""
    found = {"files": (1024, 4096)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: found["files"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: found.update(files=pair))
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1024, 4096), 3100),
        ((1024, 2000), 2000),
        ((1024, resource.RLIM_INFINITY), 3100),
        ((4000, 4096), 4000),
    ],
)
def test_each_connection_may_have_its_files(
    limits: dict[str, tuple[int, int]], before: tuple[int, int], after: int
) -> None:
    """As far as the hard limit permits; a limit that is higher stays."""
    limits["files"] = before
    hooks.raise_file_limit(3100)
    assert limits["files"] == (after, before[1])


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment names no folder for the metrics."""
    monkeypatch.setenv(VARIABLE, "")  # so that the value that a test leaves is removed
    monkeypatch.delenv(VARIABLE)
    return monkeypatch


def arbiter(worker_tmp_dir: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(
        cfg=SimpleNamespace(worker_connections=10, worker_tmp_dir=worker_tmp_dir)
    )


def nothing_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a read-only root file system: neither /tmp nor the working folder is writable."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/self/none"])


@pytest.mark.usefixtures("unset")
def test_the_metrics_folder_is_removed_at_the_end() -> None:
    parent = arbiter()
    hooks.create_metrics_folder(parent)
    folder = Path(os.environ[VARIABLE])
    assert folder.is_dir()
    hooks.on_exit(parent)
    assert not folder.is_dir()


@pytest.mark.parametrize("name", ["", "missing", "missing/below/it", "with a space"])
def test_a_metrics_folder_of_the_operators_is_made_and_stays(
    unset: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    unset.setenv(VARIABLE, str(folder))
    parent = arbiter()
    hooks.create_metrics_folder(parent)
    assert list(folder.iterdir()) == []
    hooks.on_exit(parent)
    assert folder.is_dir()


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/self/none", "/sys", "\0"])
def test_a_metrics_folder_that_cannot_be_used_is_reported(
    unset: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    """The server ends with a sentence instead of starting processes that fail."""
    (tmp_path / "file").touch()
    folder = f"{tmp_path}/{where}" if where.startswith("file") else where
    unset.setattr(os, "environ", {**os.environ, VARIABLE: folder})
    with pytest.raises(SystemExit, match=f"^{VARIABLE}: Must be a folder that our user may "):
        hooks.on_starting(arbiter(hooks.MEMORY))


@pytest.mark.skipif(hooks.memory_folder() is None, reason="needs /dev/shm")
def test_where_nothing_else_is_writable_the_metrics_are_beside_the_heartbeats(
    unset: pytest.MonkeyPatch,
) -> None:
    """A container with a read-only root file system still has /dev/shm."""
    nothing_temporary(unset)
    parent = arbiter(hooks.MEMORY)
    hooks.require_heartbeat_folder(parent)
    hooks.create_metrics_folder(parent)
    folder = Path(os.environ[VARIABLE])
    assert folder.parent == Path(hooks.MEMORY)
    hooks.on_exit(parent)
    assert not folder.exists()


@pytest.mark.parametrize("named", [True, False])
def test_a_server_that_may_write_nowhere_says_so(
    unset: pytest.MonkeyPatch, tmp_path: Path, named: bool
) -> None:
    """Its heartbeats need a folder, also if the metrics have one."""
    nothing_temporary(unset)
    unset.setattr(hooks, "MEMORY", "/proc/self/none")
    if named:
        unset.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(SystemExit, match="mount /dev/shm or /tmp, or set TMPDIR"):
        hooks.on_starting(arbiter())


@pytest.mark.slow
def test_the_configuration_loads_nothing_that_gevent_patches_later() -> None:
    """The parent reads it before gevent replaces the sockets that these libraries hold on to."""
    script = "import sys, runpy; runpy.run_path('config/gunicorn.conf.py'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"flask", "redis", "requests", "urllib3"} & set(done.stdout.split())
