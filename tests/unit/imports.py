"""Reads what each module imports and calls, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "verify_service"


def modules(root: Path) -> dict[str, ast.Module]:
    """Return every module of the package and its entry point, by dotted name."""
    found = {}
    for path in sorted([*(root / PACKAGE).rglob("*.py"), root / "wsgi.py"]):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def imported(name: str, tree: ast.Module, known: set[str]) -> set[str]:
    """Return the modules that `name` imports, also in functions and for types.

    `from package import module` counts as the module if there is one of this name.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(name, node, known)
            found |= {_module(base, alias.name, known) for alias in node.names}
        elif _called(node) in ("__import__", "import_module"):
            found |= _constants(node)
    return found


def _base(name: str, node: ast.ImportFrom, known: set[str]) -> str:
    if node.level == 0:
        return node.module or ""
    is_package = any(other.startswith(f"{name}.") for other in known)
    up = node.level - 1 if is_package else node.level
    parts = name.split(".")
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def _module(base: str, name: str, known: set[str]) -> str:
    return f"{base}.{name}" if f"{base}.{name}" in known else base


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def _constants(node: ast.AST) -> set[str]:
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def reads_environment(tree: ast.Module) -> bool:
    """Return whether a module reads the environment: `os.environ` or `getenv`."""
    names = {"environ", "environb", "getenv", "getenvb", "from_env"}
    return any(name in names for name in _names(tree))


def _names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module uses, except WSGI's `environ`: a request's, or a parameter."""
    parameters = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if ast.unparse(node) != "request.environ":
                yield node.attr
        elif isinstance(node, ast.Name) and node.id not in parameters:
            yield node.id
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
