"""Who may call: every way the page and real clients of this API present the token."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hmac import compare_digest

from flask import Request


class Guard:
    """Admits requests that carry the token in one of its forms.

    The page says `X-Authorization: AccessKey <token>`, as a header or as a query argument, and for
    flash calls `Authorization: <token>`. Real clients add the other schemes.
    """

    def __init__(self, token: str) -> None:
        basic = list(_basic(token))
        self._x_authorization = _forms([f"AccessKey {token}", f"Bearer {token}", *basic])
        self._authorization = _forms([token, f"AccessKey {token}", *basic])
        self._argument = _forms([f"AccessKey {token}"])

    def admits(self, request: Request) -> bool:
        """Whether any of the three places holds the token."""
        headers = request.headers
        # WSGI hands headers over as Latin-1, whatever bytes they were.
        return (
            _matches(headers.get("X-Authorization", "").encode("latin-1"), self._x_authorization)
            or _matches(headers.get("Authorization", "").encode("latin-1"), self._authorization)
            or _matches(request.args.get("X-Authorization", "").encode(), self._argument)
        )


def _basic(token: str) -> Iterator[str]:
    """The raw token, and the base64 that RFC 7617 asks for where it is a `user:password`."""
    yield f"Basic {token}"
    if ":" in token:
        yield f"Basic {b64encode(token.encode()).decode()}"


def _forms(texts: Iterable[str]) -> list[bytes]:
    return [text.encode() for text in texts]


def _matches(presented: bytes, forms: list[bytes]) -> bool:
    # All forms are compared before any is believed: the time tells nothing of which one matched.
    verdicts = [compare_digest(presented, form) for form in forms]
    return any(verdicts)
