"""A second provider is two files, its dialect and its callback, and one line where it is wired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from tests.redis_clients import store_client
from verify_service.app import create_app
from verify_service.provider.call_provider import CallProvider
from verify_service.settings.settings import Settings
from verify_service.transport.client import HttpClient
from verify_service.transport.route import Route

from .conftest import Clock
from .second_provider.callbacks import ringer_blueprint
from .second_provider.dialect import Ringer
from .service import ENVIRONMENT, KEY, NUMBER
from .standin import Answer, StandIn

FOLDER = Path(__file__).parent / "second_provider"
CALLBACK_KEY = "ringer-callback-key"


@pytest.fixture
def ringer(
    fake: redis.Redis, clock: Clock, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> FlaskClient:
    """The service with Ringer in place of the Flash Call API."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    provider.then = lambda call: Answer(
        body={"ring": "ring 1", "caller": f"7495000{call.body['lastDigits']}"}
    )
    dialect = Ringer(provider.url, "ringer-key")
    client = HttpClient(dialect.endpoint, Route(provider.url, connect_timeout=2), deadline=5)
    calls = CallProvider(dialect, client, max_in_flight=8)
    app = create_app(Settings.from_env(), store_client(fake), calls)
    app.register_blueprint(ringer_blueprint(CALLBACK_KEY.encode()))
    return app.test_client()


def start(ringer: FlaskClient) -> Any:
    return ringer.post("/verify/start", json={"number": NUMBER}, headers=access())


def status(ringer: FlaskClient, verification: dict[str, Any]) -> Any:
    return ringer.get(f"/verify/{verification['verificationId']}", headers=access()).json


def report(ringer: FlaskClient, event: str, key: str = CALLBACK_KEY) -> Any:
    body = {"ring": "ring 1", "to": NUMBER, "event": event, "at": 1_790_000_003}
    return ringer.post("/callbacks/ringer", json=body, headers={"Callback-Key": key})


def access() -> dict[str, str]:
    return {"X-Authorization": f"AccessKey {KEY}"}


def test_it_adds_two_files() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == {
        "__init__.py",
        "callbacks.py",
        "dialect.py",
    }


def test_a_login_from_start_to_callback(ringer: FlaskClient, provider: StandIn) -> None:
    started = start(ringer)
    assert started.status_code == 201
    assert started.json["call"] == {
        "state": "placed",
        "callerPrefix": "7495000",
        "callerLength": 11,
        "codeDigits": 4,
    }
    (call,) = provider.calls
    assert (call.path, call.headers["Api-Key"]) == ("/api/rings", "ringer-key")
    assert call.body["to"] == NUMBER

    assert report(ringer, "missed").json == {"applied": True}
    found = status(ringer, started.json)
    assert (found["call"]["state"], found["call"]["providerStatus"]) == ("delivered", "missed")

    guess = {"verificationId": started.json["verificationId"], "code": call.body["lastDigits"]}
    checked = ringer.post("/verify/check", json=guess, headers=access())
    assert (checked.json["verified"], checked.json["number"]) == (True, NUMBER)


@pytest.mark.parametrize(
    ("event", "restart_in", "action"), [("off", 0, "restart"), ("fraud", 30, "stop")]
)
def test_its_words_mean_what_the_dialect_says(
    ringer: FlaskClient, event: str, restart_in: int, action: str
) -> None:
    """A phone that is off refunds the start; anti-fraud does not."""
    started = start(ringer).json
    assert report(ringer, event).json == {"applied": True}
    found = status(ringer, started)
    assert found["call"]["state"] == "undelivered"
    assert (found["restartIn"], found["nextAction"]) == (restart_in, action)


def test_an_unknown_word_changes_nothing(ringer: FlaskClient) -> None:
    started = start(ringer).json
    assert report(ringer, "ANSWERED").json == {"applied": False}
    assert status(ringer, started)["call"]["state"] == "placed"


def test_a_wrong_key_is_refused(ringer: FlaskClient) -> None:
    started = start(ringer).json
    assert report(ringer, "missed", key="wrong").status_code == 401
    assert status(ringer, started)["call"]["state"] == "placed"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("credit", (502, "rpcError", "stop", 0, None, None)),
        ("badNumber", (400, "invalidDataError", "stop", 30, 11, None)),
        ("slowDown", (502, "rpcError", "restart", 7, None, "7")),
    ],
)
def test_its_errors_mean_what_the_dialect_says(
    ringer: FlaskClient, provider: StandIn, error: str, expected: tuple[Any, ...]
) -> None:
    """The domain knows the kind of a failure, not the provider's name for it."""
    provider.answers(400, {"error": error}, **{"Retry-After": "7"} if error == "slowDown" else {})
    answer = start(ringer)
    assert expected == (
        answer.status_code,
        answer.json["status"],
        answer.json["nextAction"],
        answer.json["restartIn"],
        answer.json.get("errorCode"),
        answer.headers.get("Retry-After"),
    )
