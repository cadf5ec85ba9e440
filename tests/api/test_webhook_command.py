"""`webhook`: an operator tries an address, switches it on, sends an event again."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import click
import pytest
import redis
from click.testing import CliRunner, Result

from tests.ports import free_port
from tests.provider.certificates import Authority
from tests.tls_front import TlsFront
from tests.waiting import wait_until
from tests.webhooks.login_flow import OTHER_SECRET, SECRET, LoginFlow, answer
from verify_service import cli
from verify_service.api import vocabulary
from verify_service.app import create_operator
from verify_service.domain.events import EventType

from .service import NUMBER, Service
from .told import TOKEN, login, rang, told

pytestmark = pytest.mark.slow
"""Together they take seconds."""

__all__ = ["login", "told"]

Run = Callable[..., Result]
PATIENCE = 15.0


@pytest.fixture
def flask(told: Service) -> Run:
    return runner(told)


def runner(service: Service) -> Run:
    """Return what runs a command. None prints a number, the address or a secret."""
    group = click.Group()
    operator = create_operator(service.settings, service.client)
    cli.install(group, operator, service.settings)

    def run(*words: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(group, list(words))
        assert (result.exit_code == 1) is fails, result.output
        for secret in (NUMBER, TOKEN, SECRET, OTHER_SECRET):
            assert secret not in result.output
        return result

    return run


def test_a_test_event_is_signed_and_of_no_verification(
    flask: Run, login: LoginFlow, told: Service
) -> None:
    """A receiver reads it like any event, and does nothing for its type."""
    printed = flask("webhook", "test", "shop").output
    assert re.fullmatch(r"shop: HTTP 204 after \d+ ms\. Events are accepted\.\n", printed)
    (received,) = login.received
    for secret in (SECRET, OTHER_SECRET):
        assert received.read(secret)["type"] == EventType.TEST
    data = received.read()["data"]
    assert (data["state"], data["test"]) == ("canceled", True)
    assert told.status(data["verificationId"]).status_code == 404


def test_each_test_event_has_an_id_of_its_own(flask: Run, login: LoginFlow) -> None:
    """A receiver that drops repeats would not show that it can store a new one."""
    flask("webhook", "test", "shop")
    flask("webhook", "test", "shop")
    first, second = login.received
    assert first.id != second.id


def test_the_types_are_those_of_the_document() -> None:
    assert list(vocabulary.EVENTS) == list(EventType)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (307, "Redirects are not followed"),
        (400, "answer 2xx to a type that it does not know"),
        (401, "Compare its secret with WEBHOOK_SECRETS"),
        (403, "before anything parses them"),
        (404, "compare its path in WEBHOOKS"),
        (405, "does not accept POST"),
        (410, "until `webhook on`"),
        (418, "its log has the reason"),
        (422, "docs/events.md"),
        (429, "Retry-After"),
        (500, "a proxy before it"),
        (503, "a proxy before it"),
    ],
)
def test_an_answer_is_explained(flask: Run, login: LoginFlow, status: int, words: str) -> None:
    """And fails the command, so that a script sees it."""
    login.respond = answer(status, Location="/elsewhere")
    printed = flask("webhook", "test", "shop", fails=True).output
    assert printed.startswith(f"shop: HTTP {status} after ")
    assert "Events are not accepted." in printed
    assert words in printed.splitlines()[1]
    assert len(login.received) == 1


def test_a_410_to_a_test_switches_nothing_off(flask: Run, login: LoginFlow) -> None:
    login.respond = answer(410)
    flask("webhook", "test", "shop", fails=True)
    assert "410" not in flask("webhook", "show").output


@pytest.mark.parametrize(("offset", "words"), [(360, "ahead of"), (-360, "behind")])
def test_a_receiver_with_another_clock_is_told_apart_from_one_with_another_secret(
    flask: Run, login: LoginFlow, offset: int, words: str
) -> None:
    """Both answer 401; the Date header of the answer decides."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(401)
        handler.send_header("Date", formatdate(time.time() + offset, usegmt=True))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    login.respond = respond
    printed = flask("webhook", "test", "shop", fails=True).output
    assert re.search(rf"Its clock is (6 min|5 min 59 s|6 min 1 s) {words} ours", printed)
    assert "NTP" in printed


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Xxx 2026 00:00:00 GMT"])
def test_a_receiver_without_a_readable_clock_is_judged_by_its_status(
    flask: Run, login: LoginFlow, date: str | None
) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(204)
        if date is not None:
            handler.send_header("Date", date)
        handler.end_headers()

    login.respond = respond
    assert "clock" not in flask("webhook", "test", "shop").output


def test_a_receiver_that_hangs_is_explained(
    flask: Run, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection opens, and nothing comes."""
    monkeypatch.setattr("verify_service.webhooks.receiver.TRY_SECONDS", 0.3)
    over = threading.Event()
    login.respond = lambda _: over.wait(10)
    try:
        printed = flask("webhook", "test", "shop", fails=True).output
    finally:
        over.set()
    assert "no whole response" in printed
    assert "The connection opens. Answer within 10 seconds" in printed


def test_a_receiver_that_is_not_there_is_explained(make, valkey: redis.Redis) -> None:
    service = make(
        valkey,
        APP_ENV="development",
        WEBHOOKS=f"shop=http://127.0.0.1:{free_port()}/?token={TOKEN}",
        WEBHOOK_SECRETS=f"shop={SECRET}",
    )
    printed = runner(service)("webhook", "test", "shop", fails=True).output
    assert "no whole response" in printed
    assert "127.0.0.1 cannot be reached: Connection refused." in printed


def test_an_app_without_an_address_has_no_test(flask: Run) -> None:
    for command in ("test", "on"):
        printed = flask("webhook", command, "bank", fails=True).output
        assert printed == (
            "Error: bank has no address in WEBHOOKS. The apps that have one: shop.\n"
        )


def test_what_waits_and_what_happened_today(flask: Run, login: LoginFlow, told: Service) -> None:
    nothing = "today 0 delivered, 0 tries failed, 0 dropped, 0 lost\n"
    assert flask("webhook", "show").output == f"shop: nothing waits; {nothing}"
    login.respond = answer(500)
    vid = rang(told)
    wait_until(lambda: "1 tries failed" in flask("webhook", "show").output)
    shown = flask("webhook", "show").output
    assert shown.startswith("shop: 1 event waiting, the oldest for ")
    login.respond = answer(204)
    told.cancel(vid)
    wait_until(lambda: "2 delivered" in flask("webhook", "show").output, PATIENCE)
    assert "nothing waits" in flask("webhook", "show").output
    assert "events               2  delivered; 1 tries failed" in flask("stats").output


def test_an_app_that_answers_410_is_switched_on_again(
    flask: Run, login: LoginFlow, told: Service
) -> None:
    """`blocked` and `show` name the command."""
    login.respond = answer(410)
    rang(told)
    wait_until(lambda: "off for" in flask("webhook", "show").output)
    shown = flask("webhook", "show").output
    assert re.search(r"off for (1 d|23 h.*) more after a 410, `webhook on shop` ends it", shown)
    assert re.fullmatch(
        r"shop: no event is posted for .* more, after a 410; `webhook on shop` ends it\n",
        flask("blocked").output,
    )
    login.respond = answer(204)
    assert flask("webhook", "on", "shop").output == "Events are posted to shop again.\n"
    wait_until(lambda: "1 delivered" in flask("webhook", "show").output)
    assert flask("blocked").output == "Nothing is blocked.\n"
    assert "is not switched off" in flask("webhook", "on", "shop", fails=True).output
    assert len({one.id for one in login.received}) == 1


def test_an_event_is_sent_again_under_an_id_of_its_own(
    flask: Run, login: LoginFlow, told: Service
) -> None:
    vid = rang(told)
    wait_until(lambda: len(login.received) == 1)
    printed = flask("webhook", "resend", vid).output
    wait_until(lambda: len(login.received) == 2)
    first, again = login.received
    assert printed.startswith(f"verification.delivered waits to be posted as {again.id}, a webhook")
    assert again.id != first.id
    assert again.read()["data"]["verificationId"] == first.read()["data"]["verificationId"] == vid


def test_what_cannot_be_sent_again(flask: Run, told: Service, make, valkey: redis.Redis) -> None:
    vid = told.started(NUMBER)
    printed = flask("webhook", "resend", vid, fails=True).output
    assert printed == "Error: Nothing has happened to it yet that is an event.\n"
    for first in "x-":  # an id may begin like an option
        unknown = flask("webhook", "resend", first + "x" * 39, fails=True).output
        assert unknown == "Error: There is no such verification, or no longer.\n"
    silent = make(valkey)
    vid = silent.started("+79161234567")
    silent.cancel(vid)
    printed = runner(silent)("webhook", "resend", vid, fails=True).output
    assert printed == (
        "Error: Its app had no address in WEBHOOKS when it began, so it has no events.\n"
    )


def test_without_addresses_nothing_is_shown(service: Service) -> None:
    run = runner(service)
    assert run("webhook", "show").output == "No app has an address in WEBHOOKS.\n"
    assert "The apps that have one: none." in run("webhook", "test", "shop", fails=True).output


def test_without_redis_the_commands_say_so(make, login: LoginFlow) -> None:
    """The test needs none."""
    service = make(
        APP_ENV="development", WEBHOOKS=f"shop={login.url}", WEBHOOK_SECRETS=f"shop={SECRET}"
    )
    run = runner(service)
    for words in (("show",), ("on", "shop"), ("resend", "x" * 40)):
        assert "Redis cannot be reached" in run("webhook", *words, fails=True).output
    assert "Events are accepted" in run("webhook", "test", "shop").output


@pytest.mark.parametrize(("status", "words"), [(401, "Compare its secret"), (502, "a proxy")])
def test_the_log_says_the_same_about_an_answer(
    told: Service, login: LoginFlow, status: int, words: str
) -> None:
    login.respond = answer(status)
    rang(told)
    (line,) = wait_until(lambda: told.events("event_failed"))
    assert words in line["hint"]
    assert "`flask --app wsgi webhook test shop`" in line["hint"]


@pytest.mark.parametrize(
    ("days", "words"),
    [(1, "its certificate is not trusted"), (None, "the TLS handshake fails")],
)
def test_a_receiver_whose_tls_does_not_work_is_explained(
    make, login: LoginFlow, tmp_path: Path, days: int | None, words: str
) -> None:
    """An authority that is not in the list of the public ones; and plain HTTP at an https port."""
    plain = int(login.url.split(":")[2].split("/")[0])
    front = TlsFront(Authority(tmp_path).found().server(days=1), plain) if days else None
    try:
        service = make(
            WEBHOOKS=f"shop=https://127.0.0.1:{front.port if front else plain}/?token={TOKEN}",
            WEBHOOK_SECRETS=f"shop={SECRET}",
        )
        printed = runner(service)("webhook", "test", "shop", fails=True).output
    finally:
        if front:
            front.close()
    assert "no whole response" in printed
    assert f"127.0.0.1 cannot be reached: {words}" in printed
    assert login.received == []
