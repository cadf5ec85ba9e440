"""``access-key new``: makes the key of a login flow. It needs neither settings nor Redis."""

from __future__ import annotations

import secrets

import click

from verify_service.settings.parsers import is_app_name, sha256_hex

KEY_BYTES = 32
"""256 bits of randomness cannot be guessed, so the digest needs no salt and no work factor."""


@click.group("access-key", short_help="Make the key of a login flow.")
def access_key() -> None:
    """Make the key of a login flow."""


@access_key.command()
@click.argument("name")
def new(name: str) -> None:
    """Print a new key, once, and what to set.

    NAME is the login flow's, as the logs and the statistics show it. The service stores the key's
    digest alone, so a key that is lost cannot be read again: make another.
    """
    if not is_app_name(name):
        raise click.ClickException("A name has 1 to 64 of the characters A-Z a-z 0-9 _ . -")
    key = secrets.token_urlsafe(KEY_BYTES)
    click.echo(f"""\
The key of {name}, which is not shown again:
  {key}
Append to ACCESS_KEYS, after a comma if it is not empty:
  {name}={sha256_hex(key)}
To replace a key: append this pair and restart the service, have {name} send the new key,
then remove the old pair and restart again.""")
