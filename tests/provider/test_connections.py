"""The request that the provider receives, and environment variables that must not change it."""

from __future__ import annotations

import json
import ssl
from base64 import b64encode
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from verify_service.domain.calls import Placed
from verify_service.provider.flash_call import AUTH_FORMS
from verify_service.transport import resolver

from .harness import CODE, NUMBER, TOKEN, exchange, place, provider_at, success
from .server import Received, Server

PATH = "/api/apps/flash/calls/flash"

# Name of the form, header, value.
HEADERS = [
    ("x-accesskey", "X-Authorization", f"AccessKey {TOKEN}"),
    ("x-basic", "X-Authorization", f"Basic {TOKEN}"),
    ("x-bearer", "X-Authorization", f"Bearer {TOKEN}"),
    ("raw", "Authorization", TOKEN),
    ("basic", "Authorization", f"Basic {TOKEN}"),
    ("basic-pair", "Authorization", "Basic " + b64encode(TOKEN.encode()).decode()),
    ("accesskey", "Authorization", f"AccessKey {TOKEN}"),
]


def sent(**settings: object) -> Received:
    """Return the one request of a successful exchange."""
    seen = exchange(success(), **settings)
    assert isinstance(seen.outcome, Placed)
    return seen.requests[0]


def test_the_body_matches_the_page() -> None:
    """Bare digits, the code as an integer, the timeout in milliseconds, and nothing else."""
    request = sent(call_timeout=12_345)

    assert request.method == "POST"
    assert request.target == PATH
    pairs = json.loads(request.body, object_pairs_hook=list)
    assert sorted(pairs) == [("code", int(CODE)), ("number", NUMBER[1:]), ("timeout", 12_345)]
    assert all(type(value) is int for name, value in pairs if name != "number")
    assert request.values("Content-Type") == ["application/json"]
    assert request.values("Content-Length") == [str(len(request.body))]


def test_the_headers_request_no_compression() -> None:
    """No compression, no cookie, and each header once."""
    request = sent()

    assert request.values("Accept") == ["application/json"]
    assert request.values("Accept-Encoding") == ["identity"]
    assert request.values("Connection") == []
    assert len({name.lower() for name, _ in request.headers}) == len(request.headers)
    assert request.values("Cookie") == []
    assert request.values("Transfer-Encoding") == []
    assert request.values("User-Agent") == ["verify-service"]


@pytest.mark.parametrize(("form", "header", "value"), HEADERS)
def test_the_token_is_sent_in_the_configured_form(form: str, header: str, value: str) -> None:
    """Exactly one header has the token, and the address does not."""
    request = sent(auth=form)

    shown = [pair for pair in request.headers if pair[0].lower().endswith("authorization")]
    assert shown == [(header, value)]
    assert urlsplit(request.target).query == ""


def test_the_token_can_be_a_query_argument() -> None:
    """The page's second way: the argument X-Authorization, and no header."""
    request = sent(auth="query")

    assert urlsplit(request.target).path == PATH
    assert parse_qs(urlsplit(request.target).query) == {"X-Authorization": [f"AccessKey {TOKEN}"]}
    assert not [name for name, _ in request.headers if name.lower().endswith("authorization")]


def test_every_form_is_tested() -> None:
    """A form that is added to the client is added here."""
    assert set(AUTH_FORMS) == {form for form, _, _ in HEADERS} | {"query"}


def test_a_name_in_another_script_is_sent_as_idna(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In ``Host``, and to name servers."""
    ascii_name = "xn--e1afmkfd.test"
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 {ascii_name}\n")
    monkeypatch.setattr(resolver, "HOSTS_FILE", hosts)
    with Server(success()) as server:
        assert isinstance(place(provider_at(f"http://пример.test:{server.port}")), Placed)
    assert server.requests[0].values("Host") == [f"{ascii_name}:{server.port}"]


def test_cookies_are_not_kept() -> None:
    """A cookie that the provider sets is not sent in the next request on the connection."""
    answer = success("Set-Cookie: a=b; Path=/", "Connection: keep-alive")
    with Server(answer, keep_alive=True) as server:
        provider = provider_at(server.url)
        for _ in range(3):
            assert isinstance(place(provider), Placed)
    assert [request.values("Cookie") for request in server.requests] == [[]] * 3
    assert server.connections == 1


@pytest.mark.parametrize("case", [str.upper, str.lower])
@pytest.mark.parametrize("exempt", [None, "", "example.org"])
def test_no_proxy_is_used(
    case: object, exempt: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxy variables change neither the connection nor the request. A proxy gets no connection."""
    with Server(success()) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(case(name), proxy.url)  # type: ignore[operator]
        if exempt is not None:
            monkeypatch.setenv(case("NO_PROXY"), exempt)  # type: ignore[operator]
        assert sent().target == PATH
    assert proxy.connections == 0


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_no_proxy_is_used_for_tls(
    name: str, trusted_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the provider is at an https address, a proxy gets no connection."""
    with Server(success()) as proxy:
        monkeypatch.setenv(name, proxy.url)
        assert sent(tls=trusted_tls).target == PATH
    assert proxy.connections == 0


@pytest.mark.parametrize("where", ["NETRC", "HOME"])
@pytest.mark.parametrize("host", ["machine 127.0.0.1", "default"])
@pytest.mark.parametrize("form", AUTH_FORMS)
def test_no_netrc_is_read(
    form: str, host: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry for the provider's host, or for every host, neither adds nor replaces anything."""
    plain = sent(auth=form)
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"{host} login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv(where, str(netrc if where == "NETRC" else tmp_path))

    request = sent(auth=form)
    assert request.target == plain.target
    assert [pair for pair in request.headers if pair[0] != "Host"] == [
        pair for pair in plain.headers if pair[0] != "Host"
    ]
