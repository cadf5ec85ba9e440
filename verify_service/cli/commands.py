"""The commands, and how they are listed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from verify_service.cli.durations import lasting, span
from verify_service.cli.security_table import security_table
from verify_service.cli.sentences import (
    budget_lines,
    counted,
    refusal_lines,
    restriction_line,
    usage_lines,
)
from verify_service.domain.errors import InvalidNumber, StoreUnavailable
from verify_service.domain.numbers import mask
from verify_service.domain.operator import Operator
from verify_service.settings.settings import Settings

SECTIONS = {
    "One number": ("number", "unlock", "erase"),
    "Prefixes and countries": ("blocked", "block", "allow", "unblock"),
    "All calls": ("pause", "resume"),
    "The settings": ("security",),
}
"""How ``operator --help`` lists the commands."""


class Sections(click.Group):
    """A group whose help has its commands by what they are about."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write one list a section."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(80)) for name in names]
                )


def install(group: click.Group, operator: Operator, settings: Settings) -> None:
    """Add the operator's commands to the application's own.

    Each is there under its own name, ``flask --app wsgi blocked``; so that the list of Flask's own
    commands stays short, they are listed in ``flask --app wsgi operator --help``.
    """
    commands = Sections("operator", help=_ABOUT, short_help="Look, unlock, block, pause, erase.")
    for command in _commands(operator, settings):
        commands.add_command(command)
        command.hidden = True
        group.add_command(command)
    group.add_command(commands)


_ABOUT = """Look and act while the service runs.

Each command also goes without the word `operator`, and says more of itself with --help.
"""


def _told(command: Callable[..., None]) -> Callable[..., None]:
    """Say what is wrong in a sentence."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except InvalidNumber as error:
            raise click.ClickException(error.reason) from None
        except StoreUnavailable as error:
            raise click.ClickException(f"Redis {error.state}. Mend that and try again.") from None

    return run


def _commands(operator: Operator, settings: Settings) -> list[click.Command]:
    return [
        *_of_a_number(operator, settings.policy.lock_after),
        *_of_places(operator),
        *_of_all_calls(operator),
        _security(settings),
    ]


def _of_a_number(operator: Operator, lock_after: int) -> list[click.Command]:
    def masked(text: str) -> str:
        return mask(operator.number(text))

    @click.command()
    @click.argument("number")
    @_told
    def number(number: str) -> None:
        """Show what a number may still do.

        First what refuses every start of the NUMBER, and how full the limits are that it shares
        with others; then what strangers may still do, and each device that it knows. The limit of
        a client's address is not shown: it depends on who asks.
        """
        found = operator.diagnose(number)
        click.echo(f"{mask(found.number)}, {found.country}")
        for line in (*refusal_lines(found, operator.policy), *usage_lines(found, operator.policy)):
            click.echo(line)
        for budget in found.budgets:
            for line in budget_lines(budget, lock_after):
                click.echo(line)
        if not found.budgets:
            raise click.ClickException(f"Nothing is kept of {masked(number)} that limits it.")

    @click.command()
    @click.argument("number")
    @_told
    def unlock(number: str) -> None:
        """End a number's lock.

        Wrong guesses of the NUMBER, in a row and of the day, are forgotten, strangers' and its
        devices'. Its starts count as before.
        """
        forgotten = operator.unlock(number)
        if forgotten is None:
            raise click.ClickException(f"Nothing is kept of {masked(number)} that limits it.")
        guesses = counted(forgotten, "wrong guess")
        click.echo(f"Unlocked {masked(number)}: {guesses} forgotten.")

    @click.command()
    @click.argument("number")
    @click.confirmation_option(
        prompt="Its limits and its lock go too, and pending codes are void. Erase?"
    )
    @_told
    def erase(number: str) -> None:
        """Delete everything kept of a number.

        Limits, lock, verifications, callbacks and Idempotency-Keys of the NUMBER; pending codes
        are void. Totals of its prefix and country stay; they contain no number.
        """
        found = operator.erase(number)
        if not found:
            raise click.ClickException(f"Nothing is kept of {masked(number)}.")
        click.echo(f"Erased {counted(found, 'key')} of {masked(number)}.")

    return [number, unlock, erase]


def _of_places(operator: Operator) -> list[click.Command]:
    @click.command()
    @click.argument("prefix")
    @lasting("1h")
    @_told
    def block(prefix: str, seconds: int) -> None:
        """Refuse a prefix for a time.

        PREFIX is the first digits of E.164, e.g. +7917913: at most a number less its last four
        digits. The longest one that fits a number decides.
        """
        click.echo(f"Blocked {operator.block(prefix, seconds)} for {span(seconds)}.")

    @click.command()
    @click.argument("prefix")
    @lasting("1h")
    @_told
    def allow(prefix: str, seconds: int) -> None:
        """Exempt a prefix from guards for a time.

        Numbers with this PREFIX pass the prefix limit, the conversion guard and blocks of shorter
        prefixes; all other limits hold.
        """
        click.echo(f"Allowed {operator.allow(prefix, seconds)} for {span(seconds)}.")

    @click.command()
    @click.argument("place")
    @_told
    def unblock(place: str) -> None:
        """End what is held for a place.

        PLACE is what `blocked` lists before the colon: a prefix, a country, an alarm's name. The
        limits decide again, and a guard's next block is a first one.
        """
        ended = operator.unblock(place)
        if ended is None:
            raise click.ClickException(f"Nothing is held for {place}. `blocked` lists what is.")
        click.echo(f"Nothing is held for {ended} any more.")

    @click.command()
    @_told
    def blocked() -> None:
        """List what is blocked, and why.

        Also what is allowed, paused or under alarm: by whom, after what, and for how long.
        """
        restrictions = operator.restrictions()
        for one in restrictions:
            click.echo(restriction_line(one))
        if not restrictions:
            click.echo("Nothing is blocked.")

    return [block, allow, unblock, blocked]


def _of_all_calls(operator: Operator) -> list[click.Command]:
    @click.command()
    @lasting("1d")
    @_told
    def pause(seconds: int) -> None:
        """Place no call for a time.

        Starts are answered with 503 and the seconds to wait; checks go on.
        """
        operator.pause(seconds)
        click.echo(f"All calls are paused for {span(seconds)}.")

    @click.command()
    @_told
    def resume() -> None:
        """Let calls be placed again.

        It ends the operator's pause and the breaker's, and says which of them there was.
        """
        ended = operator.resume()
        if not (ended.operator or ended.breaker):
            click.echo("Calls were not paused.")
            return
        whose = " and ".join(
            name
            for name, was in (("the operator", ended.operator), ("the breaker", ended.breaker))
            if was
        )
        click.echo(f"Calls are placed again; they were paused by {whose}.")

    return [pause, resume]


def _security(settings: Settings) -> click.Command:
    @click.command(name="security")
    def show() -> None:
        """Print the most an attacker achieves.

        In figures that follow from the settings in force; docs/security.md explains them.
        """
        click.echo(security_table(settings.policy, settings.wide_limits))

    return show
