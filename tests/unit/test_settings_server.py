"""The variables that the web server reads: in sentences, and without the rest of the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from verify_service.settings import server_variables
from verify_service.settings.server_variables import EVERY_INTERFACE, ServerVariableError

ROOT = Path(__file__).parents[2]
LOADED = """
import sys
before = set(sys.modules)
import verify_service.settings.server_variables
print(*{name.split(".")[0] for name in set(sys.modules) - before})
"""


def test_the_defaults_are_the_declarations() -> None:
    assert server_variables.processes({}) == 2
    assert server_variables.threads({}) == 1000
    assert server_variables.port({}) == 8000


def test_given_values_are_read() -> None:
    assert server_variables.processes({"WEB_CONCURRENCY": " 3 "}) == 3
    assert server_variables.threads({"THREADS": "2"}) == 2
    assert server_variables.port({"PORT": "65535"}) == 65_535


@pytest.mark.parametrize(
    ("variables", "bound"),
    [
        ({}, "0.0.0.0:8000"),
        ({"APP_ENV": "production"}, "0.0.0.0:8000"),
        ({"APP_ENV": "development"}, "127.0.0.1:8000"),
        ({"APP_ENV": "development", "HOST": EVERY_INTERFACE, "PORT": "80"}, "0.0.0.0:80"),
        ({"HOST": " 10.0.0.7 "}, "10.0.0.7:8000"),
        ({"HOST": "::"}, "[::]:8000"),
        ({"HOST": "[::1]"}, "[::1]:8000"),
        ({"HOST": "fe80::1%eth0"}, "[fe80::1%eth0]:8000"),
        ({"HOST": "localhost"}, "localhost:8000"),
        ({"HOST": "verify.fly-local-6pn"}, "verify.fly-local-6pn:8000"),
    ],
)
def test_the_address_to_listen_on(variables: dict[str, str], bound: str) -> None:
    """HOST in every form, IPv6 in brackets; by default every interface, in development one."""
    assert server_variables.bind_address(variables) == bound


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1:8000", "[::1]:80", "http://x", "unix:/tmp/x", "a b", "a/b", "1.2.3", "*", "-a"],
)
def test_an_invalid_host_is_refused(text: str) -> None:
    with pytest.raises(ServerVariableError) as refused:
        server_variables.bind_address({"HOST": text})
    sentence = "HOST: Must be an IP address or a name, without a port; leave it out for 0.0.0.0."
    assert str(refused.value) == sentence


@pytest.mark.parametrize("text", ["two", "", "0", "-1", "1.5", "٢", "1e3", "1_0", "+2"])
def test_an_invalid_value_is_refused(text: str) -> None:
    """The sentence names the variable, its bounds and its default, and repeats no value."""
    with pytest.raises(ServerVariableError) as refused:
        server_variables.processes({"WEB_CONCURRENCY": text})
    sentence = "WEB_CONCURRENCY: Must be a whole number, at least 1; leave it out for 2."
    assert str(refused.value) == sentence
    with pytest.raises(
        ServerVariableError, match=r"^THREADS: .*, at least 2; leave it out for 1000\.$"
    ):
        server_variables.threads({"THREADS": text})
    with pytest.raises(
        ServerVariableError, match=r"^PORT: .*, from 1 to 65535; leave it out for 8000\.$"
    ):
        server_variables.port({"PORT": text})


def test_a_number_of_ten_digits_is_a_mistake() -> None:
    with pytest.raises(ServerVariableError, match=r"^THREADS: Must have at most 9 digits; leave"):
        server_variables.threads({"THREADS": "9" * 5000})


@pytest.mark.slow
def test_the_server_loads_nothing_but_the_standard_library() -> None:
    """It reads its numbers before gevent replaces the sockets that libraries would keep."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert loaded <= sys.stdlib_module_names | {"verify_service"}
    assert not loaded & {"socket", "ssl", "http", "urllib"}
