"""The ways of showing the token that the provider's page and its real clients know."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes along with every request."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)


def _pair(token: str) -> str:
    return b64encode(token.encode()).decode()


AUTH_FORMS: dict[str, Callable[[str], Credentials]] = {
    "x-accesskey": lambda token: Credentials({"X-Authorization": f"AccessKey {token}"}),
    "x-basic": lambda token: Credentials({"X-Authorization": f"Basic {token}"}),
    "x-bearer": lambda token: Credentials({"X-Authorization": f"Bearer {token}"}),
    "raw": lambda token: Credentials({"Authorization": token}),
    "basic": lambda token: Credentials({"Authorization": f"Basic {token}"}),
    "basic-pair": lambda token: Credentials({"Authorization": f"Basic {_pair(token)}"}),
    "accesskey": lambda token: Credentials({"Authorization": f"AccessKey {token}"}),
    "query": lambda token: Credentials(query={"X-Authorization": f"AccessKey {token}"}),
}
"""By the name ``PROVIDER_AUTH`` takes. The page: ``X-Authorization: AccessKey <token>``, as a
header or as a query argument; its FlashCall section: ``HTTP Basic``, ``Authorization: token``."""
