"""``webhook``: try an address, switch it on, send an event again, show what waits."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from verify_service import app as application
from verify_service.cli.errors import IDS_LIKE_OPTIONS, errors_reported
from verify_service.cli.webhook_sentences import events_line, trial_lines
from verify_service.domain.app_events import AppEvents
from verify_service.domain.counts import Counts
from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.operator import Operator
from verify_service.domain.outboxes import RefusedResend
from verify_service.settings.settings import Settings

_REFUSED = {
    "address": "Its app had no address in WEBHOOKS when it began, so it has no events.",
    "unchanged": "Nothing has happened to it yet that is an event.",
}


def webhook_command(operator: Operator, settings: Settings) -> click.Command:
    """Return the group ``webhook``."""

    @click.group()
    def webhook() -> None:
        """Show, try and repair the events.

        docs/events.md says what an event is, and how a login flow receives it.
        """

    for command in (
        _show(operator),
        _test(operator, settings),
        _on(operator),
        _resend(operator),
    ):
        webhook.add_command(command)
    return webhook


def _app_argument(operator: Operator) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def known(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
        if text not in operator.receiving:
            apps = ", ".join(operator.receiving) or "none"
            raise click.ClickException(
                f"{text} has no address in WEBHOOKS. The apps that have one: {apps}."
            )
        return text

    return click.argument("app", callback=known)


def _show(operator: Operator) -> click.Command:
    @click.command()
    @errors_reported
    def show() -> None:
        """List the apps with an address: what waits, and what happened today (UTC)."""
        (today,) = operator.counts.statistics(days=1).days
        for usage in operator.outbox_usage():
            counts = today.tally.apps.get(usage.app, Counts())
            click.echo(events_line(AppEvents(usage, counts)))
        if not operator.receiving:
            click.echo("No app has an address in WEBHOOKS.")

    return show


def _test(operator: Operator, settings: Settings) -> click.Command:
    @click.command()
    @_app_argument(operator)
    @errors_reported
    def test(app: str) -> None:
        """Post a signed test event to an app, and print what came back.

        Its type is `verification.test`, and its verification does not exist. It is posted once, by
        this process, from this machine. The exit status is 1 if it was not accepted.
        """
        trial = application.try_webhook(settings, app)
        for line in trial_lines(app, trial):
            click.echo(line)
        if not trial.accepted:
            sys.exit(1)

    return test


def _on(operator: Operator) -> click.Command:
    @click.command()
    @_app_argument(operator)
    @errors_reported
    def on(app: str) -> None:
        """Post events to an app again, after a 410 has switched its address off."""
        if not operator.switch_webhook_on(app):
            raise click.ClickException(f"The address of {app} is not switched off.")
        click.echo(f"Events are posted to {app} again.")

    return on


def _resend(operator: Operator) -> click.Command:
    @click.command(context_settings=IDS_LIKE_OPTIONS)
    @click.argument("verification_id", metavar="ID")
    @errors_reported
    def resend(verification_id: str) -> None:
        """Post an event again: how a verification stands now.

        ID is its verificationId.
        The event gets a `webhook-id` of its own, because a receiver drops what it has seen. The web
        processes post it, with all tries.
        """
        try:
            sent = operator.resend(verification_id)
        except VerificationNotFound:
            raise click.ClickException("There is no such verification, or no longer.") from None
        except RefusedResend as refused:
            raise click.ClickException(_REFUSED[refused.reason]) from None
        click.echo(
            f"{sent.type} waits to be posted as {sent.id}, a webhook-id of its own: with the first "
            "one the receiver would drop it as a repeat."
        )

    return resend
