"""What the tests speak to: a served simulator and a receiver of callbacks, both on loopback."""

import json
import socket
import threading
import time
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Event, Thread
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from verify_service.sandbox import SandboxConfig, create_sandbox
from verify_service.sandbox.control import SandboxControl
from verify_service.sandbox.server import base_url, bind

PATIENCE = 5.0
"""Seconds that a test waits for what must come."""

KEY = {"X-Authorization": f"AccessKey {SandboxConfig.access_key}"}
ORDINARY_NUMBER = "79161234567"


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve `app` on a port, a free one for 0, and yield its address, without a path."""
    server = bind(app, "127.0.0.1", port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
    thread.start()
    try:
        yield base_url(server).removesuffix("/api")
    finally:
        server.shutdown()
        thread.join()


class Sandbox:
    """A client of one served simulator."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._session = requests.Session()
        # No proxy and no .netrc of the developer's machine.
        self._session.trust_env = False

    def post(self, **kwargs: Any) -> requests.Response:
        """POST to the provider's endpoint exactly this, with no key unless given."""
        url = f"{self.root}/api/apps/flash/calls/flash"
        return self._session.post(url, timeout=PATIENCE, **kwargs)

    def place(self, number: str = ORDINARY_NUMBER, **fields: Any) -> requests.Response:
        """Place a call as a good client does; `fields` change its body."""
        body = {"number": number, "code": 1234, "timeout": 30000, **fields}
        return self.post(json=body, headers=KEY)

    @property
    def control(self) -> SandboxControl:
        return SandboxControl(self.root)

    def open(self, number: str = ORDINARY_NUMBER) -> socket.socket:
        """A connection on which a call has been asked for, and nothing been read yet."""
        body = json.dumps({"number": number, "code": 1234, "timeout": 30000})
        head = (
            "POST /api/apps/flash/calls/flash HTTP/1.1\r\nHost: x\r\n"
            f"X-Authorization: {KEY['X-Authorization']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        where = urlsplit(self.root)
        client = socket.create_connection((where.hostname, where.port), timeout=PATIENCE)
        client.sendall((head + body).encode())
        return client

    def calls(self, **query: str) -> list[Any]:
        answer = self.get("/sandbox/calls", params=query).json()
        assert answer["status"] == "ok"
        return list(answer["calls"])

    def callbacks(self) -> list[Any]:
        """The callbacks of the newest call."""
        return list(self.calls()[-1]["callbacks"])

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return self._session.get(self.root + path, timeout=PATIENCE, **kwargs)

    def tell(self, path: str, body: Any) -> requests.Response:
        """POST a body to one of the pages that change what happens."""
        return self._session.post(self.root + path, json=body, timeout=PATIENCE)

    def next(self, **line: Any) -> Any:
        """Script a call; the line as the simulator has read it."""
        answer = self.tell("/sandbox/next", line).json()
        assert answer["status"] == "ok", answer
        return answer["next"]

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return self._session.request(method, self.root + path, timeout=PATIENCE, **kwargs)

    def forget(self) -> Any:
        return self._session.delete(f"{self.root}/sandbox/calls", timeout=PATIENCE).json()


def at_work(before: set[Thread]) -> bool:
    """Whether a request is being answered by a thread that was not there `before`."""
    return any("process_request" in each.name for each in set(threading.enumerate()) - before)


def everything(client: socket.socket) -> bytes:
    """What comes until the connection ends; a reset is an error."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


class Receiver:
    """A service that takes callbacks: it keeps what came, read and `raw`; answers `http_status`.

    `forms` has the method and the Content-Type of each.

    While `open` is clear, callbacks for `slow_number` (None: all) wait before they are answered.
    """

    def __init__(self) -> None:
        self.url = ""
        self.http_status = 200
        self.slow_number: str | None = None
        self.open = Event()
        self.open.set()
        self.raw: list[bytes] = []
        self.forms: list[tuple[str, str | None]] = []
        self._came: list[Any] = []
        self._changed = Condition()

    @property
    def came(self) -> list[Any]:
        with self._changed:
            return list(self._came)

    def take(self) -> BaseResponse:
        body = _fields()
        with self._changed:
            self.raw.append(request.get_data())
            self.forms.append((request.method, request.content_type))
            self._came.append({**body, "at": time.monotonic()})
            self._changed.notify_all()
        if self.slow_number in {None, body["number"]}:
            self.open.wait(PATIENCE)
        if self.http_status == 302:
            return redirect(self.url)
        return _answer(self.http_status)

    def wait_for(self, count: int) -> list[Any]:
        """The callbacks, once there are `count`."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._came) >= count, PATIENCE)
            return list(self._came)


def _fields() -> Any:
    """What was sent, judged by the body itself."""
    if request.method == "GET":
        return request.args.to_dict()
    raw = request.get_data()
    if raw.removeprefix(BOM_UTF8).startswith(b"{"):
        return json.loads(raw)
    return request.form.to_dict()


def _answer(http_status: int) -> Response:
    response = jsonify({"status": "ok"})
    response.status_code = http_status
    return response


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    app = Flask(__name__)
    app.add_url_rule("/callbacks", view_func=receiver.take, methods=["GET", "POST"])
    with served(app) as root:
        receiver.url = f"{root}/callbacks"
        yield receiver
        receiver.open.set()


@contextmanager
def simulating(config: SandboxConfig) -> Iterator[Sandbox]:
    with served(create_sandbox(config)) as root:
        yield Sandbox(root)
