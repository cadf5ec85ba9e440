"""compose.yaml, the systemd unit and the Kubernetes manifest give the service what it needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from verify_service.settings.server_variables import SERVER_VARIABLES
from verify_service.settings.settings import Settings
from verify_service.settings.variable import variables

ROOT = Path(__file__).parents[2]
VARIABLES = variables(Settings)
SECRET = {name for name, variable in VARIABLES.items() if variable.secret}
PROVIDED = {name for name in SECRET if VARIABLES[name].required}
PROVIDED |= {"CALLBACK_PATH_SECRET", "METRICS_TOKEN"}
"""The secrets that every production has. The others are for some: docs/deploy.md."""
LONGEST_END = 25
"""Seconds from SIGTERM to the end of the service: graceful_timeout in config/gunicorn.conf.py."""


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


COMPOSE = yaml.safe_load(read("compose.yaml"))
KUBERNETES = list(yaml.safe_load_all(read("config/kubernetes.yaml")))
POD: dict[str, Any] = KUBERNETES[0]["spec"]["template"]["spec"]
UNIT = [
    (name, value)
    for name, equals, value in (
        line.partition("=") for line in read("config/verify-service.service").splitlines()
    )
    if equals
]


def of_compose(service: str) -> dict[str, str]:
    found: dict[str, str] = COMPOSE["services"][service]["environment"]
    return found


def of_kubernetes() -> dict[str, str]:
    return {each["name"]: each["value"] for each in POD["containers"][0]["env"]}


def of_the_unit() -> dict[str, str]:
    values = (value for name, value in UNIT if name == "Environment")
    pairs = (pair.partition("=") for value in values for pair in value.split())
    return {name: value for name, _, value in pairs}


PRODUCTION = {
    "compose": of_compose("web"),
    "kubernetes": of_kubernetes(),
    "systemd": of_the_unit(),
}
FOLDERS = {
    "compose": "/run/secrets",
    "kubernetes": "/run/secrets/verify-service",
    "systemd": "%d",
}


@pytest.mark.parametrize("home", PRODUCTION)
def test_every_variable_is_one_of_ours(home: str) -> None:
    names = {name.removesuffix("_FILE") for name in PRODUCTION[home]}
    assert names <= set(VARIABLES) | set(SERVER_VARIABLES)


@pytest.mark.parametrize("home", PRODUCTION)
def test_every_secret_is_a_file_with_its_name(home: str) -> None:
    """The Redis of Compose has no password, so its address is no secret."""
    given, plain = PRODUCTION[home], {"REDIS_URL"} if home == "compose" else set()
    for name in PROVIDED - plain:
        assert given[f"{name}_FILE"] == f"{FOLDERS[home]}/{name}"
    assert SECRET & set(given) == plain


def test_every_file_is_provided() -> None:
    """Compose and systemd name each file again where it comes from."""
    assert set(COMPOSE["secrets"]) == set(COMPOSE["services"]["web"]["secrets"])
    assert set(COMPOSE["secrets"]) == PROVIDED - {"REDIS_URL"}
    for name, source in COMPOSE["secrets"].items():
        assert source == {"file": f"./secrets/{name}"}
    loaded = {value for name, value in UNIT if name == "LoadCredential"}
    assert loaded == {f"{name}:/etc/verify-service/secrets/{name}" for name in PROVIDED}


def test_what_production_requires_is_set_or_asked_for() -> None:
    """The countries have prices, so the operator chooses them; the unit reads them from a file."""
    required = {name for name, variable in VARIABLES.items() if variable.required}
    for home, given in PRODUCTION.items():
        missing = required - {name.removesuffix("_FILE") for name in given}
        assert missing == ({"ALLOWED_COUNTRIES"} if home == "systemd" else set())


def test_each_leaves_time_for_the_longest_start() -> None:
    [unit] = [int(value) for name, value in UNIT if name == "TimeoutStopSec"]
    compose = [
        int(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s"))
        for name in ("web", "sandbox-web")
    ]
    waits = int(POD["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert min(unit, *compose, POD["terminationGracePeriodSeconds"] - waits) > LONGEST_END


def test_each_runs_the_commands_of_the_procfile() -> None:
    """The server, and before it the release check."""
    web, release = re.findall(r"^\w+: (.*)$", read("Procfile"), re.MULTILINE)
    unit = dict(UNIT)
    assert unit["ExecStart"] == f"/opt/verify-service/.venv/bin/{web}"
    assert unit["ExecStartPre"] == f"/opt/verify-service/.venv/bin/{release}"
    assert f"CMD {list(web.split())}".replace("'", '"') in read("Dockerfile")
    assert " ".join(COMPOSE["services"]["release"]["command"]) == release
    assert " ".join(POD["initContainers"][0]["command"]) == release


def test_containers_are_locked() -> None:
    """The root file system is read-only, and there is no capability to use or to gain."""
    services = COMPOSE["services"].values()
    assert all(each["read_only"] for each in services)
    assert all(each["cap_drop"] == ["ALL"] for each in services)
    assert all(each["security_opt"] == ["no-new-privileges:true"] for each in services)
    [user] = re.findall(r"^USER (\d+):\d+$", read("Dockerfile"), re.MULTILINE)
    assert POD["securityContext"]["runAsUser"] == int(user) > 0
    assert POD["securityContext"]["runAsNonRoot"]
    for container in (*POD["initContainers"], *POD["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_nothing_is_published_to_the_network() -> None:
    """Compose publishes past a firewall: TLS comes first."""
    ports = [port for each in COMPOSE["services"].values() for port in each.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_a_development_has_no_secret_and_no_real_provider() -> None:
    given = of_compose("sandbox-web")
    assert given["APP_ENV"] == "development"
    assert given["PROVIDER_URL"] == "http://sandbox:9090/api"
    assert "secrets" not in COMPOSE["services"]["sandbox-web"]
    assert all(
        "sandbox" in COMPOSE["services"][name]["profiles"] for name in ("sandbox", "sandbox-web")
    )


def test_readiness_asks_the_process_alone() -> None:
    """An outage of Redis would remove all pods at once: docs/deploy.md."""
    [container] = POD["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] == "/healthz"
