"""The image, built, and what compose.yaml starts from it: production, and the simulator."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.deploy.image.podman import Podman, podman_in_a_folder
from tests.deploy.production import PATIENCE, Secrets, Site, answers, log_in, make_secrets
from tests.ports import free_port
from tests.waiting import wait_until
from verify_service.sandbox.control import SandboxControl

PACKAGES = (
    *("python3", "python3-venv", "python3-pip", "ca-certificates"),
    *("valkey-server", "valkey-tools", "docker-compose"),
)
COMPOSE = "./usr/libexec/docker/cli-plugins/docker-compose"
STANDS_FOR = ("docker.io/library/python:3.13-slim", "docker.io/valkey/valkey:9-alpine")
"""What a Debian 13 with these packages replaces: no registry of images is needed."""
IMAGE = "localhost/verify-service"
OURS = 60_000_000
"""Bytes that the image may add to its base. docs/deploy.md says how many it adds."""
PROBE = """
touch /root-file-system 2>/dev/null && echo root is writable
touch /tmp/here && echo tmp is writable
touch /dev/shm/here && echo shm is writable
command -v gcc cc
grep -E '^(Uid|CapBnd|NoNewPrivs|Seccomp):' /proc/1/status
"""


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with podman_in_a_folder() as podman:
        base = podman.make_base("trixie", PACKAGES, "install -d -o valkey -g valkey /data")
        for name in STANDS_FOR:
            podman("import", base, name)
        with tarfile.open(base) as archive:
            archive.extract(COMPOSE, podman.folder, filter="data")
        (podman.folder / COMPOSE).rename(podman.folder / "docker-compose")
        podman.build(IMAGE)
        with podman.serving():
            yield podman


def inspect(podman: Podman, what: str) -> dict[str, Any]:
    [found] = json.loads(podman("inspect", what))
    return dict(found)


def test_the_image_says_how_it_runs(podman: Podman) -> None:
    config = inspect(podman, IMAGE)["Config"]
    assert config["User"] == "10001:10001"
    assert config["Cmd"][0] == "gunicorn"
    assert "/healthz" in " ".join(inspect(podman, IMAGE)["Healthcheck"]["Test"])


def test_the_image_is_small(podman: Podman) -> None:
    base, image = (inspect(podman, name)["Size"] for name in ("python:3.13-slim", IMAGE))
    print(f"the image adds {(image - base) / 1e6:.0f} MB to its base")
    assert image - base < OURS


def test_the_image_has_nothing_else_of_a_checkout(podman: Podman) -> None:
    """No .env, no secrets and no tests: .dockerignore names what is copied."""
    listed = podman("run", "--rm", "--network=none", IMAGE, "sh", "-c", "ls -A /app /app/config")
    words = set(listed.split()) - {"/app:", "/app/config:"}
    assert words - {"__pycache__"} == {
        *(".venv", "config", "requirements.txt", "verify_service", "wsgi.py", "gunicorn.conf.py"),
    }


@pytest.fixture(scope="module")
def ports() -> dict[str, str]:
    return {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}


@pytest.fixture(scope="module")
def secrets(podman: Podman) -> Secrets:
    secrets = make_secrets(podman.folder)
    for file in secrets.folder.iterdir():
        file.chmod(0o644)
    return secrets


@pytest.fixture(scope="module")
def production(podman: Podman, secrets: Secrets, ports: dict[str, str]) -> Iterator[str]:
    """Run `docker compose up web`. No call is placed: the real provider is configured."""
    podman.compose("up", "--no-build", "--detach", "web", ALLOWED_COUNTRIES="RU", **ports)
    url = f"http://127.0.0.1:{ports['PORT']}"
    try:
        wait_until(lambda: answers(f"{url}/readyz"), PATIENCE)
        yield url
    finally:
        podman.compose("down", "--volumes")


def test_production_serves(podman: Podman, production: str, secrets: Secrets) -> None:
    token = {"Authorization": f"Bearer {secrets['METRICS_TOKEN']}"}
    assert answers(f"{production}/metrics", headers=token)
    ready = requests.get(f"{production}/readyz", timeout=5).json()
    assert (ready["calls"], ready["warnings"]) == ("open", [])
    assert podman("healthcheck", "run", "deploy-web-1") == ""


def test_the_release_check_has_passed(podman: Podman, production: str) -> None:
    """Valkey has the settings that docs/reliability.md asks for."""
    sentences = podman("logs", "deploy-release-1").splitlines()
    about_redis = [line for line in sentences if " Redis: " in line]
    assert len(about_redis) >= 4
    assert all(line.startswith("ok ") for line in about_redis), sentences


def test_the_service_is_not_root_and_writes_to_memory_alone(
    podman: Podman, production: str
) -> None:
    lines = podman("exec", "deploy-web-1", "sh", "-c", PROBE).splitlines()
    assert lines == [
        *("tmp is writable", "shm is writable", "Uid:\t10001\t10001\t10001\t10001"),
        *("CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"),
    ]


def test_valkey_is_locked_and_cannot_be_reached_from_outside(
    podman: Podman, production: str
) -> None:
    script = "touch /x 2>&1; id -un; cat /proc/1/status | grep CapBnd"
    said = podman("exec", "deploy-valkey-1", "sh", "-c", script)
    assert "Read-only file system" in said
    assert said.splitlines()[1:] == ["valkey", "CapBnd:\t0000000000000000"]
    assert podman("port", "deploy-valkey-1") == ""


def test_a_check_that_fails_leaves_the_service_running(
    podman: Podman, production: str, ports: dict[str, str]
) -> None:
    """What the manual says to run before an update."""
    said = podman.compose("run", "--rm", "release", check=False, ALLOWED_COUNTRIES="ZZ", **ports)
    assert "ALLOWED_COUNTRIES: " in said
    assert answers(f"{production}/readyz")


def test_the_service_ends_by_itself(podman: Podman, production: str) -> None:
    podman.compose("stop", "web")
    assert inspect(podman, "deploy-web-1")["State"]["ExitCode"] == 0


@pytest.fixture(scope="module")
def sandbox(podman: Podman, secrets: Secrets, ports: dict[str, str]) -> Iterator[Site]:
    """Run `docker compose up sandbox-web`."""
    podman.compose("up", "--no-build", "--detach", "sandbox-web", **ports)
    url, phone = (f"http://127.0.0.1:{ports[name]}" for name in ("PORT", "SANDBOX_PORT"))
    try:
        wait_until(lambda: answers(f"{url}/readyz") and answers(f"{phone}/phone"), PATIENCE)
        key = Secrets(secrets.folder, "development-access-key")
        yield Site(url, key, SandboxControl(phone))
    finally:
        podman.compose("--profile", "sandbox", "down", "--volumes")


def test_a_login_with_the_phone_of_the_sandbox(podman: Podman, sandbox: Site) -> None:
    """And its callback arrives. A Valkey that is killed has lost nothing when it is back."""
    verification = log_in(sandbox)

    def status() -> dict[str, Any]:
        key = {"X-Authorization": f"AccessKey {sandbox.secrets.key}"}
        found = sandbox.ask("GET", f"/verify/{verification}", headers=key).json()
        return dict(found)

    wait_until(lambda: status()["call"]["state"] == "delivered", PATIENCE)
    podman("kill", "deploy-valkey-1")
    assert status()["status"] == "rpcError"
    podman("start", "deploy-valkey-1")
    wait_until(lambda: status()["status"] == "ok", PATIENCE)
    assert (status()["state"], status()["call"]["state"]) == ("approved", "delivered")
