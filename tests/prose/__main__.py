"""``make prose``: Harper reads comments, docstrings, templates and manuals with our own rules.

One file in ``words/`` is one rule, in Harper's rule language Weir: an expression that matches the
words to avoid, and the message that says what to write. Of a Python, Lua, shell, JavaScript or TOML
file Harper reads the comments and docstrings, of Markdown all but code; of other files the whole
text. Ends with 0 if nothing was found.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
WORDS = Path(__file__).parent / "words"

FOLDERS = (".ci", "bench", "config", "docs", "examples", "tests", "verify_service")
SUFFIXES = {
    ".cfg",
    ".example",
    ".html",
    ".js",
    ".lua",
    ".md",
    ".py",
    ".sh",
    ".toml",
    ".yaml",
    ".yml",
}
"""Generated files and data, docs/openapi.json among them, have other suffixes."""
NAMES = {"Dockerfile", "Makefile", "run"}


class Finding(NamedTuple):
    """A phrase to replace."""

    path: Path
    line: int
    column: int
    rule: str
    phrase: str
    message: str

    def __str__(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f'{path}:{self.line}:{self.column}: "{self.phrase}": {self.message} [{self.rule}]'


def main() -> int:
    """Print the findings of the whole tree, and return the exit status."""
    found = findings(list(sources()))
    for finding in found:
        print(finding)
    if found:
        print(f"{len(found)} phrases to replace; the rules are in {WORDS.relative_to(ROOT)}/.")
    return int(bool(found))


def sources() -> Iterator[Path]:
    """Yield every file with prose in it."""
    paths = [*ROOT.iterdir(), *(path for name in FOLDERS for path in (ROOT / name).rglob("*"))]
    for path in sorted(paths):
        if path.is_file() and (path.suffix in SUFFIXES or path.name in NAMES):
            yield path


def findings(paths: Sequence[Path]) -> list[Finding]:
    """Return what the rules find in `paths`, in their order.

    Raises:
        RuntimeError: Harper could not read a rule or a file.
    """
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "words.weirpack"
        with zipfile.ZipFile(pack, "w") as archive:
            for path in sorted(WORDS.iterdir()):
                archive.write(path, path.name)
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("harper"), "lint", "--quiet", "--format", "json"),
                *("--weirpacks", pack, "--only", ",".join(rules())),
                *paths,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    # 1 stands for findings and for errors.
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return sorted(_findings(paths, json.loads(done.stdout)))


def rules() -> list[str]:
    """Return the names of all rules."""
    return sorted(path.stem for path in WORDS.glob("*.weir"))


def _findings(paths: Sequence[Path], results: list[dict[str, Any]]) -> Iterator[Finding]:
    # A result names its file without the folder; they are in the order of the arguments.
    for path, result in zip(paths, results, strict=True):
        if "error" in result:
            raise RuntimeError(f"{path}: {result['error']}")
        lines = path.read_text().splitlines() if result["lints"] else []
        for lint in result["lints"]:
            line, column = lint["line"], lint["column"]
            if not _is_code(lines[line - 1][: column - 1], path.suffix):
                phrase = " ".join(lint["matched_text"].split())
                yield Finding(path, line, column, lint["rule"], phrase, lint["message"])


def _is_code(before: str, suffix: str) -> bool:
    """Return whether a name of the code follows `before` in its line.

    Harper knows code in Markdown. Elsewhere it is in backticks, after a dot or an underscore, or
    in a tag.
    """
    in_backticks = re.sub("`+", "`", before).count("`") % 2 == 1
    in_tag = suffix == ".html" and before.rfind("<") > before.rfind(">")
    return in_backticks or in_tag or before.endswith((".", "_"))


if __name__ == "__main__":
    sys.exit(main())
