"""The unit in a Debian 12 that systemd has booted: all of its restrictions are in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.image.podman import Podman, podman_in_a_folder
from tests.deploy.manual import ROOT
from tests.deploy.production import FROM_THE_PROVIDER, PATIENCE, Secrets, make_secrets
from tests.waiting import wait_until

PACKAGES = (
    *("systemd-sysv", "dbus", "redis-server"),
    *("python3", "python3-venv", "ca-certificates"),
)
NAME = "machine"
SANDBOX = "http://127.0.0.1:9090"
ENVIRONMENT = f"ALLOWED_COUNTRIES=RU\nPROVIDER_URL={SANDBOX}/api\n"
REDIS = "maxmemory-policy noeviction\nappendonly yes\nappendfsync always\n"
START = f"""
cat /etc/verify-service/redis.conf >> /etc/redis/redis.conf
chown -R root:root /etc/verify-service
chmod -R go= /etc/verify-service
systemctl restart redis-server
systemd-run --quiet --working-directory=/opt/verify-service \\
  --setenv=SANDBOX_ACCESS_KEY={FROM_THE_PROVIDER["PROVIDER_ACCESS_KEY"]} \\
  --setenv=SANDBOX_APP_KEY={FROM_THE_PROVIDER["CALLBACK_APP_KEYS"]} \\
  /opt/verify-service/.venv/bin/python -m verify_service.sandbox
systemctl enable --quiet --now verify-service
"""
LOGIN = f"""
from verify_service.client import VerifyClient
from verify_service.sandbox.control import SandboxControl
client = VerifyClient("http://127.0.0.1:8000", "%s")
number = "+79161234567"
started = client.start(number)
code = SandboxControl("{SANDBOX}").last_call(number).code
print(client.check(started.verification_id, code).verified)
"""
PROBE = """
pid=$(systemctl show --property MainPID --value verify-service)
grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status
for path in /opt/verify-service /etc /usr /var /home; do
  nsenter --target $pid --mount touch $path/here 2>/dev/null && echo $path is writable
done
user=$(stat --format %u /proc/$pid)
[ $user -gt 60000 ] && echo a dynamic user
nsenter --target $pid --mount setpriv --reuid $user touch /tmp/here && echo tmp is writable
"""


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    secrets = make_secrets(tmp_path_factory.mktemp("etc"))
    secrets["REDIS_URL"] = "redis://127.0.0.1:6379/0"
    return secrets


@pytest.fixture(scope="module")
def podman(secrets: Secrets) -> Iterator[Podman]:
    """Boot the machine, which has no network, and start the service on it."""
    etc = secrets.folder.parent
    (etc / "environment").write_text(ENVIRONMENT)
    (etc / "redis.conf").write_text(REDIS)
    with podman_in_a_folder() as podman:
        podman("import", podman.make_base("bookworm", PACKAGES), f"localhost/{NAME}")
        podman.build(f"localhost/{NAME}", "--file", Path(__file__).parent / "Dockerfile.systemd")
        booted = ("--privileged", "--systemd=always", "--network=none", f"--name={NAME}")
        podman("run", "--detach", *booted, f"localhost/{NAME}")
        try:
            wait_until(lambda: "running" in shell(podman, "systemctl is-system-running"), PATIENCE)
            podman("cp", etc, f"{NAME}:/etc/verify-service")
            unit = ROOT / "config/verify-service.service"
            podman("cp", unit, f"{NAME}:/etc/systemd/system/verify-service.service")
            shell(podman, f"systemctl daemon-reload\n{START}", "-e")
            yield podman
        finally:
            podman("rm", "--force", "--time=1", NAME)


def shell(podman: Podman, script: str, *options: str) -> str:
    return podman("exec", NAME, "sh", *options, "-c", script, check=bool(options))


def test_the_release_check_of_the_unit_has_passed(podman: Podman) -> None:
    """It has read the secrets, which only root can read."""
    said = shell(podman, "journalctl --unit verify-service --output cat").splitlines()
    results = [line for line in said if line.startswith(("ok ", "warning ", "error "))]
    assert len(results) >= 6
    assert all(line.startswith("ok ") for line in results), said


def test_a_login_succeeds(podman: Podman, secrets: Secrets) -> None:
    python = "/opt/verify-service/.venv/bin/python"
    assert podman("exec", NAME, python, "-c", LOGIN % secrets.key) == "True\n"


def test_the_service_may_do_nothing_else(podman: Podman) -> None:
    assert shell(podman, PROBE).splitlines() == [
        *("CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"),
        *("a dynamic user", "tmp is writable"),
    ]


def test_it_ends_by_itself(podman: Podman) -> None:
    shell(podman, "systemctl stop verify-service", "-e")
    ended = shell(podman, "systemctl show --property Result,ExecMainStatus verify-service")
    assert sorted(ended.split()) == ["ExecMainStatus=0", "Result=success"]
