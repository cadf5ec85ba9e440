"""Secrets are rotated while people log in, as docs/operate.md says. No login fails or is repeated.

A step of a rotation is what a platform does with a new setting: a new server starts, both serve for
a while, and the old one gets SIGTERM.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from tests.faults.books import Fault
from tests.faults.ledger import Ledger
from tests.faults.load import CLIENTS, Load
from tests.faults.simulator import MANY, Simulator
from tests.faults.stage import PATIENCE, SETTINGS
from tests.faults.tcp_proxy import TcpProxy
from tests.servers import Server
from tests.system.observed_service import APP_KEY, PROVIDER_KEY, variables
from tests.system.server_process import KEY, Web
from tests.waiting import wait_until
from tests.webhooks.login_flow import OTHER_SECRET, SECRET, LoginFlow, answer, receiving
from verify_service.settings.parsers import sha256_hex

LOGINS = 3 * CLIENTS
"""Logins between two changes: each client finishes those that it had begun before the first."""
RIGHT_AT_THE_SECOND_GUESS = 3
"""Guesses of a login that ends well: a wrong one, the code, and the used code once more."""


class Router(TcpProxy):
    """Gives each connection to one of the servers, as a platform's router does.

    At random: in turns, clients in step would each have a server of their own.
    """

    @property
    def target(self) -> int:
        return random.choice(self._servers)  # noqa: S311

    @target.setter
    def target(self, server: int) -> None:
        self._servers = (server,)

    def serve(self, *servers: Web) -> None:
        """Send connections to these servers from now on."""
        self._servers = tuple(server.port for server in servers)


class Platform:
    """One service that is restarted with other settings, its provider, and its Redis."""

    def __init__(self, folder: Path, redis: Server) -> None:
        self.folder = folder
        address = f"redis://127.0.0.1:{redis.port}/0"
        # A server that starts takes a core; Redis may then be slow, which is no subject here.
        self.settings = {**SETTINGS, "REDIS_TIMEOUT": "2", "REDIS_URL": address}
        self.router = Router()
        self.servers: list[Web] = []
        self.providers: list[Simulator] = []

    def provider(self, access_key: str = PROVIDER_KEY) -> Simulator:
        """Start a simulator that accepts one token."""
        found = Simulator(self.folder / f"provider-{len(self.providers)}")
        url = f"http://127.0.0.1:{self.router.port}/callbacks/flashcall"
        found.start(url, access_key)
        self.providers.append(found)
        self.settings["PROVIDER_URL"] = found.url
        return found

    def start(self, **settings: str) -> Web:
        """Start a server with these settings, beside those that there are."""
        self.settings |= settings
        given = variables(1, self.settings["PROVIDER_URL"], **self.settings)
        web = Web("wsgi:app", self.folder / f"web-{len(self.servers)}", given)
        self.servers.append(web)
        web.ready()
        wait_until(lambda: web.ask("GET", "/readyz", key=None).status == 200, PATIENCE)
        return web

    def restart(self, ledger: Ledger, **settings: str) -> None:
        """Replace the server by one with these settings, while people log in."""
        old, new = self.servers[-1], self.start(**settings)
        self.router.serve(old, new)
        self.pass_logins(ledger)
        self.router.serve(new)
        self.pass_logins(ledger)
        assert old.end() == 0

    def pass_logins(self, ledger: Ledger) -> None:
        """Wait until each client has finished what it began before, and some more."""
        settled = ledger.finished + LOGINS
        wait_until(lambda: ledger.finished >= settled, PATIENCE)

    def load(self) -> Load:
        return Load(self.router.port, self.code)

    def code(self, number: str) -> str | None:
        """Return the code on a person's phone, whichever token placed the call."""
        return next(filter(None, (one.code(number) for one in self.providers)), None)

    def end(self) -> None:
        for web in self.servers:
            for pid in (web.process.pid, *web.workers()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            web.process.wait()
        for provider in self.providers:
            provider.end()
        self.router.close()

    def check(self, ledger: Ledger, redis: Server) -> None:
        """Check that no request was refused, no code was denied and no callback was lost."""
        fault = Fault("", ledger)
        fault.calls = sum((one.called() for one in self.providers), start=fault.calls)
        fault.check_sums()
        with redis.client() as client:
            fault.in_redis(client)
        assert set(ledger.statuses) == {200, 201}
        well = {n for n, one in ledger.verdicts.items() if len(one) == RIGHT_AT_THE_SECOND_GUESS}
        assert ledger.verified == well
        assert not [web.said for web in self.servers if "callback_refused" in web.said]
        assert not [web.said for web in self.servers if "call_failed" in web.said]


@pytest.fixture
def platform(tmp_path: Path, server: Server) -> Iterator[Platform]:
    platform = Platform(tmp_path, server)
    yield platform
    platform.end()


def test_the_code_secret(platform: Platform, server: Server) -> None:
    """In three steps, since old and new servers check each other's codes meanwhile."""
    old, new = "old-code-secret-of-at-least-32-bytes", "new-code-secret-of-at-least-32-bytes"
    platform.provider()
    platform.router.serve(platform.start(CODE_SECRET=old))
    with platform.load().running() as ledger:
        platform.pass_logins(ledger)
        platform.restart(ledger, CODE_SECRET=f"{old},{new}")
        platform.restart(ledger, CODE_SECRET=f"{new},{old}")
        # In place of CODE_TTL: every login that began before has ended.
        platform.pass_logins(ledger)
        platform.restart(ledger, CODE_SECRET=new)
    platform.check(ledger, server)


def test_an_access_key(platform: Platform, server: Server) -> None:
    """Two are live while the login flow changes to the new one."""
    new = "new-access-key-of-the-shop"
    before, after = f"shop={sha256_hex(KEY)}", f"shop={sha256_hex(new)}"
    platform.provider()
    platform.router.serve(platform.start(ACCESS_KEYS=before))
    load = platform.load()
    with load.running() as ledger:
        platform.pass_logins(ledger)
        platform.restart(ledger, ACCESS_KEYS=f"{before},{after}")
        load.access_key = new
        platform.pass_logins(ledger)
        platform.restart(ledger, ACCESS_KEYS=after)
    platform.check(ledger, server)


def test_the_providers_key(platform: Platform, server: Server) -> None:
    """The provider accepts both meanwhile: two simulators, each with one of the tokens."""
    first = platform.provider()
    platform.router.serve(platform.start())
    with platform.load().running() as ledger:
        platform.pass_logins(ledger)
        second = platform.provider("new-provider-key")
        platform.restart(ledger, PROVIDER_ACCESS_KEY="new-provider-key")
        with_the_old = first.called()
        platform.pass_logins(ledger)
    assert first.called() == with_the_old
    assert second.called().total() >= LOGINS
    platform.check(ledger, server)


def test_the_key_of_callbacks(platform: Platform, server: Server) -> None:
    """The simulator has an outcome whose callbacks carry another key: the one after the change.

    Production refuses that key, because it is published.
    """
    new = "forged-app-key"
    provider = platform.provider()
    platform.router.serve(platform.start(APP_ENV="development", CALLBACK_APP_KEYS=APP_KEY))
    with platform.load().running() as ledger:
        platform.pass_logins(ledger)
        platform.restart(ledger, CALLBACK_APP_KEYS=f"{APP_KEY},{new}")
        # Twice as many lines as the load needs: without one, a call has the old key again.
        for _ in range(2):
            provider.control.next_call(outcome="forgedAppKey", statuses=["TERMINATED"], times=MANY)
        # In place of two minutes: the callbacks of all calls before have been answered.
        platform.pass_logins(ledger)
        called = len(provider.calls())
        wait_until(lambda: answered(provider, called), PATIENCE)
        platform.restart(ledger, CALLBACK_APP_KEYS=new)
    called = len(provider.calls())
    wait_until(lambda: answered(provider, called), PATIENCE)
    platform.check(ledger, server)


def test_a_secret_of_events(platform: Platform, server: Server) -> None:
    """The receiver knows one secret at a time, and refuses no event. Each login has its event."""
    with receiving() as login:
        receiver = OneSecret(login, SECRET)
        platform.provider()
        given = {"APP_ENV": "development", "WEBHOOKS": f"shop={login.url}"}
        platform.router.serve(platform.start(**given, WEBHOOK_SECRETS=f"shop={SECRET}"))
        with platform.load().running() as ledger:
            platform.pass_logins(ledger)
            platform.restart(ledger, WEBHOOK_SECRETS=f"shop={SECRET},shop={OTHER_SECRET}")
            receiver.secret = OTHER_SECRET
            platform.pass_logins(ledger)
            platform.restart(ledger, WEBHOOK_SECRETS=f"shop={OTHER_SECRET}")
        wait_until(lambda: len(receiver.approved) >= len(ledger.verified), PATIENCE)
        assert len(receiver.approved) == len(ledger.verified)
        assert receiver.refused == 0
        platform.check(ledger, server)


class OneSecret:
    """How a login flow answers that verifies each event by one secret.

    Attributes:
        secret: The one.
        approved: The verifications whose event it has accepted.
        refused: Events that the secret did not sign.
    """

    def __init__(self, login: LoginFlow, secret: str) -> None:
        self.secret, self.refused = secret, 0
        self.approved: set[str] = set()
        self._login = login
        login.respond = self._respond

    def _respond(self, handler: BaseHTTPRequestHandler) -> None:
        id_ = handler.headers["webhook-id"]
        (received,) = {
            one.body: one for one in tuple(self._login.received) if one.id == id_
        }.values()
        try:
            event = received.read(self.secret)
        except WebhookVerificationError:
            self.refused += 1
            answer(401)(handler)
            return
        if event["type"] == "verification.approved":
            self.approved.add(event["data"]["verificationId"])
        answer(204)(handler)


def answered(provider: Simulator, calls: int) -> bool:
    """Return whether the first calls have their callbacks."""
    return all(call.callbacks for call in provider.calls()[:calls])
