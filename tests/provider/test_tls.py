"""TLS: certificates are verified, and nothing is sent to a server that is not verified."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from verify_service.domain.calls import Failed, Placed
from verify_service.transport import resolver

from .certificates import Authority
from .harness import exchange, place, provider_at, refused, success
from .server import Server


def test_a_trusted_server_gets_the_request(trusted_tls: ssl.SSLContext) -> None:
    """With a certificate that the bundle contains the call is placed."""
    assert isinstance(exchange(success(), tls=trusted_tls).outcome, Placed)


def test_a_self_signed_certificate_is_refused_before_sending(tls: ssl.SSLContext) -> None:
    """No authority signed the certificate: not a byte of the request is sent, and the start is
    refunded."""
    outcome = exchange(success(), tls=tls, posts=0).outcome

    assert isinstance(outcome, Failed)
    assert outcome.refund


def test_a_certificate_of_a_known_authority_is_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests below change one thing each, which is the reason for the refusal."""
    monkeypatch.setattr("certifi.where", lambda: str(authority.certificate))
    assert isinstance(exchange(success(), tls=authority.server(days=2)).outcome, Placed)


def test_a_certificate_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    """It is in time and for the right name, but no authority of the bundle signed it."""
    assert refused(success(), tls=authority.server(days=2), posts=0).refund


def test_an_expired_certificate_is_refused(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day after its end it is not trusted."""
    monkeypatch.setattr("certifi.where", lambda: str(authority.certificate))
    assert refused(success(), tls=authority.server(days=-1), posts=0).refund


def test_a_certificate_for_another_name_is_refused(trusted_tls: ssl.SSLContext) -> None:
    """A certificate of a known authority for another name is not trusted."""
    with Server(success(), tls=trusted_tls) as server:
        outcome = place(provider_at(f"https://localhost:{server.port}"))
    assert isinstance(outcome, Failed)
    assert outcome.refund
    assert server.requests == []


def test_the_dot_of_an_absolute_name_is_no_part_of_it(
    trusted_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The name in TLS has none, as that of the certificate."""
    named: list[str] = []
    trusted_tls.sni_callback = lambda _socket, name, _context: named.append(name)
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 provider.test\n")
    monkeypatch.setattr(resolver, "HOSTS_FILE", hosts)
    with Server(success(), tls=trusted_tls) as server:
        place(provider_at(f"https://provider.test.:{server.port}"))
    assert named == ["provider.test"]


def test_a_server_without_tls_gets_no_request() -> None:
    """An unencrypted answer to an https address: nothing was sent."""
    with Server(success(), reads=False) as plain:
        outcome = place(provider_at(f"https://127.0.0.1:{plain.port}"))
    assert isinstance(outcome, Failed)
    assert outcome.refund
    assert plain.connections == 1


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_adds_no_authority(
    name: str,
    tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bundle that a variable names makes no certificate trusted."""
    monkeypatch.setenv(name, str(certificate[0]))
    assert isinstance(exchange(success(), tls=tls, posts=0).outcome, Failed)


@pytest.mark.parametrize("value", ["", "0", "false"])
@pytest.mark.parametrize(
    "name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PYTHONHTTPSVERIFY"]
)
def test_the_environment_does_not_turn_verification_off(
    name: str, value: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that turn verification off in other clients have no effect."""
    monkeypatch.setenv(name, value)
    assert refused(success(), tls=tls, posts=0).refund


def test_a_missing_bundle_in_the_environment_has_no_effect(
    trusted_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that names no file is not read."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/at/all.pem")
    assert isinstance(exchange(success(), tls=trusted_tls).outcome, Placed)


def test_the_authorities_are_read_once(
    trusted_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for all calls: reading takes longer than the rest of a call."""
    with Server(success(), success(), tls=trusted_tls) as server:
        provider = provider_at(server.url)
        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", None)
        assert isinstance(place(provider), Placed)
        assert isinstance(place(provider), Placed)


def test_a_private_authority_can_be_trusted(authority: Authority) -> None:
    """PROVIDER_CA_FILE names it, in place of the usual ones."""
    tls, file = authority.server(days=2), str(authority.certificate)
    assert isinstance(exchange(success(), tls=tls, ca_file=file).outcome, Placed)


def test_a_private_authority_takes_the_place_of_the_usual_ones(
    authority: Authority, trusted_tls: ssl.SSLContext
) -> None:
    """A server that the usual ones trust gets no request."""
    file = str(authority.certificate)
    assert refused(success(), tls=trusted_tls, ca_file=file, posts=0).refund
