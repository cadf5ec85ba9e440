"""Parses the address of another service, and refuses one that could never be reached."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from verify_service.settings.variable import VariableError

CALL_PATH = "/apps/flash/calls/flash"
"""What is added to PROVIDER_URL; ``provider/flash_call.py`` has it too."""
_ENDS = (CALL_PATH, "/apps/flash/calls", "/apps/flash")
_BASE_URL = "Must be an http(s) address without user or query: https://host/api."
_PROXY_URL = (
    "Must be http(s)://[user:password@]host[:port]; percent-encode a password's / @ : # ? [ ]."
)
_WEBHOOK_URL = "Each address must be https://host/path, without user and without #fragment."
LOOPBACK_URL = (
    "http:// is accepted in development alone, to this machine: events would not be encrypted on "
    "their way; use https://."
)
_NOT_IN_A_PATH = {*'"<>\\^`{|}#'}
"""What no path has unless it is percent-encoded (RFC 3986), and the beginning of a fragment."""
_HOST = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?")


def require_one_address(text: str) -> None:
    """Refuse what no address has: blanks, line breaks, a second scheme.

    Raises:
        VariableError: The text has one of them.
    """
    if not text.isprintable() or any(map(str.isspace, text)):
        raise VariableError("Must have no blank or invisible character; percent-encode a blank.")
    if text.count("://") > 1:
        raise VariableError("Must have one scheme: the part before :// is there twice.")


def is_host(text: str) -> bool:
    """Return whether a text can be an address of the internet, or a name that a resolver takes."""
    try:
        text.encode("idna")  # as Python does before it asks the resolver
    except UnicodeError:
        return False
    return _HOST.fullmatch(text) is not None


def base_url(text: str) -> str:
    """Return the provider's base URL, without a slash at its end."""
    require_one_address(text)
    url = _split(text)
    plain = not _NOT_IN_A_PATH & {*text} and "?" not in text and "@" not in url.netloc
    if url.scheme not in ("http", "https") or not is_host(url.hostname or "") or not plain:
        raise VariableError(_BASE_URL)
    if url.path.rstrip("/").lower().endswith(_ENDS):
        raise VariableError(f"Must end before {CALL_PATH}, which is added.")
    return text.rstrip("/")


def proxy_url(text: str) -> SplitResult | None:
    """Return the URL of a proxy, or None where the text is empty."""
    if not text:
        return None
    require_one_address(text)
    url = _split(text)
    more = url.path.strip("/") or {*"?#\\<>"} & {*text}
    if url.scheme not in ("http", "https") or not is_host(url.hostname or "") or more:
        raise VariableError(_PROXY_URL)
    return url


def webhook_url(text: str) -> str:
    """Return the address of a receiver of events. It may have a query."""
    require_one_address(text)
    url = _split(text)
    plain = not _NOT_IN_A_PATH & {*text} and "@" not in url.netloc
    if url.scheme not in ("http", "https") or not is_host(url.hostname or "") or not plain:
        raise VariableError(_WEBHOOK_URL)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise VariableError(LOOPBACK_URL)
    return text


def is_loopback(host: str) -> bool:
    """Return whether an address's host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(text: str) -> SplitResult:
    """Return the parts of an address; no part at all if it is broken, or its port is 0."""
    nothing = SplitResult("", "", "", "", "")
    try:
        url = urlsplit(text)
        broken = url.port == 0
    except ValueError:  # its message repeats the address
        broken = True
    return nothing if broken else url
