"""``make test-package``: what is built of the checkout works where nothing else of it is.

Builds the wheel, looks into it, and installs it twice, each time into an environment of its own:
without extras, where the client has to work and no package of the server may be; and with the extra
``testing``, where ``tests/consumer`` has to pass. Ends with 0 only if all of that went well.
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
"""Names of what is no source, where no git says so."""
KINDS = {".py", ".lua", ".html", ".css", ".txt"}
"""Of files in the package. One of each at least has to arrive."""
COMMANDS = (
    ("-m", "verify_service.sandbox", "--help"),
    ("-m", "verify_service.testing", "--help"),
    ("-c", "import gunicorn, verify_service.app"),
)
CLIENT = """
from importlib.metadata import distributions
from verify_service.client import VerifyClient

VerifyClient("http://127.0.0.1:1", "key").close()
print(*sorted({each.name.lower() for each in distributions()}))
"""
ALONE = {"certifi", "charset-normalizer", "idna", "requests", "urllib3", "verify-service"}
"""What an installation without extras brings: the client and `requests`."""
EXTRA = "pip install 'verify-service[testing]'"
NOT_OURS = ("PYTHONPATH", "PYTHONHOME", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "VIRTUAL_ENV")
"""Variables by which the checkout, or its environment, would be found after all."""
CONSTRAINTS = "constraints.txt"
BEGAN = time.monotonic()


def main() -> int:
    """Return the exit status."""
    with tempfile.TemporaryDirectory(prefix="verify-package-") as name:
        folder = Path(name)
        try:
            _try(folder)
        except subprocess.CalledProcessError as error:
            _say(f"failed: {' '.join(map(str, error.cmd))}")
            print(error.stdout or "", error.stderr or "", sep="", end="", file=sys.stderr)
            return 1
        except AssertionError as error:
            _say(f"failed: {error}")
            return 1
    _say("all is well")
    return 0


def _try(folder: Path) -> None:
    sources = _sources(folder / "sources")
    _say("building the wheel")
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, sources)
    [wheel] = folder.glob("*.whl")
    _say(f"{wheel.name}: {wheel.stat().st_size // 1024} KiB")
    _look_into(wheel, sources)
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
    """A copy of the checkout, without the files that git does not track."""
    for name in _tracked() or _found():
        if (ROOT / name).is_file():
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
    return into


def _tracked() -> list[str]:
    """Nothing where the checkout is none, or git is not there to be asked."""
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


def _look_into(wheel: Path, sources: Path) -> None:
    """The whole package, its Lua and its templates too, and nothing beside it: no tests."""
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
    """Python of a new environment with the wheel, in the versions that all tests have."""
    folder.mkdir()
    locked = (ROOT / "requirements-dev.txt").read_text("utf-8")
    constraints = folder / CONSTRAINTS
    # Without hashes: pip would want one of the wheel as well.
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
