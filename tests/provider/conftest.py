"""Fixtures of the provider client's tests."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 (and no name), and its key."""
    openssl = shutil.which("openssl")
    assert openssl is not None, "the TLS tests make a certificate with openssl"
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-days", "2", "-subj", "/CN=nobody", "-addext", "subjectAltName=IP:127.0.0.1"]
    words += ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run([openssl, *words], check=True, capture_output=True)
    return paths


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """The server's side of TLS, with a certificate that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trusted_tls(
    tls: ssl.SSLContext, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """The same, where the client's bundle of authorities knows the certificate."""
    monkeypatch.setattr("certifi.where", lambda: str(certificate[0]))
    return tls
