"""Fixtures of the provider client's tests."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.speed import slow

from .certificates import Authority, self_signed


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 (and no name), and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
@slow
def authority(tmp_path: Path) -> Authority:
    """An authority that no client trusts by default."""
    return Authority(tmp_path).found()


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """The server's side of TLS, with a certificate that no client trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trusted_tls(
    tls: ssl.SSLContext, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """The same, and the client's bundle of authorities contains the certificate."""
    monkeypatch.setattr("certifi.where", lambda: str(certificate[0]))
    return tls
