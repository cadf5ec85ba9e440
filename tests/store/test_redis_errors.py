"""What is wrong with Redis, in a sentence, and whether waiting helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.api.service import ENVIRONMENT, Service
from tests.ports import free_port
from tests.servers import Server
from verify_service.settings.settings import Settings
from verify_service.store.connection.redis_errors import PERMANENT, unavailable

Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return the status and the sentence of `/readyz` with this REDIS_URL."""

    def readyz(url: str) -> tuple[int, str]:
        for name, text in {**ENVIRONMENT, "REDIS_URL": url}.items():
            monkeypatch.setenv(name, text)
        service = Service(Settings.from_env())
        answer = service.request("GET", "/readyz", None)
        (line,) = service.events("store_unavailable")
        assert line["state"] in answer.json["errorReason"].replace(", so", ". So")
        return answer.status_code, answer.json["errorReason"]

    return readyz


@pytest.mark.parametrize("number", ["16", "99", "9999"])
def test_a_database_out_of_range_is_permanent(valkey_url: str, ask: Ask, number: str) -> None:
    """Retrying does not help, and it is no bug of ours."""
    status, sentence = ask(f"{valkey_url.removesuffix('0')}{number}")
    assert status == 503
    assert sentence == (
        "Redis has no database with the number that REDIS_URL names, so this response verifies no "
        "number. The operator has to change a setting."
    )


def test_a_wrong_password_is_permanent(valkey_url: str, ask: Ask) -> None:
    status, sentence = ask(valkey_url.replace("://", "://:wrong@"))
    assert status == 503
    assert sentence.startswith("Redis refuses our user or password, ")
    assert sentence.endswith("The operator has to change a setting.")


@pytest.mark.slow
def test_a_database_of_a_cluster_is_permanent(tmp_path: Path, ask: Ask) -> None:
    options = {"cluster-enabled": "yes", "cluster-port": f"{free_port()}"}
    server = Server(tmp_path / "cluster", options).start()
    try:
        status, sentence = ask(f"redis://127.0.0.1:{server.port}/1")
    finally:
        server.kill()
    assert status == 503
    assert "REDIS_URL" in sentence  # Redis names the cluster, Valkey 9 the missing database
    assert sentence.endswith("The operator has to change a setting.")


def test_an_outage_is_not_permanent(ask: Ask) -> None:
    status, sentence = ask(f"redis://127.0.0.1:{free_port()}")
    assert (status, sentence.endswith("verifies no number. Retry.")) == (503, True)


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (redis.ResponseError("DB index is out of range"), True),
        (redis.ResponseError("SELECT is not allowed in cluster mode"), True),
        (redis.ResponseError("DENIED Redis is running in protected mode because …"), True),
        (redis.exceptions.NoPermissionError("this user has no permissions to run …"), True),
        (redis.exceptions.AuthenticationError("invalid username-password pair"), True),
        (redis.ConnectionError("[SSL: CERTIFICATE_VERIFY_FAILED] …"), True),
        (redis.ConnectionError("[SSL: WRONG_VERSION_NUMBER] …"), True),
        (redis.ResponseError("unknown command 'FCALL'"), True),
        (redis.exceptions.MovedError("1 127.0.0.1:1"), True),
        (redis.exceptions.BusyLoadingError("Redis is loading"), False),
        (redis.exceptions.ReadOnlyError("You can't write"), False),
        (redis.exceptions.OutOfMemoryError("command not allowed"), False),
        (redis.exceptions.TryAgainError("Multiple keys"), False),
        (redis.TimeoutError("Timeout reading"), False),
        (redis.ResponseError("NOREPLICAS Not enough good replicas"), False),
        (redis.ResponseError("MISCONF Redis is configured to save"), False),
    ],
)
def test_each_error_is_permanent_or_not(error: redis.RedisError, permanent: bool) -> None:
    found = unavailable(error)
    assert found.permanent is permanent
    assert (found.state in PERMANENT) is permanent
