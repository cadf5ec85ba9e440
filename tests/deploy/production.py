"""What a production needs beside the service: secrets, and a provider and a person to test it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.deploy.manual import ROOT, commands
from tests.ports import free_port
from tests.waiting import wait_until
from verify_service.sandbox.control import SandboxControl

PATIENCE = 60
NUMBER = "+79161234567"
FROM_THE_PROVIDER = {
    "PROVIDER_ACCESS_KEY": "a-token-of-the-provider",
    "CALLBACK_APP_KEYS": "an-app",
}


@dataclass(frozen=True)
class Secrets:
    """The folder that the manual's commands create.

    Attributes:
        folder: One file for each variable.
        key: The login flow's key, which no file has.
    """

    folder: Path
    key: str

    def __getitem__(self, name: str) -> str:
        return (self.folder / name).read_text().strip()

    def __setitem__(self, name: str, value: str) -> None:
        (self.folder / name).write_text(f"{value}\n")


def make_secrets(parent: Path) -> Secrets:
    """Run the manual's commands, and write the pair of the login flow and what the provider gives.

    Returns:
        The folder, and the key that the login flow sends.
    """
    subprocess.run(["sh", "-euc", commands("secrets")], cwd=parent, check=True)
    made = subprocess.run(
        [sys.executable, "-m", "verify_service.cli", "access-key", "new", "shop"],
        capture_output=True,
        text=True,
        check=True,
    )
    [key, pair] = re.findall(r"^  (\S+)$", made.stdout, re.MULTILINE)
    secrets = Secrets(parent / "secrets", key)
    secrets["ACCESS_KEYS"] = pair
    for name, value in FROM_THE_PROVIDER.items():
        secrets[name] = value
    return secrets


@contextmanager
def provider() -> Iterator[str]:
    """Run a simulator with the provider's secrets, which production accepts; yield its address."""
    port = free_port()
    given = {
        "SANDBOX_ACCESS_KEY": FROM_THE_PROVIDER["PROVIDER_ACCESS_KEY"],
        "SANDBOX_APP_KEY": FROM_THE_PROVIDER["CALLBACK_APP_KEYS"],
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "verify_service.sandbox", f"--port={port}"],
        cwd=ROOT,
        env=os.environ | given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), PATIENCE)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


@dataclass(frozen=True)
class Site:
    """The service as the internet sees it.

    Attributes:
        certificate: What its TLS certificate is checked with, if it has one.
    """

    url: str
    secrets: Secrets
    provider: SandboxControl
    certificate: Path | None = None

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        verify = str(self.certificate) if self.certificate else True
        return requests.request(method, self.url + path, timeout=30, verify=verify, **more)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> requests.Response:
        own = {"X-Authorization": f"AccessKey {self.secrets.key}", **headers}
        return self.ask("POST", path, json=body, headers=own)

    def call_back(self, path: str) -> requests.Response:
        """Send the callback of the newest call, as the provider does."""
        call = self.provider.last_call(NUMBER)
        body = {"requestId": call.request_id, "number": NUMBER[1:], "status": "TERMINATED"}
        more = {"timestamp": int(time.time()), "appKey": self.secrets["CALLBACK_APP_KEYS"]}
        return self.ask("POST", path, json=body | more)


def log_in(site: Site) -> str:
    """Have the person log in; return the verification's id."""
    started = site.post("/verify/start", {"number": NUMBER})
    assert started.status_code == 201, started.text
    verification: str = started.json()["verificationId"]
    code = site.provider.last_call(NUMBER).code
    checked = site.post("/verify/check", {"verificationId": verification, "code": code})
    assert (checked.json()["verified"], checked.json()["number"]) == (True, NUMBER), checked.text
    return verification


def answers(url: str, **more: Any) -> bool:
    try:
        return requests.get(url, timeout=2, **more).ok
    except requests.RequestException:
        return False
