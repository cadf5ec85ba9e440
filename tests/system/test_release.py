"""The Procfile's command `release`: what it checks, and the sentences that it prints."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from honcho.environ import parse_procfile

from tests.ports import free_port
from tests.provider.proxy import BASIC, CREDENTIALS, Proxy, with_user
from tests.servers import Server
from tests.system.house import ROOT
from tests.system.leaky_provider import LeakyProvider
from tests.system.test_server import environment
from tests.topologies import Shards
from tests.unit.conftest import PRODUCTION
from verify_service.domain.test_numbers import today
from verify_service.store import keys

GOOD = {"appendonly": "yes", "appendfsync": "always"}


@dataclass(frozen=True)
class Output:
    """The output of the command and its exit status."""

    code: int
    text: str

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith(("warning", "error"))]


def release(url: str, provider: str, **variables: str) -> Output:
    command = parse_procfile((ROOT / "Procfile").read_text("utf-8")).processes["release"]
    _, *arguments = shlex.split(command)
    given = {**PRODUCTION, "APP_ENV": "production", "REDIS_URL": url, "PROVIDER_URL": provider}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(**{**given, **variables}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in done.stderr
    secrets = (PRODUCTION["NUMBER_SECRET"], PRODUCTION["PROVIDER_ACCESS_KEY"], ":hidden@", BASIC)
    for secret in (*secrets, CREDENTIALS.partition(":")[2]):
        assert secret not in done.stdout + done.stderr
    return Output(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def provider() -> Iterator[LeakyProvider]:
    provider = LeakyProvider()
    yield provider
    provider.close()
    assert provider.heard == []


@pytest.fixture
def look(tmp_path: Path, provider: LeakyProvider) -> Iterator[Callable[..., Output]]:
    """Start a Redis with these options, and run the command against it."""
    servers: list[Server] = []

    def run(variables: dict[str, str] | None = None, **options: str) -> Output:
        given = {name.replace("_", "-"): value for name, value in options.items()}
        server = Server(tmp_path / f"redis-{len(servers)}", {"requirepass": "hidden", **given})
        servers.append(server.start())
        url = f"redis://:hidden@127.0.0.1:{server.port}/0"
        return release(url, provider.url, **(variables or {}))

    yield run
    for server in servers:
        server.kill()


def test_a_suitable_environment_passes(look: Callable[..., Output]) -> None:
    output = look(**GOOD)
    assert (output.code, output.warnings) == (0, [])
    for sentence in ("Complete", "Valkey 9", "noeviction", "appendonly yes", "No call was placed"):
        assert sentence in output.text
    assert "16 connections" in output.text


def test_incomplete_settings_fail() -> None:
    output = release("redis://127.0.0.1:1", "http://127.0.0.1:1/api", CODE_SECRET="")
    assert output.code == 1
    assert "CODE_SECRET: " in output.text


def test_an_unreachable_redis_fails(provider: LeakyProvider) -> None:
    output = release(f"redis://:hidden@127.0.0.1:{free_port()}", provider.url)
    assert output.code == 1
    assert output.warnings == ["error    Redis: Redis cannot be reached."]


def test_a_database_out_of_range_fails(provider: LeakyProvider, tmp_path: Path) -> None:
    """A green check is not followed by a service without Redis."""
    server = Server(tmp_path / "redis", GOOD).start()
    try:
        output = release(f"redis://127.0.0.1:{server.port}/16", provider.url)
    finally:
        server.kill()
    assert output.code == 1
    assert output.warnings == [
        "error    Redis: Redis has no database with the number that REDIS_URL names."
    ]


def test_an_unverified_redis_is_reported(provider: LeakyProvider) -> None:
    """The advice names settings that exist."""
    url = f"rediss://:hidden@127.0.0.1:{free_port()}"
    output = release(url, provider.url, REDIS_VERIFY="off")
    assert (
        "REDIS_VERIFY=off: any server that answers at this address is taken" in output.warnings[0]
    )
    assert output.warnings[0].endswith("set REDIS_CA_FILE, and set REDIS_VERIFY to on.")


def test_a_call_that_may_not_ring_is_reported(provider: LeakyProvider) -> None:
    """Someone set seconds where milliseconds are asked for."""
    output = release(
        f"redis://127.0.0.1:{free_port()}", provider.url, PROVIDER_CALL_TIMEOUT_MS="30"
    )
    assert "PROVIDER_CALL_TIMEOUT_MS=30" in output.warnings[0]
    assert output.warnings[0].endswith("30 seconds are 30000.")


def test_an_unreadable_authority_fails(provider: LeakyProvider, tmp_path: Path) -> None:
    """It is reported before the release goes out."""
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    for path in (wrong, tmp_path / "missing.pem"):
        url = f"rediss://:hidden@127.0.0.1:{free_port()}"
        output = release(url, provider.url, REDIS_CA_FILE=str(path))
        assert output.code == 1
        assert "REDIS_CA_FILE: Must be the path of a PEM file with certificates." in output.text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "Redis evicts keys"),
        ({"appendonly": "no"}, "Nothing is written to disk"),
        ({"appendonly": "no", "save": "3600 1"}, "minutes old, used codes included"),
        ({"appendfsync": "everysec"}, "loses up to two seconds, so a used code may be right again"),
        ({"appendfsync": "no"}, "loses half a minute. Set appendfsync always"),
        ({"maxclients": "12"}, "16 connections while two releases overlap; maxclients is 12"),
        ({"rename_command": 'CONFIG ""', "appendonly": "no"}, ", or none"),
    ],
)
def test_a_weaker_promise_is_a_warning(
    look: Callable[..., Output], options: dict[str, str], sentence: str
) -> None:
    """Each causes one warning, and the release goes out."""
    output = look(**{**GOOD, **options})
    assert output.code == 0
    assert [sentence in line for line in output.warnings] == [True]


def test_a_redis_with_restricted_commands_passes(look: Callable[..., Output]) -> None:
    """The service works for a Redis user without dangerous commands."""
    output = look(**GOOD, user="default on >hidden ~* &* +@all -@dangerous")
    assert output.code == 0
    assert ["may not run INFO" in line for line in output.warnings] == [True]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"user": "default on >hidden ~* &* +@all -hset -function|load"},
            "Our user lacks permissions that the service needs: permit +function|load +hset.",
        ),
        (
            {"user": "default on >hidden ~verify:* &* +@all"},
            "Our user lacks permissions that the service needs: permit ~{verify}:*.",
        ),
        (
            {"rename_command": 'FCALL ""'},
            "Redis has no functions: Redis 7.0 or newer, or Valkey, is needed.",
        ),
    ],
)
def test_an_unsuitable_redis_fails(
    look: Callable[..., Output], options: dict[str, str], sentence: str
) -> None:
    """It stops the release and says what to do."""
    output = look(**{**GOOD, **options})
    assert output.code == 1
    assert output.warnings == [f"error    Redis: {sentence}"]


def test_old_libraries_are_a_warning(look: Callable[..., Output]) -> None:
    """Old libraries only cost memory, so it is a warning."""
    output = look(**GOOD, user="default on >hidden ~* &* +@all -function|list")
    assert output.code == 0
    assert ["Permit +function|list" in line for line in output.warnings] == [True]


def test_the_metrics_folder_is_made_or_reported(
    look: Callable[..., Output], tmp_path: Path
) -> None:
    """A green check is not followed by a server that cannot start."""
    missing = tmp_path / "missing"
    assert look({"PROMETHEUS_MULTIPROC_DIR": str(missing)}, **GOOD).code == 0
    assert missing.is_dir()
    (tmp_path / "file").touch()
    output = look({"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "file")}, **GOOD)
    assert output.code == 1
    assert "Settings: PROMETHEUS_MULTIPROC_DIR: Must be a folder that our user" in output.text


def test_a_provider_behind_a_proxy_is_checked(look: Callable[..., Output]) -> None:
    """A connection to it opens; it is not asked for anything."""
    with Proxy() as proxy:
        output = look({"PROVIDER_PROXY": proxy.address}, **GOOD)
    assert (output.code, output.warnings) == (0, [])
    assert "127.0.0.1 can be reached through the proxy. No call was placed." in output.text


def test_a_proxy_that_is_gone_is_a_warning(look: Callable[..., Output]) -> None:
    """It is named, its password is not."""
    gone = with_user(f"http://127.0.0.1:{free_port()}")
    output = look({"PROVIDER_PROXY": gone}, **GOOD)
    assert output.code == 0
    sentence = "The proxy 127.0.0.1 cannot be reached: Connection refused."
    assert output.warnings == [f"warning  Provider: {sentence} Until it can, starts answer 502."]


def test_an_unreadable_authority_of_the_provider_fails(
    look: Callable[..., Output], tmp_path: Path
) -> None:
    """The service would not start."""
    output = look({"PROVIDER_CA_FILE": str(tmp_path / "missing.pem")}, **GOOD)
    assert output.code == 1
    assert output.warnings == [
        "error    Settings: PROVIDER_CA_FILE: Must be the path of a PEM file with certificates."
    ]


def test_an_invalid_host_fails(provider: LeakyProvider) -> None:
    redis_url = f"redis://127.0.0.1:{free_port()}"
    output = release(redis_url, provider.url, HOST="0.0.0.0:8000")
    assert output.code == 1
    assert "HOST: Must be an IP address or a name, without a port" in output.text


@pytest.mark.parametrize("processes", ["two", "", "0", "-1", "1.5", "٢"])
def test_an_invalid_number_of_processes_fails(provider: LeakyProvider, processes: str) -> None:
    """It is reported before the server would fail on it. The other checks still run."""
    output = release(f"redis://127.0.0.1:{free_port()}", provider.url, WEB_CONCURRENCY=processes)
    assert output.code == 1
    assert "WEB_CONCURRENCY: Must be a whole number, at least 1; leave it out for 2." in output.text
    assert "No call was placed" in output.text


def test_a_redis_without_free_memory_fails(look: Callable[..., Output]) -> None:
    output = look(**GOOD, min_replicas_to_write="1")
    assert output.code == 1
    assert "too few replicas" in output.text


def test_test_numbers_are_listed(look: Callable[..., Output]) -> None:
    """Masked, with the last day and without the code."""
    past, soon = today() - timedelta(days=1), today() + timedelta(days=7)
    output = look({"TEST_NUMBERS": f"+79179136787=4859@{soon},+79179136788=4859@{past}"}, **GOOD)
    assert output.code == 0
    assert [str(soon) in output.warnings[0], str(past) in output.warnings[1]] == [True, True]
    assert "is in force until" in output.warnings[0]
    assert "it is called now" in output.warnings[1]
    assert "4859" not in output.text
    assert "9136787" not in output.text


def test_an_unreachable_provider_is_a_warning(look: Callable[..., Output]) -> None:
    """It is a warning: the release goes out."""
    output = look({"PROVIDER_URL": f"http://127.0.0.1:{free_port()}/api"}, **GOOD)
    assert output.code == 0
    assert ["cannot be reached" in line for line in output.warnings] == [True]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    shards = Shards(tmp_path_factory.mktemp("cluster"))
    yield shards
    shards.end()


def test_only_the_cluster_master_with_our_data_is_checked(
    shards: Shards, provider: LeakyProvider
) -> None:
    """All our data is on the master that has our slot. The others are not checked."""
    with shards.masters[0].client() as client:
        ours = client.execute_command("CLUSTER KEYSLOT", keys.TAG) // 5461
    for number, master in enumerate(shards.masters):
        with master.client() as client:
            policy = "allkeys-lfu" if number == ours else "allkeys-random"
            client.config_set("maxmemory-policy", policy)
    output = release(shards.url, provider.url)
    assert output.code == 0
    assert output.text.count("Valkey 9") == 1
    assert ["allkeys-lfu" in line for line in output.warnings].count(True) == 1
    assert "allkeys-random" not in output.text


def test_a_cluster_without_the_right_to_read_slots_fails(
    shards: Shards, provider: LeakyProvider
) -> None:
    """The service could not find the master of its slot."""
    for master in shards.masters:
        with master.client() as client:
            rules = ["on", ">hidden", "~*", "&*", "+@all", "-cluster|slots"]
            client.execute_command("ACL SETUSER", "limited", *rules)
    output = release(shards.url.replace("://", "://limited:hidden@"), provider.url)
    assert output.code == 1
    sentence = "Our user lacks permissions that the service needs: permit +cluster|slots."
    assert output.warnings == [f"error    Redis: {sentence}"]
