"""Which folder may import which, and which library: so each can be understood alone."""

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

DIRECTIONS: dict[str, set[str]] = {
    "domain": set(),
    "settings": {"domain"},
    "api": {"domain"},
    "console": {"domain"},
    "store": {"domain"},
    "telemetry": {"domain"},
    "transport": set(),
    "provider": {"domain", "transport"},
    "webhooks": {"domain", "transport"},
    "server": {"domain", "telemetry"},
    "app": {
        *("domain", "settings", "api", "console", "store", "telemetry", "provider", "transport"),
        *("server", "webhooks"),
    },
    "cli": {"app", "domain", "settings"},
    "wsgi": {"app", "cli", "settings"},
    "dev": set(),
    "client": set(),
    "sandbox": set(),
    "testing": {"app", "client", "sandbox", "settings", "telemetry"},
}
"""What each folder, or module beside the folders, may import of ours.

``wsgi`` is the entry point. ``dev`` starts the service as a process of its own, ``testing`` runs it
for the tests of a login. The client and the sandbox know the service by its contract and by the
provider's page, so that two readings of one page check each other.
"""

LIBRARIES: dict[str, set[str]] = {
    "redis": {"store", "testing"},
    "requests": {"transport", "sandbox", "client", "dev"},
    "standardwebhooks": {"client", "webhooks"},
    "urllib3": {"transport", "store"},
    "dns": {"transport"},
    "flask": {"api", "app", "console", "sandbox", "testing"},
    "apispec": {"api"},
    "werkzeug": {"api", "console", "sandbox", "testing"},
    "phonenumbers": {"domain"},
    "prometheus_client": {"telemetry"},
    "gunicorn": {"server"},
    "gevent": {"server"},
}
"""Each library, and the folders that may import it. The store takes its TLS over a socket of our
own from urllib3."""

CLIENT_LIBRARIES = {"requests", "standardwebhooks"}

ENVIRONMENT = {"wsgi", "settings", "dev", "cli", "server", "telemetry", "sandbox", "testing"}
"""Where the environment may be read; in telemetry and server for
PROMETHEUS_MULTIPROC_DIR, which is the library's own; the sandbox is a program of its own."""


def folder(module: str) -> str:
    """Return `store` for verify_service.store.keys, `app` for verify_service.app, `wsgi` for
    wsgi."""
    names = module.split(".")
    return names[1] if names[0] == PACKAGE and len(names) > 1 else names[0]


def ours(names: set[str]) -> set[str]:
    """Return the folders of the package among imported names."""
    return {folder(name) for name in names if name.split(".")[0] == PACKAGE} - {PACKAGE}


def libraries(names: set[str]) -> set[str]:
    """Return the libraries among imported names, without the standard one."""
    return (
        {name.split(".")[0] for name in names} - {PACKAGE, "__future__"} - sys.stdlib_module_names
    )


@pytest.mark.parametrize("module", sorted(KNOWN))
def test_imports_follow_the_directions(module: str) -> None:
    here = folder(module)
    if module == PACKAGE:
        assert not ours(IMPORTS[module])
        return
    assert ours(IMPORTS[module]) <= DIRECTIONS[here] | {here}


def test_every_folder_has_a_direction() -> None:
    """The table lists no folder that does not exist."""
    assert {folder(module) for module in KNOWN} - {PACKAGE} == set(DIRECTIONS)


@pytest.mark.parametrize("module", sorted(name for name in KNOWN if folder(name) == "domain"))
def test_the_rules_need_the_standard_library_alone(module: str) -> None:
    """They would be the same over any store, provider and web framework."""
    parses = module in (f"{PACKAGE}.domain.numbers", f"{PACKAGE}.domain.readings")
    assert libraries(IMPORTS[module]) <= ({"phonenumbers"} if parses else set())


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_imported_only_in_its_folders(library: str) -> None:
    users = {folder(name) for name, names in IMPORTS.items() if library in libraries(names)}
    assert users == LIBRARIES[library]


def test_the_client_needs_only_two_libraries() -> None:
    for name, names in IMPORTS.items():
        if folder(name) == "client":
            assert libraries(names) <= CLIENT_LIBRARIES, name


def test_a_dialect_does_not_know_how_it_is_sent() -> None:
    """A second provider is a second such file."""
    sender = f"{PACKAGE}.provider.call_provider"
    names = IMPORTS[f"{PACKAGE}.provider.flash_call"]
    assert sender in KNOWN
    assert ours(names) == {"domain", "provider"}
    assert sender not in names


def test_the_environment_is_read_at_the_entry_points() -> None:
    readers = {folder(name) for name, tree in TREES.items() if reads_environment(tree)}
    assert readers <= ENVIRONMENT
    assert {"wsgi", "settings"} <= readers


def test_no_module_imports_the_operators_files() -> None:
    for name, names in IMPORTS.items():
        assert "config" not in libraries(names), name


VIOLATIONS = [
    ("domain.verification", "import redis"),
    ("domain.verification", "def f():\n    from redis.client import Redis"),
    ("domain.verification", "from verify_service.store import keys"),
    ("domain.verification", "from verify_service import store"),
    ("domain.verification", "from .. import store"),
    ("domain.verification", "from ..store.keys import number"),
    ("domain.verification", "if TYPE_CHECKING:\n    import flask"),
    ("domain.verification", "import importlib\nimportlib.import_module('requests')"),
    ("api.verify", "from ..store import keys"),
    ("api.verify", "from verify_service import store"),
]


@pytest.mark.parametrize(("module", "source"), VIOLATIONS)
def test_every_way_of_importing_is_seen(module: str, source: str) -> None:
    """Otherwise the tests above would prove nothing."""
    names = imported(f"{PACKAGE}.{module}", ast.parse(source), KNOWN)
    assert libraries(names) & set(LIBRARIES) or "store" in ours(names)


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['X']",
        "from os import environ",
        "import os as o\no.getenv('X')",
    ],
)
def test_every_way_of_reading_the_environment_is_seen(source: str) -> None:
    assert reads_environment(ast.parse(source))
    assert not reads_environment(ast.parse("import os\nos.getpid()"))


def test_every_file_is_checked() -> None:
    files = {path for path in (ROOT / PACKAGE).rglob("*.py") if "__pycache__" not in path.parts}
    assert len(TREES) == len(files) + 1
