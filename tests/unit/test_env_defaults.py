"""The values in config/env.example are the defaults, and each number has its unit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_type_hints

import pytest

from verify_service.settings.settings import Settings
from verify_service.settings.variable import variables

from .conftest import PRODUCTION, Read

TEXT = (Path(__file__).parents[2] / "config/env.example").read_text("utf-8")
FOUND = re.findall(r"((?:^#.*\n)+)^([A-Z_]+)=(.*)$", TEXT, re.MULTILINE)
EXPLAINED = {name: " ".join(comment.replace("#", " ").split()) for comment, name, _ in FOUND}
SHOWN = {name: value for _, name, value in FOUND if value}
OPTIONAL = {name: text for name, text in EXPLAINED.items() if name not in PRODUCTION}
OWN = sorted(set(OPTIONAL) & {name.upper() for name in get_type_hints(Settings)})
UNIT = re.compile(r"(?i)\b(milliseconds|seconds|connections|starts|guesses|processes|requests)\b")


@pytest.mark.parametrize("name", sorted(set(OWN) & set(SHOWN)))
def test_the_value_shown_is_the_default(read: Read, name: str) -> None:
    """Copying the line changes nothing."""
    given = read(**{name: SHOWN[name]})
    assert getattr(given, name.lower()) == getattr(read(), name.lower())


@pytest.mark.parametrize("name", OPTIONAL)
def test_the_default_is_named(name: str) -> None:
    """As an operator would write it, or "none"."""
    _, _, default = OPTIONAL[name].partition("Default: ")
    assert default.startswith(SHOWN.get(name, "none")) or "half of THREADS" in default


@pytest.mark.parametrize(
    "name", [name for name, kind in get_type_hints(Settings).items() if kind in (int, float)]
)
def test_a_number_has_its_unit(name: str) -> None:
    assert UNIT.search(EXPLAINED[name.upper()])
    assert UNIT.fullmatch(variables(Settings)[name.upper()].unit)


def test_variables_that_production_requires_are_marked() -> None:
    marked = {name for name, text in EXPLAINED.items() if "Required in production" in text}
    assert marked == set(PRODUCTION)
