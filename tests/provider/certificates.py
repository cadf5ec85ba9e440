"""Certificates made for these tests, by openssl."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
NAME = "subjectAltName=IP:127.0.0.1"
EXTENSIONS = f"{NAME}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"


def openssl(*words: str | Path) -> None:
    program = shutil.which("openssl")
    assert program is not None, "the TLS tests make certificates with openssl"
    subprocess.run([program, *words], check=True, capture_output=True)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Return a self-signed certificate for 127.0.0.1 (and no name), and its key."""
    paths = folder / "cert.pem", folder / "key.pem"
    words = ["req", "-x509", *KEY, "-days", "2", "-subj", "/CN=nobody", "-addext", NAME]
    openssl(*words, "-out", paths[0], "-keyout", paths[1])
    return paths


@dataclass(frozen=True)
class Authority:
    """Signs certificates. A client that trusts ``certificate`` trusts what it signed."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def _key(self) -> Path:
        return self.folder / "authority.key"

    def found(self) -> Authority:
        usage = "keyUsage=critical,keyCertSign"
        words = ["req", "-x509", *KEY, "-days", "2", "-subj", "/CN=authority", "-addext", usage]
        openssl(*words, "-out", self.certificate, "-keyout", self._key)
        return self

    def server(self, *, days: int) -> ssl.SSLContext:
        """Return the server's side of TLS, for 127.0.0.1, valid for this many days."""
        request, key, leaf = (self.folder / f"leaf.{end}" for end in ("csr", "key", "pem"))
        extensions = self.folder / "extensions"
        extensions.write_text(EXTENSIONS)
        openssl("req", *KEY, "-subj", "/CN=leaf", "-out", request, "-keyout", key)
        words: list[str | Path] = ["x509", "-req", "-in", request, "-days", str(days)]
        words += ["-CA", self.certificate, "-CAkey", self._key, "-extfile", extensions]
        openssl(*words, "-out", leaf)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf, key)
        return context
