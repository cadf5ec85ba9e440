"""TLS: verified, and nothing is sent to whom it does not verify."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from verify_service.domain.calls import Failed, Placed

from .certificates import Authority
from .harness import exchange, place, provider_at, refused, success
from .server import Server


def test_a_trusted_server_is_spoken_to(trusted_tls: ssl.SSLContext) -> None:
    """With a certificate that the bundle knows the call is placed."""
    assert isinstance(exchange(success(), tls=trusted_tls).outcome, Placed)


def test_a_self_signed_certificate_is_refused_before_sending(tls: ssl.SSLContext) -> None:
    """Nobody knows the certificate: not a byte of the request leaves, the quota is given back."""
    outcome = exchange(success(), tls=tls, posts=0).outcome

    assert isinstance(outcome, Failed)
    assert outcome.refund


def test_a_certificate_of_a_known_authority_is_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests below refuse is refused for the one reason that each names."""
    monkeypatch.setattr("certifi.where", lambda: str(authority.certificate))
    assert isinstance(exchange(success(), tls=authority.server(days=2)).outcome, Placed)


def test_a_certificate_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    """Signed, in time, for the right name, by nobody that the bundle knows."""
    assert refused(success(), tls=authority.server(days=2), posts=0).refund


def test_an_expired_certificate_is_refused(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day after its end it is nobody's word any more."""
    monkeypatch.setattr("certifi.where", lambda: str(authority.certificate))
    assert refused(success(), tls=authority.server(days=-1), posts=0).refund


def test_a_certificate_for_somebody_else_is_refused(trusted_tls: ssl.SSLContext) -> None:
    """A known certificate for another name is no better."""
    with Server(success(), tls=trusted_tls) as server:
        outcome = place(provider_at(f"https://localhost:{server.port}"))
    assert isinstance(outcome, Failed)
    assert outcome.refund
    assert server.requests == []


def test_a_server_without_tls_is_not_spoken_to() -> None:
    """An answer in the clear to an https address: nothing was sent."""
    with Server(success(), reads=False) as plain:
        outcome = place(provider_at(f"https://127.0.0.1:{plain.port}"))
    assert isinstance(outcome, Failed)
    assert outcome.refund
    assert plain.connections == 1


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_does_not_choose_whom_to_trust(
    name: str,
    tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bundle named by a variable makes no certificate trusted."""
    monkeypatch.setenv(name, str(certificate[0]))
    assert isinstance(exchange(success(), tls=tls, posts=0).outcome, Failed)


@pytest.mark.parametrize("value", ["", "0", "false"])
@pytest.mark.parametrize(
    "name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PYTHONHTTPSVERIFY"]
)
def test_the_environment_does_not_turn_verification_off(
    name: str, value: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever switches other clients off leaves this one as it is."""
    monkeypatch.setenv(name, value)
    assert refused(success(), tls=tls, posts=0).refund


def test_a_missing_bundle_in_the_environment_does_no_harm(
    trusted_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that names no file is not read either."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/at/all.pem")
    assert isinstance(exchange(success(), tls=trusted_tls).outcome, Placed)


def test_the_authorities_are_read_once(
    trusted_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for every call: that alone would take longer than all the rest of one."""
    with Server(success(), success(), tls=trusted_tls) as server:
        provider = provider_at(server.url)
        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", None)
        assert isinstance(place(provider), Placed)
        assert isinstance(place(provider), Placed)
