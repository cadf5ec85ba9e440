"""The variables of the events: where each app's events are posted, and what signs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verify_service.settings.variable import variable
from verify_service.settings.webhooks import (
    LEAST_BYTES,
    MOST_BYTES,
    SECRET_PREFIX,
    addresses_by_app,
    secrets_by_app,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAddress:
    """Where the events of an app are posted.

    Attributes:
        app: The app's name.
        url: The address. It may contain a token, so it belongs into no log.
        secrets: One, or two while the one replaces the other. Each signs every event.
    """

    app: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class WebhookSettings:
    """Which login flows receive events."""

    webhooks: Mapping[str, str] = variable(
        addresses_by_app,
        """
        Where each change of an app's verifications is posted as an event. An app without an address
        receives none. The address is https://, in development also http:// to this machine, without
        a user, because the signature proves who sent an event. Write a comma within an address as
        %2C. An example of the value:
            shop=https://shop.example/hooks/verify
        """,
        unit="<app>=<address>, comma-separated",
        default="",
        secret=True,
    )
    webhook_secrets: Mapping[str, tuple[str, ...]] = variable(
        secrets_by_app,
        f"""
        What signs the events of each app that has an address. An app may have two secrets while it
        replaces one by the other: then each event has two signatures. To make one:
            echo "{SECRET_PREFIX}$(openssl rand -base64 32)"
        """,
        unit=(
            f"<app>={SECRET_PREFIX}<{LEAST_BYTES} to {MOST_BYTES} bytes in base64>, comma-separated"
        ),
        default="",
        secret=True,
    )

    @property
    def webhook_addresses(self) -> tuple[WebhookAddress, ...]:
        """Each address with its secrets."""
        return tuple(
            WebhookAddress(app=app, url=url, secrets=self.webhook_secrets[app])
            for app, url in self.webhooks.items()
        )
