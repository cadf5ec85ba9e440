"""`make test-clients`: clients that others generate from the document compile, and verify a number.

Each program in programs/ is written against one generated client: it starts a verification, checks
a wrong code and the right one, and reads an error.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from tests.system.house import House

from .conftest import GENERATORS, Generators

PROGRAMS = Path(__file__).parent / "programs"
CLIENT = "verify_client"


def login(generators: Generators, house: House, *command: str | Path, number: str) -> None:
    """Run a program, and compare what its client read."""
    read = json.loads(generators.run(*command, house.web, house.sandbox, number))
    assert read == {
        "prefix": "7917913",
        "wrong": [False, 2, "enterCode"],
        "right": [True, f"+{number}", "done", "order 7"],
        "error": ["notFoundError", "verification"],
    }


def checked(generators: Generators, name: str) -> str:
    """Return a program whose client compiles, and that passes mypy's strict checks."""
    generators.run("python", "-m", "compileall", "-q", CLIENT)
    program = shutil.copy(PROGRAMS / name, generators.folder / name)
    generators.run(
        *(sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent"),
        *("--python-executable", GENERATORS / "bin/python", name),
    )
    return str(program)


def test_openapi_python_client(generators: Generators, house: House, document: Path) -> None:
    """Without a warning: it warns of each part of the document that it leaves out."""
    generators.run(
        *("openapi-python-client", "generate", "--path", document, "--meta", "none"),
        *("--output-path", CLIENT, "--fail-on-warning"),
    )
    program = checked(generators, "openapi_python_client.py")
    login(generators, house, "python", program, number="79215550140")


def test_openapi_generator(generators: Generators, house: House, document: Path) -> None:
    """It validates the document first."""
    generators.run(
        *("openapi-generator-cli", "generate", "--input-spec", document, "--output", "."),
        *("--generator-name", "python", "--package-name", CLIENT),
    )
    program = checked(generators, "openapi_generator.py")
    login(generators, house, "python", program, number="79215550141")


def test_hey_api(generators: Generators, house: House, document: Path) -> None:
    """Client and program pass TypeScript's strict checks."""
    generators.run("openapi-ts", "--input", document, "--output", CLIENT)
    program = shutil.copy(PROGRAMS / "hey_api.ts", generators.folder)
    types = GENERATORS / "node_modules/@types"
    generators.run(
        *("tsc", "--strict", "--target", "es2022", "--module", "commonjs", "--outDir", "js"),
        *("--typeRoots", types, "--types", "node", program),
    )
    login(generators, house, "node", "js/hey_api.js", number="79215550142")
