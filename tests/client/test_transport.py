"""The addresses, connections and headers of requests."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from urllib3.exceptions import InsecureRequestWarning

from tests.api.service import KEY, NUMBER
from tests.ports import free_port
from tests.waiting import wait_until
from verify_service import __version__
from verify_service.client import NotFound, Unavailable, UnreadableAnswer, VerifyClient

from .conftest import Connect
from .said import ID, READ, STARTED, verification
from .server import Front, says, serve, then_closes
from .silence import refused
from .timing import Hurry

FORKING = """
import os, sys
from verify_service.client import VerifyClient

with VerifyClient(sys.argv[1], sys.argv[2], patience=0) as client:
    client.status(sys.argv[3])
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        client.status(sys.argv[3])
        sys.exit(status)
    client.status(sys.argv[3])
"""


def test_an_address_where_nobody_listens(connect: Connect) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    error = refused(Unavailable, lambda: connect(url, patience=0).start(NUMBER))
    assert error.http_status is None
    assert "Connection refused" in error.reason
    assert "/verify/start" not in error.reason
    assert error.request_id
    assert error.idempotency_key


def test_a_name_that_is_none(connect: Connect) -> None:
    nowhere = connect("http://nowhere.invalid", patience=0)
    refused(Unavailable, lambda: nowhere.status(ID))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "verify.example",
        "ftp://verify.example",
        "https://",
        "https://user:canary@verify.example",
        "https://verify.example?canary=1",
        "https://verify.example#canary",
    ],
)
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    """The message does not quote it: it can contain a secret."""
    with pytest.raises(ValueError, match="The address") as caught:
        VerifyClient(url, KEY)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "canary\nX-Other: 1", "canary\x00"])
def test_what_is_no_access_key_is_said_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="The access key") as caught:
        VerifyClient("http://127.0.0.1", key)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("option", ["timeout", "start_timeout", "patience"])
@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_what_is_no_time_is_said_at_once(option: str, value: float) -> None:
    with pytest.raises(ValueError, match="0 seconds"):
        VerifyClient("http://127.0.0.1", KEY, **{option: value})


@pytest.mark.parametrize("key", [KEY, f"  {KEY}\n", "ключ"])
def test_what_every_request_carries(script: Front, connect: Connect, key: str) -> None:
    """The key as the service reads it, in UTF-8, and who asks."""
    script.will(STARTED)
    connect(script.url + "/", key).start(NUMBER)
    (request,) = script.requests
    shown = request.headers["x-authorization"].encode("latin-1").decode("utf-8")
    assert shown == f"AccessKey {key.strip()}"
    assert request.path == "/verify/start"
    assert request.headers["user-agent"] == f"verify-service-client/{__version__}"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"] == "application/json"


def test_the_id_in_an_answer_counts(script: Front, connect: Connect) -> None:
    """Proxies give requests ids of their own, and then the service's log has those."""
    headers = {"X_Request_ID": "theirs"}
    script.will(says(200, verification(), **headers), says(404, {"status": "noneError"}, **headers))
    client = connect(script.url)
    assert client.status(ID, request_id="ours").request_id == "theirs"
    assert refused(NotFound, lambda: client.status(ID, request_id="ours")).request_id == "theirs"


def test_the_service_may_live_under_a_path(script: Front, connect: Connect) -> None:
    script.will(READ)
    connect(f"{script.url}/internal/verify-service/").status(ID)
    assert script.requests[0].path == f"/internal/verify-service/verify/{ID}"


def test_the_environment_leads_nowhere_else(
    script: Front, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither a proxy variable nor a .netrc gets, or changes, what we send."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    script.will(READ)
    connect(script.url).status(ID)
    assert "authorization" not in script.requests[0].headers


def test_a_cookie_is_not_kept(script: Front, connect: Connect) -> None:
    """What a balancer pins one thread's request to is nothing for the others."""
    script.will(says(200, verification(), Set_Cookie="pinned=1; Path=/"), READ)
    client = connect(script.url)
    for _ in range(2):
        client.status(ID)
    assert "cookie" not in script.requests[1].headers


def test_a_connection_is_kept(script: Front, connect: Connect) -> None:
    """Ten requests, one connection; also where an answer was an error."""
    script.will(*[READ, says(404, {"status": "notFoundError"})] * 5)
    client = connect(script.url)
    for _ in range(5):
        client.status(ID)
        refused(NotFound, lambda: client.status(ID))
    assert script.connections == 1


def test_a_client_that_is_closed_closes_its_connections(script: Front) -> None:
    """One of its own at once, and not when the garbage is collected."""
    script.will(READ)
    with VerifyClient(script.url, KEY) as client:
        client.status(ID)
        assert script.ended == 0
    wait_until(lambda: script.ended == 1)
    assert client


def test_a_kept_connection_that_died_costs_a_try(
    front: Front, connect: Connect, provider, hurry: Hurry
) -> None:
    """Closed without a word while it lay idle: the same key goes over a new one, at once."""
    client = connect(front.url)
    front.will(then_closes(serve))
    vid = client.start(NUMBER).verification_id
    assert client.check(vid, provider.code).verified
    assert len(provider.calls) == 1
    assert sum(hurry.slept) <= 0.1


def test_a_session_of_the_callers_own(script: Front) -> None:
    """Used with what it brings, except for redirects; and left open, since it is not ours."""
    closed = []

    class Own(requests.Session):
        def close(self) -> None:
            closed.append(True)
            super().close()

    with Own() as session:
        session.headers["X-Team"] = "shop"
        script.will(READ, says(307, b"", Location="/elsewhere"))
        with VerifyClient(script.url, KEY, session=session) as client:
            client.status(ID)
            refused(UnreadableAnswer, lambda: client.status(ID))
        assert closed == []
        assert script.requests[0].headers["x-team"] == "shop"
        assert script.requests[0].headers["x-authorization"] == f"AccessKey {KEY}"
        assert "X-Authorization" not in session.headers
    assert len(script.requests) == 2


def test_many_threads_share_a_client(
    script: Front, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Each gets the answer to its own question, and no connection is thrown away, though all of
    them are in use at the same time."""
    threads = 32
    everybody = threading.Barrier(threads)

    def echo(exchange) -> None:
        everybody.wait(10)
        _, _, vid = exchange.received.path.rpartition("/")
        says(200, verification(verificationId=vid, reference=vid))(exchange)

    client = connect(script.url)
    script.will(*[echo] * threads * 10)

    def ask(name: int) -> set[str | None]:
        return {client.status(f"id-{name}-{turn}").reference for turn in range(10)}

    with ThreadPoolExecutor(threads) as pool:
        for name, answers in enumerate(pool.map(ask, range(threads))):
            assert answers == {f"id-{name}-{turn}" for turn in range(10)}
    assert script.connections <= threads
    assert "discarding" not in caplog.text


@pytest.mark.slow
def test_a_child_process_closes_inherited_connections(script: Front) -> None:
    """Two processes on one connection would read each other's answers."""
    ports: list[int] = []

    def noted(exchange) -> None:
        ports.append(exchange.client_address[1])
        READ(exchange)

    script.will(noted, noted, noted)
    subprocess.run([sys.executable, "-c", FORKING, script.url, KEY, ID], check=True, timeout=30)
    parent, child, parent_again = ports
    assert parent == parent_again != child


def test_tls_is_verified(
    script: Front,
    connect: Connect,
    certificate: tuple[Path, Path],
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the authorities of `requests` or the configured one. The environment has no effect."""
    script.speak(tls)
    url = script.url.replace("http:", "https:")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    error = refused(Unavailable, lambda: connect(url, patience=0).status(ID))
    assert "CERTIFICATE_VERIFY_FAILED" in error.reason
    assert script.requests == []
    script.will(READ, READ, READ)
    assert connect(url, verify=str(certificate[0])).status(ID)
    with pytest.warns(InsecureRequestWarning):
        assert connect(url, verify=False).status(ID)
    with requests.Session() as session:
        session.verify = str(certificate[0])
        assert connect(url, session=session).status(ID)


def test_a_client_can_be_shown(connect: Connect) -> None:
    """Its repr has the address and never the key."""
    assert repr(connect("http://127.0.0.1:8000/")) == "VerifyClient('http://127.0.0.1:8000')"
