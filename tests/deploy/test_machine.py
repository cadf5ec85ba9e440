"""One machine: what the systemd unit starts, behind the nginx of config/nginx.conf."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.deploy.manual import ROOT, commands
from tests.deploy.production import NUMBER, PATIENCE, Site, answers, log_in, make_secrets, provider
from tests.deploy.programs import program
from tests.ports import free_port
from tests.provider.certificates import self_signed
from tests.servers import Server
from tests.waiting import wait_until
from verify_service.sandbox.control import SandboxControl

UNIT = (ROOT / "config/verify-service.service").read_text("utf-8")
NGINX = (ROOT / "config/nginx.conf").read_text("utf-8")
REDIS = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
"""As the manual says."""
AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""
"""What a distribution's nginx.conf has around our file, in a folder of the test."""


def unit(name: str) -> list[str]:
    """Return the values of a directive of the unit."""
    lines = (line.partition("=") for line in UNIT.splitlines())
    return [value for directive, _, value in lines if directive == name]


@dataclass
class Machine:
    """A machine with everything on it.

    Attributes:
        environment: Of the service.
    """

    folder: Path
    site: Site
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self, directive: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._line(directive),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self, *line: str) -> subprocess.Popen[bytes]:
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(
                line, cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )
        self.processes.append(process)
        return process

    def start_service(self) -> subprocess.Popen[bytes]:
        return self.start(*self._line("ExecStart"))

    def ready(self) -> bool:
        """Return whether the service answers through nginx; fail if one of them has ended."""
        ended = [process.args for process in self.processes if process.poll() is not None]
        assert not ended, (self.folder / "output").read_text() + self.logs()
        return answers(f"{self.site.url}/readyz", verify=str(self.site.certificate))

    def end(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)

    def logs(self) -> str:
        """Return everything that nginx wrote."""
        return "".join(path.read_text() for path in sorted(self.folder.rglob("*.log")))

    def _line(self, directive: str) -> list[str]:
        [value] = unit(directive)
        name, *arguments = shlex.split(value)
        ours = Path(sys.executable).parent / Path(name).name
        assert name == f"/opt/verify-service/.venv/bin/{ours.name}"
        return [str(ours), *arguments]


def changed(text: str, changes: dict[str, str]) -> str:
    """Return nginx's configuration with this machine's ports and paths. Each occurs in it."""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    nginx, folder = program("nginx"), tmp_path_factory.mktemp("machine")
    folder.chmod(0o755)
    secrets, port, public = make_secrets(folder), free_port(), free_port()
    certificate, key = self_signed(folder)
    valkey = Server(folder / "valkey", REDIS).start()
    secrets["REDIS_URL"] = f"redis://127.0.0.1:{valkey.port}/0"
    with provider() as simulator:
        given = {"ALLOWED_COUNTRIES": "RU", "PROVIDER_URL": f"{simulator}/api"}
        lines = [word for value in unit("Environment") for word in value.split()]
        own = dict(line.replace("%d", str(secrets.folder)).split("=") for line in lines)
        environment = {"PATH": os.environ["PATH"], **given, **own, "PORT": str(port)}
        site = Site(f"https://127.0.0.1:{public}", secrets, SandboxControl(simulator), certificate)
        machine = Machine(folder, site, environment)
        (folder / "conf.d").mkdir()
        (folder / "conf.d/verify-service.conf").write_text(
            changed(
                NGINX,
                {
                    "listen 443": f"listen 127.0.0.1:{public}",
                    "    listen [::]:443 ssl;\n": "",
                    "127.0.0.1:8000": f"127.0.0.1:{port}",
                    "/etc/letsencrypt/live/verify.example.com/fullchain.pem": str(certificate),
                    "/etc/letsencrypt/live/verify.example.com/privkey.pem": str(key),
                    "/var/log/nginx": str(folder),
                },
            )
        )
        user = "user root;" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(AROUND.format(folder=folder, user=user))
        try:
            machine.start_service()
            machine.start(nginx, "-c", str(config), "-e", str(folder / "error.log"))
            wait_until(machine.ready, PATIENCE)
            yield machine
        finally:
            machine.end()
            valkey.stop()


def test_the_release_check_of_the_unit_passes(machine: Machine) -> None:
    """With the secrets of the manual, and the Redis that it asks for, no warning is left."""
    done = machine.run("ExecStartPre")
    assert (done.returncode, done.stderr) == (0, "")
    assert {line.split()[0] for line in done.stdout.splitlines()} == {"ok"}, done.stdout


def test_the_check_before_an_update_reads_the_same_files(machine: Machine) -> None:
    """The commands of the manual, with this machine's folders."""
    (machine.folder / "environment").write_text(
        "".join(
            f"{name}={machine.environment[name]}\n"
            for name in ("ALLOWED_COUNTRIES", "PROVIDER_URL")
        )
    )
    script = changed(
        commands("check"),
        {
            "/etc/verify-service/environment": str(machine.folder / "environment"),
            "/etc/verify-service/secrets": str(machine.site.secrets.folder),
            ".venv/bin/python": sys.executable,
        },
    )
    done = subprocess.run(
        ["sh", "-euc", script],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Complete, for production" in done.stdout


def test_a_login_and_its_callback_pass_through_nginx(machine: Machine) -> None:
    site = machine.site
    verification = log_in(site)
    secret = site.secrets["CALLBACK_PATH_SECRET"]
    assert site.call_back("/callbacks/flashcall").status_code == 404
    assert site.call_back(f"/callbacks/flashcall/{secret}").json()["applied"] is True
    key = {"X-Authorization": f"AccessKey {site.secrets.key}"}
    status = site.ask("GET", f"/verify/{verification}", headers=key).json()
    assert (status["state"], status["call"]["state"]) == ("approved", "delivered")


def test_errors_of_the_service_arrive_unchanged(machine: Machine) -> None:
    """A cooldown, a body of more than 16 KiB, and the caller's request id."""
    site = machine.site
    refused = site.post("/verify/start", {"number": "1" * 100_000}, **{"X-Request-ID": "large-1"})
    assert (refused.status_code, refused.json()["status"]) == (413, "payloadTooLargeError")
    assert refused.headers["X-Request-ID"] == "large-1"
    wait_until(lambda: "POST /verify/start 413" in machine.logs())
    [line] = [line for line in machine.logs().splitlines() if "large-1" in line]
    assert line.endswith(" 413 large-1")


def test_no_log_of_nginx_has_a_secret(machine: Machine) -> None:
    """Neither in normal operation nor while the service is down."""
    site, secret = machine.site, machine.site.secrets["CALLBACK_PATH_SECRET"]
    log_lines = machine.logs().count("\n")
    paths = [
        f"/callbacks/flashcall/{secret}",
        f"//callbacks//flashcall/{secret}",
        f"/c%61llbacks/flashcall/{secret}",
        f"/Callbacks/flashcall/{secret}?x={secret}",
        f"/verify/start?X-Authorization=AccessKey%20{site.secrets.key}",
    ]
    for path in paths:
        site.ask("POST", path, json={"number": NUMBER})
    service = machine.processes[0]
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0
    for path in paths:
        assert site.ask("POST", path, json={"number": NUMBER}).status_code == 502
    wait_until(lambda: machine.logs().count("\n") >= log_lines + 2 * len(paths))
    for hidden in (secret, site.secrets.key, NUMBER[1:]):
        assert hidden not in machine.logs()
    assert machine.logs().count(" /callbacks/... ") >= 8
