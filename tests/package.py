"""``make test-package``: what is built of the checkout works where nothing else of it is.

Builds the wheel, looks into it, installs it with its extra ``testing`` into an environment of its
own, and runs ``tests/consumer`` there. Ends with 0 only if all of that went well.
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
    ("-c", "import verify_service.client"),
)
NOT_OURS = ("PYTHONPATH", "PYTHONHOME", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "VIRTUAL_ENV")
"""Variables by which the checkout, or its environment, would be found after all."""
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
    _say("installing it, with [testing]")
    python = _environment(folder, wheel)
    for command in COMMANDS:
        _say(f"python {' '.join(command)}")
        _run(python, *command, cwd=folder)
    _say("tests/consumer")
    consumer = shutil.copytree(sources / "tests/consumer", folder / "consumer")
    _run(python, "-m", "pytest", "-ra", "-W", "error", cwd=consumer, shown=True)


def _sources(into: Path) -> Path:
    """A copy of the checkout. What nobody has told git of stays behind."""
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


def _environment(folder: Path, wheel: Path) -> Path:
    """Python of a new environment with the wheel, in the versions that all tests have."""
    locked = (ROOT / "requirements-dev.txt").read_text("utf-8")
    constraints = folder / "constraints.txt"
    # Without hashes: pip would want one of the wheel as well.
    lines = re.findall(r"^([\w.-]+)(?:\[.*?\])?(==[^\\\n]*)", locked, re.MULTILINE)
    constraints.write_text("".join(f"{name}{version}\n" for name, version in lines), "utf-8")
    _run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    what = f"verify-service[testing] @ {wheel.as_uri()}"
    _pip(python, "install", "--constraint", constraints, what)
    return python


def _pip(python: str | Path, *command: str | Path) -> None:
    quietly = ("--quiet", "--disable-pip-version-check")
    _run(python, "-m", "pip", *quietly, *command, cwd=Path(tempfile.gettempdir()))


def _run(*command: str | Path, cwd: Path, shown: bool = False) -> None:
    env = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    subprocess.run(command, cwd=cwd, env=env, capture_output=not shown, text=True, check=True)


def _say(what: str) -> None:
    print(f"{time.monotonic() - BEGAN:5.1f} s  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
