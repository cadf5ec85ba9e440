"""Who may know whom. The walls are what lets a reader understand one file at a time."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from .imports import PACKAGE, imported, modules, reads_environment

ROOT = Path(__file__).parents[2]
TREES = modules(ROOT)
KNOWN = set(TREES)
IMPORTS = {name: imported(name, tree, KNOWN) for name, tree in TREES.items()}

DOMAIN = {
    *(
        "advice",
        "codes",
        "errors",
        "test_numbers_in_force",
        "ids",
        "models",
        "numbers",
        "outcomes",
        "policy",
    ),
    *("breaker", "idempotency", "ports", "verification"),
    "guards",
}
"""The rules themselves. They would read the same over any store, provider and web framework."""

FENCED = {
    "redis": {"store", "testing"},
    "requests": {"provider", "sandbox", "client", "dev"},
    "urllib3": {"provider", "store"},
    "flask": {"api", "app", "sandbox", "testing"},
    "apispec": {"api"},
    "werkzeug": {"api", "sandbox", "testing"},
    "phonenumbers": {"numbers"},
    "prometheus_client": {"metrics"},
    "environs": {"settings", "parsing"},
}
"""Each library, and the parts of the package that may import it. The store takes its TLS over a
socket of our own from urllib3. `dev` starts the service, and asks it over HTTP whether it is up;
nothing of the service imports it."""

ENVIRONMENT = {"wsgi", "settings", "dev", "cli", "release", "metrics", "sandbox", "testing"}
"""Who may look at the environment; metrics for PROMETHEUS_MULTIPROC_DIR, which is its library's;
the sandbox as the program of its own that it is."""


def part(module: str) -> str:
    """`store` for verify_service.store.keys, `app` for verify_service.app, `wsgi` for wsgi."""
    names = module.split(".")
    return names[1] if names[0] == PACKAGE and len(names) > 1 else names[0]


def ours(names: set[str]) -> set[str]:
    """The parts of the package among imported names."""
    return {part(name) for name in names if name.split(".")[0] == PACKAGE} - {PACKAGE}


def libraries(names: set[str]) -> set[str]:
    """The libraries among imported names, without the standard one."""
    return (
        {name.split(".")[0] for name in names} - {PACKAGE, "__future__"} - sys.stdlib_module_names
    )


@pytest.mark.parametrize("module", sorted(name for name in TREES if part(name) in DOMAIN))
def test_the_domain_knows_the_standard_library_and_itself(module: str) -> None:
    names = IMPORTS[module]
    module = module.removeprefix(f"{PACKAGE}.")
    assert ours(names) <= DOMAIN
    assert libraries(names) <= ({"phonenumbers"} if module == "numbers" else set())


@pytest.mark.parametrize("library", FENCED)
def test_a_library_stays_behind_its_fence(library: str) -> None:
    users = {part(name) for name, names in IMPORTS.items() if library in libraries(names)}
    assert users <= FENCED[library]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("api", "store"),
        ("api", "provider"),
        ("api", "settings"),
        ("store", "provider"),
        ("store", "api"),
        ("provider", "store"),
        ("provider", "api"),
        ("journal", "store"),
        ("journal", "provider"),
    ],
)
def test_these_do_not_know_each_other(one: str, other: str) -> None:
    for name, names in IMPORTS.items():
        if part(name) == one:
            assert other not in ours(names), name


def test_the_sandbox_shares_nothing_with_the_service() -> None:
    """Two readings of one page check each other only while neither copies from the other."""
    for name, names in IMPORTS.items():
        if part(name) == "sandbox":
            assert ours(names) <= {"sandbox"}, name
        elif part(name) not in ("dev", "testing"):
            assert "sandbox" not in ours(names), name


def test_the_client_is_a_world_of_its_own() -> None:
    """It knows the service by its contract, and an installation of it needs `requests` alone."""
    for name, names in IMPORTS.items():
        if part(name) == "client":
            assert ours(names) <= {"client"}, name
            assert libraries(names) <= {"requests"}, name
        elif part(name) != "testing":
            assert "client" not in ours(names), name


def test_only_those_who_start_it_read_the_environment() -> None:
    readers = {part(name) for name, tree in TREES.items() if reads_environment(tree)}
    assert readers <= ENVIRONMENT
    assert {"wsgi", "settings"} <= readers


def test_no_module_imports_the_operators_files() -> None:
    for name, names in IMPORTS.items():
        assert "config" not in libraries(names), name


@pytest.mark.parametrize("starter", ["app", "dev", "cli", "release"])
def test_nothing_of_the_service_knows_who_starts_it(starter: str) -> None:
    users = {part(name) for name, names in IMPORTS.items() if starter in ours(names)}
    assert users <= {"wsgi", "dev", "cli", "release", "testing"}


VIOLATIONS = [
    ("verification", "import redis"),
    ("verification", "def f():\n    from redis.client import Redis"),
    ("verification", "from verify_service.store import keys"),
    ("verification", "from . import store"),
    ("verification", "from .store.keys import number"),
    ("verification", "if TYPE_CHECKING:\n    import flask"),
    ("verification", "import importlib\nimportlib.import_module('requests')"),
    ("api.verify", "from ..store import keys"),
    ("api.verify", "from verify_service import store"),
]


@pytest.mark.parametrize(("module", "source"), VIOLATIONS)
def test_the_walker_sees_through_every_way_of_importing(module: str, source: str) -> None:
    """Else all of the above would prove nothing."""
    names = imported(f"{PACKAGE}.{module}", ast.parse(source), KNOWN)
    foreign = libraries(names) & set(FENCED)
    assert foreign or ours(names) & {"store", "provider"}


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['X']",
        "from os import environ",
        "import os as o\no.getenv('X')",
        "from environs import Env",
    ],
)
def test_the_walker_sees_who_reads_the_environment(source: str) -> None:
    assert reads_environment(ast.parse(source))
    assert not reads_environment(ast.parse("import os\nos.getpid()"))


def test_the_walk_is_over_everything() -> None:
    """A folder that the walker missed would be beyond every wall."""
    files = {path for path in (ROOT / PACKAGE).rglob("*.py") if "__pycache__" not in path.parts}
    assert len(TREES) == len(files) + 1
    assert {"advice", "api", "client", "provider", "sandbox", "store"} <= {
        part(name) for name in KNOWN
    }
