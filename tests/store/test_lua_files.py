"""The Lua files: each documents its arguments and result, and includes exactly what it uses."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from verify_service.store.functions import includes, source

FOLDER = files("verify_service.store") / "lua"
DECISIONS = sorted(one.name for one in FOLDER.iterdir() if one.name.endswith(".lua"))
MODULES = sorted(one.name.removesuffix(".lua") for one in (FOLDER / "includes").iterdir())
FILES = [*DECISIONS, *(f"includes/{name}.lua" for name in MODULES)]
HEADER = ("KEYS ", "Args ", "Returns ")
_NOISE = re.compile(r"--[^\n]*|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"")
_TOKEN = re.compile(r"\.\.\.?|[A-Za-z_]\w*|[^\s\w]|\d[\w.]*")
_NAME = re.compile(r"[A-Za-z_]\w*\Z")


def header(text: str) -> list[str]:
    """Return the lines of the comment that a file begins with."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("--") or line.startswith("---"):
            break
        lines.append(line.removeprefix("--").strip())
    return lines


def used(text: str) -> set[str]:
    """Return the modules that a file uses: named, and neither a parameter nor a local of it."""
    tokens = _TOKEN.findall(_NOISE.sub(" ''", text))
    scopes: list[set[str]] = [set()]
    found: set[str] = set()
    at = 0
    while at < len(tokens):
        token, before = tokens[at], tokens[at - 1] if at else ""
        if token == "function":
            at, name, parameters = _signature(tokens, at)
            if before == "local":
                scopes[-1].add(name)
            elif name:
                found |= {name} - set().union(*scopes)
            scopes.append(parameters)
        elif token in ("for", "local") and tokens[at + 1] != "function":
            at, names = _names(tokens, at + 1)
            # A `for` name ends with its loop; only another use would make a difference.
            scopes[-1] |= names
        elif token in ("then", "do", "repeat"):
            scopes.append(set())
        elif token in ("end", "until", "else", "elseif"):
            scopes.pop()
            if token == "else":
                scopes.append(set())
        elif _NAME.match(token) and before not in (".", ":") and not _is_member(tokens, at):
            found |= {token} - set().union(*scopes)
        at += 1
    assert len(scopes) == 1, "blocks were not read right"
    return found & set(MODULES)


def _signature(tokens: list[str], at: int) -> tuple[int, str, set[str]]:
    """Read a function's name and parameters; return the position where they end."""
    opened = tokens.index("(", at)
    closed = tokens.index(")", opened)
    name = tokens[at + 1] if opened > at + 1 else ""
    return closed, name, {token for token in tokens[opened:closed] if _NAME.match(token)}


def _names(tokens: list[str], at: int) -> tuple[int, set[str]]:
    """Read the names that `local` or `for` binds; return the position where they end."""
    names = {tokens[at]}
    while tokens[at + 1] == ",":
        at += 2
        names.add(tokens[at])
    return at, names


def _is_member(tokens: list[str], at: int) -> bool:
    """Return whether a name is a member in a table: `{name = …}`, not an assignment."""
    return (
        tokens[at + 1 : at + 2] == ["="] and tokens[at - 1] in ("{", ",") and _in_table(tokens, at)
    )


def _in_table(tokens: list[str], at: int) -> bool:
    return tokens[:at].count("{") > tokens[:at].count("}")


@pytest.mark.parametrize("path", FILES)
def test_a_file_includes_what_it_uses_and_no_more(path: str) -> None:
    text = source(path)
    own = {path.removeprefix("includes/").removesuffix(".lua")}
    included = includes(text)
    assert sorted(included) == sorted(used(text) - own)


_BOUND = re.compile(
    r"\b(?:local (?!function)|for )([\w, ]+?)\s*(?:=|\bin\b|$)|\bfunction[ \w.:]*\(([^)]*)\)",
    re.MULTILINE,
)
"""The names that `local` or `for` binds, and those of a function's parameters."""


@pytest.mark.parametrize("path", FILES)
def test_no_local_has_the_name_of_an_included_module(path: str) -> None:
    """It would hide the module."""
    text = _NOISE.sub(" ''", source(path))
    bound = {name for names in _BOUND.findall(text) for name in re.findall(r"\w+", ",".join(names))}
    assert not bound & set(includes(source(path)))


@pytest.mark.parametrize("path", DECISIONS)
def test_a_decision_documents_its_keys_arguments_and_result(path: str) -> None:
    """Its keys, its arguments and its result, in this order; it has its file's name."""
    lines = header(source(path))
    named = [word for line in lines for word in HEADER if line.startswith(word)]
    assert named == list(HEADER)
    name = path.removesuffix(".lua")
    assert re.findall(r"^decision\('(\w+)'", source(path), re.MULTILINE) == [name]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_documented_and_included(name: str) -> None:
    """It returns its table under its own name; `decision` returns a function."""
    text = source(f"includes/{name}.lua")
    assert header(text)
    assert text.rstrip().splitlines()[-1] in (f"return {name}", "end")
    assert any(name in includes(source(path)) for path in FILES)


def test_no_module_includes_itself_through_others() -> None:
    def follow(name: str, way: tuple[str, ...] = ()) -> None:
        assert name not in way, " → ".join((*way, name))
        for other in includes(source(f"includes/{name}.lua")):
            follow(other, (*way, name))

    for name in MODULES:
        follow(name)


SAMPLE = """
--- @include "number"
-- calls.apply(x)
local keys = {}
local function own(number, calls)
  return number.load('json.read', calls.now), {breaker = 1, state = verification.state(keys.a)}
end
for _, conversion in ipairs(keys) do
  if own then
    local restrictions = 1
    print(restrictions.a, number.load(), conversion.b, args.json.a)
  elseif wide_limits.wait() then
    print(restrictions)
  end
end
decision('x', {}, function(KEYS, args, now) return json end)
"""


def test_used_modules_are_recognized() -> None:
    """Comments, texts, members, parameters and locals are no use of a module."""
    assert used(SAMPLE) == {
        "number",
        "verification",
        "wide_limits",
        "restrictions",
        "decision",
        "json",
    }
