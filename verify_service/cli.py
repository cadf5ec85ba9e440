"""The operator's command line: ``flask --app wsgi <command>``."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from verify_service.errors import InvalidNumber, StoreUnavailable
from verify_service.guards.claim import security
from verify_service.guards.hand import Hand
from verify_service.numbers import canonical, mask
from verify_service.settings import Settings

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
LONGEST = 366 * UNITS["d"]
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd]?)\Z")


class Duration(click.ParamType):  # type: ignore[type-arg]
    """Seconds, or a number with a unit: 90, 30m, 2h, 1d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Return seconds."""
        if isinstance(value, int):
            return value
        match = _DURATION.match(value)
        seconds = int(match[1]) * UNITS[match[2] or "s"] if match else 0
        if not 0 < seconds <= LONGEST:
            self.fail("Write e.g. 90 (seconds), 30m, 2h or 1d; a year at most.", param, ctx)
        return seconds


def _for(default: str) -> Callable[[Any], Any]:
    about = "How long: seconds, or with a unit, e.g. 30m, 2h, 1d."
    return click.option(
        "--for", "seconds", type=Duration(), default=default, show_default=True, help=about
    )


def _told(command: Callable[..., None]) -> Callable[..., None]:
    """Say what is wrong in a sentence."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except InvalidNumber as error:
            raise click.ClickException(error.reason) from None
        except StoreUnavailable as error:
            raise click.ClickException(f"Redis cannot be reached: {error.reason}") from None

    return run


def install(group: click.Group, hand: Hand, settings: Settings) -> None:
    """Add the operator's commands to the application's own."""

    @group.command()
    @click.argument("number")
    @_told
    def number(number: str) -> None:
        """Show what a NUMBER may still do, lane by lane."""
        click.echo(mask(canonical(number)))
        for lane in hand.lanes(number):
            name = f"device {lane.device}" if lane.device else "strangers"
            wait = "a start is let through"
            if lane.wait:
                wait = f"{lane.wait.limit}: a start waits {_span(lane.wait.seconds)}"
            click.echo(
                f"  {name}: {lane.starts} starts, {lane.failures} wrong guesses, "
                f"{lane.run} in a row; {wait}"
            )

    @group.command()
    @click.argument("number")
    @_told
    def unlock(number: str) -> None:
        """End a NUMBER's lock, runs and the day's wrong guesses."""
        lanes = hand.unlock(number)
        click.echo(f"Unlocked {mask(canonical(number))}: {lanes} lanes had wrong guesses.")

    @group.command()
    @click.argument("number")
    @click.confirmation_option(
        prompt="Its limits and its lock go too, and pending codes are void. Erase?"
    )
    @_told
    def erase(number: str) -> None:
        """Delete everything that is kept of a NUMBER."""
        found = hand.erase(number)
        click.echo(f"Erased {found} keys of {mask(canonical(number))}.")

    @group.command()
    @click.argument("prefix")
    @_for("1h")
    @_told
    def block(prefix: str, seconds: int) -> None:
        """Refuse every number with this PREFIX, e.g. +7917913, for a time."""
        click.echo(f"Blocked {hand.block(prefix, seconds)} for {_span(seconds)}.")

    @group.command()
    @click.argument("prefix")
    @_for("1h")
    @_told
    def allow(prefix: str, seconds: int) -> None:
        """Exempt a PREFIX from the prefix limit and the conversion guard for a time."""
        click.echo(f"Allowed {hand.allow(prefix, seconds)} for {_span(seconds)}.")

    @group.command()
    @click.argument("place")
    @_told
    def unblock(place: str) -> None:
        """End what holds for a PLACE (a prefix or a country): the limits decide again."""
        found = hand.unblock(place)
        click.echo(f"Nothing is held for {place} any more." if found else f"{place} was not held.")

    @group.command()
    @_told
    def blocked() -> None:
        """List what is blocked, allowed, paused or under alarm, by whom and for how long."""
        held = hand.held()
        for one in held:
            click.echo(f"{one.place}: {one.kind}, by {one.who}, for {_span(one.seconds)} more")
        if not held:
            click.echo("Nothing is blocked.")

    @group.command()
    @_for("1d")
    @_told
    def pause(seconds: int) -> None:
        """Let nobody be called for a time; starts get 503. Checks go on."""
        hand.pause(seconds)
        click.echo(f"All calls are paused for {_span(seconds)}.")

    @group.command()
    @_told
    def resume() -> None:
        """Let calls be placed again."""
        click.echo("Calls are placed again." if hand.resume() else "Calls were not paused.")

    @group.command(name="security")
    def show_security() -> None:
        """Print what an attacker can achieve at most, at the settings in force."""
        click.echo(security(settings.policy, settings.wide_policy))


def _span(seconds: int) -> str:
    """Return ``1 d 2 h``: the two largest units of a duration."""
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, UNITS[unit])
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
