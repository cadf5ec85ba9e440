"""``python -m verify_service.testing``: a service for tests.

Runs the service, a real Valkey and the provider's simulator on free ports of this machine. Prints
their addresses in one line of JSON. Ends on Ctrl-C, SIGTERM or, with an option, at the end of its
standard input.
"""

from __future__ import annotations

import io
import json
import os
import select
import sys
from dataclasses import fields

EXTRA = "Install the package's extra: pip install 'verify-service[testing]'"

try:
    import click

    from verify_service.sandbox.server import quiet_end
    from verify_service.settings.settings import Settings
    from verify_service.testing.servers import running
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed. {EXTRA}")

RESERVED = {"APP_ENV", "REDIS_URL", "PROVIDER_URL"}
"""Settings that this command sets."""
SETTINGS = sorted({field.name.upper() for field in fields(Settings)} - RESERVED)
SIGNAL_SECONDS = 0.5
"""The longest that a signal waits for its handler."""
PORT = click.IntRange(0, 65535)


@click.command(
    context_settings={"show_default": True, "max_content_width": 100},
    epilog="POST <sandbox>/sandbox/reset removes calls, script, verifications and limits. See "
    "docs/sandbox.md for the simulator and docs/testing-your-login.md for tests.",
)
@click.option(
    "--set",
    "chosen",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the service, for example START_COOLDOWNS=0. Can be repeated.",
)
@click.option("--port", default=0, type=PORT, help="The service's port; 0 selects a free one.")
@click.option(
    "--sandbox-port", default=0, type=PORT, help="The simulator's port; 0 selects a free one."
)
@click.option(
    "--callback-delay",
    default=0.05,
    type=click.FloatRange(0, 3600),
    help="Seconds from a call to its callback.",
)
@click.option("--until-eof", is_flag=True, help="End at the end of standard input.")
def main(
    chosen: tuple[str, ...], port: int, sandbox_port: int, callback_delay: float, until_eof: bool
) -> None:
    """Run the service, Valkey and the provider's simulator for your tests.

    When they run, the first line of output is {"url": …, "sandbox": …, "accessKey": …, "events": …,
    "webhookSecret": …}. The service posts its events to the address "events"; each one is a line
    on standard error. Settings in the environment are ignored, so that no test calls a real
    provider. No data is kept.
    """
    settings = _settings(chosen)
    # The signal handlers come first: a signal can arrive while the servers start.
    with quiet_end(), running(settings, port, sandbox_port, callback_delay) as addresses:
        click.echo(json.dumps(addresses))
        _wait_for_a_signal(sys.stdin.fileno() if until_eof else None)


def _wait_for_a_signal(standard_input: int | None) -> None:
    """Wait until the handler of a signal raises, or until the input ends, if there is one.

    Python runs handlers between two waits. A signal that arrives just before a wait does not wake
    it, so every wait has a timeout.
    """
    inputs = [] if standard_input is None else [standard_input]
    while True:
        for ready in select.select(inputs, [], [], SIGNAL_SECONDS)[0]:
            if not os.read(ready, io.DEFAULT_BUFFER_SIZE):
                return


def _settings(chosen: tuple[str, ...]) -> dict[str, str]:
    settings = {}
    for text in chosen:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter("Write NAME=VALUE.", param_hint="--set")
        if name in RESERVED:
            raise click.BadParameter(f"{name} is this command's own to set.", param_hint="--set")
        if name not in SETTINGS:
            raise click.BadParameter(
                f"{name!r} is no setting; there are {', '.join(SETTINGS)}.", param_hint="--set"
            )
        settings[name] = value
    return settings


if __name__ == "__main__":
    main(prog_name="python -m verify_service.testing")
