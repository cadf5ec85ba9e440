"""The linters of each file have nothing to say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.deploy.manual import ROOT
from tests.deploy.programs import program

UNIT = ROOT / "config/verify-service.service"


def run(*command: str | Path, **variables: str) -> str:
    """Return what the command prints; it has to be successful."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def tool(name: str) -> Path:
    """Return a tool of the environment that runs these tests."""
    return Path(sys.executable).with_name(name)


def test_the_dockerfile() -> None:
    assert run(tool("hadolint"), "Dockerfile") == ""


def test_the_compose_file() -> None:
    """With and without the profile. Version 1 of the command reads the same file."""
    compose = program("docker-compose")
    for profile in ("", "sandbox"):
        assert run(compose, "config", "--quiet", COMPOSE_PROFILES=profile) == ""


def test_the_kubernetes_manifest() -> None:
    """Strict: a field that is unknown, or in the wrong place, is an error too."""
    output = run(tool("kubernetes-validate"), "--strict", "config/kubernetes.yaml")
    assert output.count(" passed for resource ") == 3


def test_the_systemd_unit(tmp_path: Path) -> None:
    """With this environment's programs: they are looked for."""
    text = UNIT.read_text("utf-8")
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/verify-service/.venv/bin", str(Path(sys.executable).parent)))
    assert run(program("systemd-analyze"), "verify", "--man=no", unit) == ""


def test_the_rating_of_the_unit() -> None:
    """From 0, the best, to 10. The second digit depends on what this systemd checks."""
    command = [program("systemd-analyze"), "security", "--offline=true", "--no-pager", str(UNIT)]
    [rating] = re.findall(r"exposure level for .*: ([0-9.]+) OK", run(*command))
    assert float(rating) < 2
