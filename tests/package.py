"""``make test-package``: the built package works without the rest of the checkout.

Builds the wheel, inspects it, and installs it twice, each time into an environment of its own:
without extras, where the client has to work and no package of the server may be; and with the extra
``testing``, where ``tests/consumer`` has to pass. Exits with 0 only if all of that succeeded.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "verify_service"
MADE = re.compile(r"(?:\.|__pycache__$|build$|dist$|.*\.egg-info$)")
"""Names that are not sources, if git cannot list them."""
KINDS = {".py", ".lua", ".html", ".css", ".js", ".txt"}
"""Kinds of files in the package. At least one of each must be installed."""
COMMANDS = (
    ("-m", "verify_service.sandbox", "--help"),
    ("-m", "verify_service.testing", "--help"),
    ("-c", "import gunicorn, verify_service.app"),
)
CLIENT = """
from importlib.metadata import distributions
from verify_service.client import VerifyClient, webhooks

VerifyClient("http://127.0.0.1:1", "key").close()
print(*sorted({each.name.lower() for each in distributions()}))
"""
REQUESTS = {"certifi", "charset-normalizer", "idna", "requests", "urllib3"}
ALONE = {*REQUESTS, "standardwebhooks", "verify-service"}
"""What an installation without extras brings: the client and its two libraries."""
EXTRA = "pip install 'verify-service[testing]'"
NOT_OURS = ("PYTHONPATH", "PYTHONHOME", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "VIRTUAL_ENV")
"""Variables through which the checkout, or its environment, would be found."""
CONSTRAINTS = "constraints.txt"
BEGAN = time.monotonic()


def main() -> int:
    """Return the exit status."""
    with tempfile.TemporaryDirectory(prefix="verify-package-") as name:
        folder = Path(name)
        try:
            _run_steps(folder)
        except subprocess.CalledProcessError as error:
            _say(f"failed: {' '.join(map(str, error.cmd))}")
            print(error.stdout or "", error.stderr or "", sep="", end="", file=sys.stderr)
            return 1
        except AssertionError as error:
            _say(f"failed: {error}")
            return 1
    _say("all is well")
    return 0


def _run_steps(folder: Path) -> None:
    sources = _sources(folder / "sources")
    _say("building the wheel")
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, sources)
    [wheel] = folder.glob("*.whl")
    _say(f"{wheel.name}: {wheel.stat().st_size // 1024} KiB")
    _check_contents(wheel, sources)
    consumer = shutil.copytree(sources / "tests/consumer", folder / "consumer")
    _say("installing it, without extras")
    _try_the_client(_environment(folder / "client", wheel), consumer)
    _say("installing it, with [testing]")
    python = _environment(folder / "testing", wheel, "testing")
    for command in COMMANDS:
        _say(f"python {' '.join(command)}")
        _run(python, *command, cwd=folder)
    _say("tests/consumer")
    _run(python, "-m", "pytest", "-ra", "-W", "error", cwd=consumer, shown=True)


def _try_the_client(python: Path, consumer: Path) -> None:
    """The client works alone; a fixture that needs the extra names it."""
    found = set(_run(python, "-c", CLIENT, cwd=consumer).split()) - {"pip", "setuptools"}
    assert found == ALONE, f"not with the client: {found - ALONE}; missing: {ALONE - found}"
    _say(f"the client alone: {', '.join(sorted(found))}")
    _pip(python, "install", "--constraint", python.parents[2] / CONSTRAINTS, "pytest")
    pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    _run(python, *pytest, "--fixtures", "test_login.py", cwd=consumer)
    done = subprocess.run(
        (python, *pytest, "test_login.py"),
        cwd=consumer,
        env=_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, f"tests/consumer without the extra: {done.stdout}"
    assert EXTRA in done.stdout, done.stdout


def _sources(into: Path) -> Path:
    """Return a copy of the checkout. Files that git does not track are left out."""
    for name in _tracked() or _found():
        if (ROOT / name).is_file():
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
    return into


def _tracked() -> list[str]:
    """Return nothing if the checkout is no repository, or git is missing."""
    command = ["git", "ls-files", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [name for name in listed.stdout.split("\0") if name]


def _found() -> Iterator[str]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not MADE.match(name)]
        yield from (str((Path(folder) / name).relative_to(ROOT)) for name in names)


def _check_contents(wheel: Path, sources: Path) -> None:
    """The whole package, its Lua and its templates, and nothing beside it: no tests."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    ours = {
        path.relative_to(sources).as_posix()
        for path in (sources / PACKAGE).rglob("*")
        if path.is_file()
    }
    assert inside == ours, f"not in the wheel: {ours - inside}; only there: {inside - ours}"
    missing = KINDS - {Path(name).suffix for name in inside}
    assert not missing, f"the wheel has no {missing}"
    assert f"{PACKAGE}/py.typed" in inside, "the wheel has no py.typed"


def _environment(folder: Path, wheel: Path, *extras: str) -> Path:
    """Return the Python of a new environment with the wheel, in the versions of all tests."""
    folder.mkdir()
    locked = (ROOT / "requirements-dev.txt").read_text("utf-8")
    constraints = folder / CONSTRAINTS
    # Without hashes: pip would require one for the wheel as well.
    lines = re.findall(r"^([\w.-]+)(?:\[.*?\])?(==[^\\\n]*)", locked, re.MULTILINE)
    constraints.write_text("".join(f"{name}{version}\n" for name, version in lines), "utf-8")
    _run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    what = f"verify-service[{','.join(extras)}] @ {wheel.as_uri()}"
    _pip(python, "install", "--constraint", constraints, what)
    return python


def _pip(python: str | Path, *command: str | Path) -> None:
    quietly = ("--quiet", "--disable-pip-version-check")
    _run(python, "-m", "pip", *quietly, *command, cwd=Path(tempfile.gettempdir()))


def _run(*command: str | Path, cwd: Path, shown: bool = False) -> str:
    """Return what the command prints, unless it is shown."""
    done = subprocess.run(
        command, cwd=cwd, env=_env(), capture_output=not shown, text=True, check=True
    )
    return done.stdout or ""


def _env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in NOT_OURS}


def _say(what: str) -> None:
    print(f"{time.monotonic() - BEGAN:5.1f} s  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
