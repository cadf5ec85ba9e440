"""Parsers of secrets and keys: what was pasted with something around it is refused.

A key that has a blank, a quotation mark or the words of its header too much would never match. What
is raised says what to write and never repeats the text.
"""

from __future__ import annotations

import re

from verify_service.domain.separators import BLANK_GLYPHS
from verify_service.settings.given import QUOTED, in_quotation_marks
from verify_service.settings.parsers import parts
from verify_service.settings.variable import VariableError

RAW, BASIC_PAIR = "raw", "basic-pair"
"""Forms of PROVIDER_AUTH in which a blank may belong to the token."""
_PATH_SECRET = re.compile(r"[A-Za-z0-9_.~-]{1,128}\Z")
_HEADER_NAME = re.compile(r"(x-)?authorization\s*[:=]", re.IGNORECASE)
_SCHEME = re.compile(r"(accesskey|appkey|basic|bearer|token)(\s|%20|[:=])", re.IGNORECASE)
_SCHEME_AND_TOKEN = re.compile(r"([A-Za-z][A-Za-z0-9-]* )?\S+\Z")
_KEY_ALONE = "Must be the key alone, without the words of the header or the field that carries it."
_ONE_WORD = (
    "Must have no blank, line break or invisible character inside; a comment after the value is a "
    "part of it."
)


def secret(text: str) -> bytes:
    """Return the bytes of a secret."""
    if not text:
        raise VariableError("Must not be empty.")
    return _one_word(text).encode()


def secrets(text: str) -> tuple[bytes, ...]:
    """Return the bytes of each secret of a list."""
    return tuple(secret(part) for part in parts(text))


def secret_or_none(text: str) -> str | None:
    """Return a secret, or None where the text is empty."""
    return _one_word(text) if text else None


def path_secret(text: str) -> str | None:
    """Return a secret that is a part of a path, or None where the text is empty."""
    if text and not _PATH_SECRET.match(text):
        raise VariableError(
            "Must be 1 to 128 of the characters A-Z a-z 0-9 _ . ~ - (it is part of a path)."
        )
    return text or None


def header_text(text: str) -> str:
    """Return a text that can be sent in a header."""
    if not text or not text.isprintable() or not text.isascii():
        raise VariableError("Must be a non-empty text of printable ASCII characters.")
    return text


def token_error(token: str, form: str) -> str | None:
    """Return what is wrong with the provider's token for a form of PROVIDER_AUTH, or None.

    The form ``raw`` sends the token alone, so there it may begin with a scheme: ``Basic <token>``.
    In ``basic-pair`` the password may have blanks. Source: RFC 7617.
    """
    try:
        if _HEADER_NAME.match(token):
            return _KEY_ALONE
        if form == BASIC_PAIR:
            _pair(token)
        elif form != RAW or not _SCHEME_AND_TOKEN.match(token):
            _one_word(token)
    except VariableError as error:
        return str(error)
    return None


def _pair(token: str) -> None:
    user, colon, password = token.partition(":")
    _one_word(token if " #" in password else user)
    if not user or not colon:
        raise VariableError(
            "Must be user:password for PROVIDER_AUTH=basic-pair, which encodes it itself; for a "
            "pair in base64 set PROVIDER_AUTH=basic."
        )


def _one_word(text: str) -> str:
    if in_quotation_marks(text):
        raise VariableError(QUOTED)
    if _HEADER_NAME.match(text) or _SCHEME.match(text):
        raise VariableError(_KEY_ALONE)
    if not text.isprintable() or " " in text or BLANK_GLYPHS & {*text}:
        raise VariableError(_ONE_WORD)
    return text
