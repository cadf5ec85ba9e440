"""The operator's commands."""

from __future__ import annotations

import click

from verify_service.cli.access_keys import access_key
from verify_service.cli.doctor import doctor_command
from verify_service.cli.durations import duration_option
from verify_service.cli.errors import errors_reported
from verify_service.cli.security_table import security_table
from verify_service.cli.sentences import (
    budget_lines,
    counted,
    full_limit_line,
    refusal_lines,
    restriction_line,
    usage_lines,
)
from verify_service.cli.stats import stats_commands
from verify_service.cli.webhooks import webhook_command
from verify_service.domain.durations import format_duration
from verify_service.domain.limits import WIDE_LIMITS
from verify_service.domain.numbers import mask
from verify_service.domain.operator import Operator
from verify_service.settings.settings import Settings

SECTIONS = {
    "What happens": ("doctor", "stats", "verification"),
    "One number": ("number", "unlock", "erase"),
    "Prefixes and countries": ("blocked", "block", "allow", "unblock", "reset"),
    "All calls": ("pause", "resume"),
    "Events": ("webhook",),
    "The settings": ("security", "access-key"),
}
"""The order of ``operator --help``."""


class Sections(click.Group):
    """A group of commands whose help has sections."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write one list for each section."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(80)) for name in names]
                )


def install(group: click.Group, operator: Operator, settings: Settings) -> None:
    """Add the operator's commands to the application's own.

    Each works under its own name: ``flask --app wsgi blocked``. ``flask --app wsgi --help`` lists
    Flask's commands and the group ``operator``, whose help lists the operator's.
    """
    commands = Sections("operator", help=_ABOUT, short_help="Count, show, unlock, block, pause.")
    for command in (
        doctor_command(operator, settings),
        *stats_commands(operator),
        *_number_commands(operator, settings.number_limits.lock_after),
        *_prefix_commands(operator),
        *_pause_commands(operator),
        webhook_command(operator, settings),
        _security_command(settings),
        access_key,
    ):
        commands.add_command(command)
        command.hidden = True
        group.add_command(command)
    group.add_command(commands)


_ABOUT = """Show and change what the service does while it runs.

Each command also works without the word `operator`, and --help explains it.
"""


def _number_commands(operator: Operator, lock_after: int) -> list[click.Command]:
    def masked(text: str) -> str:
        return mask(operator.number(text))

    @click.command()
    @click.argument("number")
    @errors_reported
    def number(number: str) -> None:
        """Show what refuses a number's starts.

        First every pause, block and shared limit that refuses starts of the NUMBER, and how full
        the shared limits are; then the limits of strangers, and those of each known device. The
        limit of a client address is not shown: it depends on the caller.
        """
        diagnosis = operator.diagnose(number)
        click.echo(f"{mask(diagnosis.number)}, {diagnosis.country}")
        for line in refusal_lines(diagnosis, operator.limits):
            click.echo(line)
        for line in usage_lines(diagnosis, operator.limits):
            click.echo(line)
        for budget in diagnosis.budgets:
            for line in budget_lines(budget, lock_after):
                click.echo(line)
        if not diagnosis.budgets:
            click.echo("No start, guess or device is stored for this number itself.")

    @click.command()
    @click.argument("number")
    @errors_reported
    def unlock(number: str) -> None:
        """End a number's lock.

        Deletes the wrong guesses of the NUMBER, those in a row and those of the day, of strangers
        and of its devices. Its starts still count.
        """
        deleted = operator.unlock(number)
        if deleted is None:
            raise click.ClickException(f"Nothing is stored that limits {masked(number)}.")
        click.echo(f"Unlocked {masked(number)}: {counted(deleted, 'wrong guess')} deleted.")

    @click.command()
    @click.argument("number")
    @click.confirmation_option(
        prompt="This also deletes its limits and its lock, and voids pending codes. Erase?"
    )
    @errors_reported
    def erase(number: str) -> None:
        """Delete everything stored for a number.

        Limits, lock, verifications, callbacks and Idempotency-Keys of the NUMBER; pending codes
        become void. Totals of its prefix and its country stay: they contain no number.
        """
        deleted = operator.erase(number)
        if not deleted:
            raise click.ClickException(f"Nothing is stored for {masked(number)}.")
        click.echo(f"Erased {counted(deleted, 'key')} of {masked(number)}.")

    return [number, unlock, erase]


def _prefix_commands(operator: Operator) -> list[click.Command]:
    @click.command()
    @click.argument("prefix")
    @duration_option("1h")
    @errors_reported
    def block(prefix: str, seconds: int) -> None:
        """Refuse a prefix for a time.

        PREFIX is the first digits of E.164, for example +7917913: at most a number without its last
        four digits. If several prefixes match a number, the longest decides.
        """
        blocked = operator.block(prefix, seconds)
        click.echo(
            f"Blocked {blocked} for {format_duration(seconds)}. `unblock {blocked}` ends it."
        )

    @click.command()
    @click.argument("prefix")
    @duration_option("1h")
    @errors_reported
    def allow(prefix: str, seconds: int) -> None:
        """Exempt a prefix from guards for a time.

        The prefix limit, the conversion guard and blocks of shorter prefixes do not refuse numbers
        with this PREFIX. All other limits apply.
        """
        allowed = operator.allow(prefix, seconds)
        click.echo(
            f"Allowed {allowed} for {format_duration(seconds)}. `unblock {allowed}` ends it."
        )

    @click.command()
    @click.argument("scope")
    @errors_reported
    def unblock(scope: str) -> None:
        """End a block, an exemption or an alarm.

        SCOPE is what `blocked` lists before the colon: a prefix, a country or an alarm's name. The
        limits apply again, and a guard's next block lasts an hour.
        """
        ended = operator.unblock(scope)
        if ended is None:
            raise click.ClickException(
                f"{scope} has no block, exemption or alarm. `blocked` lists them."
            )
        click.echo(f"{ended} has no block, exemption or alarm any more.")

    @click.command()
    @errors_reported
    def blocked() -> None:
        """List what is blocked, and why.

        Also what is allowed, paused or under alarm, and which limits over many numbers are full: by
        whom, after what, for how long, and which command ends it.
        """
        restrictions, full_limits = operator.restrictions(), operator.full_limits()
        for restriction in restrictions:
            click.echo(restriction_line(restriction))
        for full in full_limits or ():
            click.echo(full_limit_line(full, dry_run=full.limit in operator.limits.dry_run))
        if not restrictions and not full_limits:
            click.echo("Nothing is blocked.")
        if full_limits is None:
            click.echo("Full limits are not listed: our Redis user may not run SCAN.", err=True)

    @click.command()
    @click.argument("limit", type=click.Choice(WIDE_LIMITS))
    @click.argument("scope", default="")
    @errors_reported
    def reset(limit: str, scope: str) -> None:
        """Have a full limit count from zero.

        LIMIT is its name, and SCOPE what `blocked` lists before the colon: a prefix, a country, an
        app, or a client's address; none for the day. Starts that it has counted are forgotten.
        """
        about = f"{limit} {scope}".rstrip()
        if not operator.reset(limit, scope):
            raise click.ClickException(
                f"{about} has counted nothing. `blocked` lists what is full."
            )
        click.echo(f"{about} counts from zero.")

    return [block, allow, unblock, blocked, reset]


def _pause_commands(operator: Operator) -> list[click.Command]:
    @click.command()
    @duration_option("1d")
    @errors_reported
    def pause(seconds: int) -> None:
        """Place no call for a time.

        Starts are answered with 503 and Retry-After. Checks go on.
        """
        operator.pause(seconds)
        click.echo(f"All calls are paused for {format_duration(seconds)}. `resume` ends it.")

    @click.command()
    @errors_reported
    def resume() -> None:
        """Let calls be placed again.

        Ends the operator's pause and the breaker's, and prints which of them there was.
        """
        ended = operator.resume()
        if not (ended.operator or ended.breaker):
            click.echo("Calls were not paused.")
            return
        names = (("the operator", ended.operator), ("the breaker", ended.breaker))
        paused_by = " and ".join(name for name, paused in names if paused)
        click.echo(f"Calls are placed again; they were paused by {paused_by}.")

    return [pause, resume]


def _security_command(settings: Settings) -> click.Command:
    @click.command()
    def security() -> None:
        """Print upper bounds on attacks.

        They follow from the settings in force; docs/security.md explains them.
        """
        click.echo(security_table(settings.number_limits, settings.wide_limits))

    return security
