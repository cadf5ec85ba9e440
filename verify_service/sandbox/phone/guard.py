"""Whose page may use the phone: the simulator's own, and nobody's else.

A browser on this machine shows pages of anybody's, and each of them can send requests to 127.0.0.1.
What the phone does over HTTP changes what happens to calls, so it is held to three rules:

- A change comes with an Origin that is exactly the simulator's own address. Every browser sends
  it with a POST, and no page can choose it.
- That address is a number, or localhost. A name of somebody's that leads to 127.0.0.1 would be
  the same origin in the eyes of a browser; it is refused.
- Listening counts as a change, since an open phone takes calls, but a browser lets any page begin
  a GET. So it asks for a key which only an answer to a POST holds.
"""

from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import request

from verify_service.sandbox.complaints import Complaint

LARGEST_BODY = 10_000
"""Bytes."""


def from_our_own_page() -> None:
    """Refuse all but the page itself, and what it asks for.

    Raises:
        Complaint: a request of another origin, or at a name that is not this machine's.
    """
    here = request.host_url.rstrip("/")
    if not _is_fixed(here):
        raise _prohibited("the phone is at an address of digits, or at localhost")
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    if request.headers.get("Origin") != here:
        raise _prohibited("only the phone's own page (by its Origin) may do this")
    request.max_content_length = LARGEST_BODY


def holds(key: str) -> None:
    """Refuse a request that does not hold the key.

    Raises:
        Complaint: it holds another one, or none.
    """
    if not compare_digest(request.args.get("key", "").encode(), key.encode()):
        raise _prohibited("key must be the one that POST /phone/open answers")


def _is_fixed(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or bool(ip_address(host))
    except ValueError:
        return False


def _prohibited(reason: str) -> Complaint:
    return Complaint(403, "prohibitedForAppError", reason)
