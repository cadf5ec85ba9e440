"""The text of a variable as the operator gave it, in the environment or in a file.

Standard library only: the web server reads its variables here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from verify_service.settings.variable import VariableError

FILE_SUFFIX = "_FILE"
QUOTED = "Must not be in quotation marks: they would be a part of the value."
_BYTE_ORDER_MARK = "\ufeff"
_QUOTATION_MARKS = "\"'`\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e"
_PLACEHOLDER = re.compile(
    r"""
      \$\{[A-Za-z_]                      # ${NAME}, ${NAME:-default}
    | \$\([^()]+\)                       # $(command)
    | \{\{.+\}\}                         # {{ name }}
    | (?<![^\s,=:/@])                    # or all that stands between two separators:
      (?: <[^<>]+>                       # <name>
        | \$[A-Z_][A-Z0-9_]*             # $NAME
        | %[A-Z_][A-Z0-9_]*%             # %NAME%
      ) (?![^\s,:/@])
    """,
    re.VERBOSE | re.DOTALL,
)


def given_text(variables: Mapping[str, str], name: str) -> str | None:
    """Return the text of a variable without the whitespace around it; None where it is not set.

    Args:
        variables: The environment. The variable ``<name>_FILE`` is the path of a file with the
            text.
        name: The variable's name.

    Raises:
        VariableError: The file cannot be read, both variables are set, or the text still has to be
            filled in, is in quotation marks or begins with the variable's name.
    """
    file = f"{name}{FILE_SUFFIX}"
    path = variables.get(file, "").strip()
    text = variables.get(name)
    if path:
        if text and text.strip():
            raise VariableError(f"{name} and {file} are both set. Leave one of them out.")
        text = _read(path, file)
    return None if text is None else _checked(name, text.removeprefix(_BYTE_ORDER_MARK).strip())


def in_quotation_marks(text: str) -> bool:
    """Return whether a text begins and ends with a quotation mark of any kind."""
    return len(text) > 1 and text[0] in _QUOTATION_MARKS and text[-1] in _QUOTATION_MARKS


def _read(path: str, name: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib imports urllib
            return file.read()
    except (OSError, ValueError):
        raise VariableError(f"{name} must be the path of a readable text file in UTF-8.") from None


def _checked(name: str, text: str) -> str:
    if re.match(rf"(export\s+)?{name}\s*[=:]", text):
        raise VariableError(f"Must be the value alone, without {name} before it.")
    if in_quotation_marks(text):
        raise VariableError(QUOTED)
    if _PLACEHOLDER.search(text):
        raise VariableError(
            "Must be the value itself: a placeholder such as ${NAME} or <name> was not replaced."
        )
    return text
