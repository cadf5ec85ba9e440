"""What operators read of the variables: ``config/env.example`` and ``docs/settings.md``."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify_service.domain.limits import BUCKETS
from verify_service.settings.call_variables import (
    CallbackSettings,
    DestinationSettings,
    ProviderSettings,
)
from verify_service.settings.limit_variables import NumberLimitSettings, WideLimitSettings
from verify_service.settings.server_variables import SERVER_VARIABLES
from verify_service.settings.service_variables import (
    LoginFlowSettings,
    RedisSettings,
    ServiceSettings,
)
from verify_service.settings.variable import Variable, variables
from verify_service.settings.webhook_variables import WebhookSettings

WIDTH = 100
_WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
_MARKDOWN = str.maketrans({"<": "&lt;", "|": "\\|", "*": "\\*"})
_FILE = """
    Each variable except PROMETHEUS_MULTIPROC_DIR can also be given as <NAME>_FILE, the path of a
    file that contains the value; only one of the two may be set. Whitespace around a value is
    ignored, and so is a byte order mark. A value in quotation marks is refused: platforms and
    container runtimes keep them.
    """
_SECRETS = """
    In production no two secrets are equal, and none is a value that this repository prints. Make
    each of your own with: openssl rand -hex 32
    """
_EXAMPLE_HEAD = (
    "Every variable, with its unit and its default. Made from the code: make docs",
    "Copy the lines that you change, and leave the others out.",
    _FILE,
    "(secret): belongs into the secret store of the platform, never into a repository.",
    _SECRETS,
)
_PAGE_HEAD = """\
<!-- This page is made from the code: make docs -->

# Settings

The service reads its settings from the environment, once, when it starts. While a variable is
malformed it does not start, and says what to write. The same variables, to be copied, are in
[`config/env.example`](../config/env.example). A secret belongs into the secret store of the
platform, never into a repository.
"""
_TABLE_HEAD = """
| Name | Meaning | Unit | Default | Secret |
|---|---|---|---|---|
"""
_WIDE_LIMITS = f"""
    Each limit counts in fixed memory: a window never contains more starts than its count. The last
    start of a window may become free up to 1/{BUCKETS} of the window later than the clock says. The
    defaults fit a service that logs in a few hundred people a day. They are also the most that an
    attacker can make the service pay for.
    """


@dataclass(frozen=True, slots=True)
class Section:
    """Variables that operators read together.

    Attributes:
        title: The heading.
        variables: The declarations, by their names in the environment.
        introduction: What applies to all of them.
    """

    title: str
    variables: Mapping[str, Variable]
    introduction: str = ""


SECTIONS = (
    Section("The service", variables(ServiceSettings)),
    Section("The web server", SERVER_VARIABLES),
    Section("Redis", variables(RedisSettings)),
    Section("Login flows", variables(LoginFlowSettings)),
    Section("The provider", variables(ProviderSettings)),
    Section("Callbacks", variables(CallbackSettings)),
    Section("Events", variables(WebhookSettings)),
    Section("Limits of one number", variables(NumberLimitSettings)),
    Section("Limits over many numbers", variables(WideLimitSettings), _WIDE_LIMITS),
    Section("Destinations", variables(DestinationSettings)),
)
"""In the order in which an operator needs them."""


def env_example() -> str:
    """Return the text of ``config/env.example``."""
    head = "".join(_comment(each) for each in _EXAMPLE_HEAD)
    return "\n".join([head, *(_example_section(each) for each in SECTIONS)])


def _example_section(section: Section) -> str:
    heading = f"# ---- {section.title} ".ljust(WIDTH, "-") + "\n"
    entries = (_entry(name, variable) for name, variable in section.variables.items())
    return "\n".join([heading + _comment(section.introduction), *entries])


def _entry(name: str, variable: Variable) -> str:
    secret = "(secret) " if variable.secret else ""
    comment = _comment(variable.meaning, secret) + "".join(map(_comment, _facts(variable)))
    return f"{comment}{name}={variable.example or variable.default or ''}\n"


def _facts(variable: Variable) -> list[str]:
    """Return how the value is written and what unset means, on one line where they fit."""
    written = f"{variable.written[:1].upper()}{variable.written[1:]}."
    default = f"Default: {variable.default_in_words or variable.default or 'none'}"
    unset = "Required in production." if variable.required else default
    line = f"{written} {unset}"
    return [line] if len(line) <= WIDTH - 2 else [written, unset]


def _comment(text: str, first: str = "") -> str:
    lines: list[str] = []
    for verbatim, paragraph in _paragraphs(first + textwrap.dedent(text).strip()):
        lines += [paragraph] if verbatim else textwrap.wrap(paragraph, WIDTH - 2, **_WHOLE_WORDS)
    return "".join(f"# {line}\n" for line in lines)


def settings_page() -> str:
    """Return the text of ``docs/settings.md``."""
    paragraphs = (textwrap.fill(_cell(each), WIDTH, **_WHOLE_WORDS) for each in (_SECRETS, _FILE))
    head = "\n".join([_PAGE_HEAD, *(f"{each}\n" for each in paragraphs)])
    return head + "".join(_page_section(each) for each in SECTIONS)


def _page_section(section: Section) -> str:
    introduction = textwrap.dedent(section.introduction)
    rows = (_row(name, variable) for name, variable in section.variables.items())
    return f"\n## {section.title}\n{introduction}{_TABLE_HEAD}" + "".join(rows)


def _row(name: str, variable: Variable) -> str:
    default = f"`{variable.default}`" if variable.default else "none"
    cells = [
        f"`{name}`",
        _cell(variable.meaning),
        _escaped(variable.written),
        "required in production" if variable.required else variable.default_in_words or default,
        "yes" if variable.secret else "no",
    ]
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    """Return a meaning on one line of Markdown; verbatim lines become code."""
    parts = [
        f"<br>`{paragraph.strip()}`<br>".replace("|", "\\|") if verbatim else _escaped(paragraph)
        for verbatim, paragraph in _paragraphs(textwrap.dedent(text).strip())
    ]
    return "".join(parts).replace("<br><br>", "<br>").removesuffix("<br>")


def _escaped(text: str) -> str:
    return text.translate(_MARKDOWN)


def _paragraphs(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the paragraphs of a text, and each indented line, with whether it is verbatim."""
    for verbatim, lines in itertools.groupby(text.splitlines(), lambda line: line.startswith(" ")):
        if verbatim:
            yield from ((True, line) for line in lines)
        else:
            yield False, " ".join(lines)
