"""`python -m verify_service.sandbox`: the simulator in its own process."""

import logging
from typing import Any

import click

from verify_service.sandbox.app import create_sandbox
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.server import base_url, bind, quiet_end
from verify_service.sandbox.table import Table, markdown

OPTIONS = {
    "access_key": "Token that a client must send.",
    "app_key": "appKey in every callback.",
    "callback_url": "Where callbacks are sent; without it none are sent.",
    "callback_delay": "Seconds from an answer to its callback.",
    "caller_prefix": "Digits of the calling number before the code.",
    "slow_answer": "Seconds before a slow answer.",
    "drip": "Seconds between two bytes of a dripping answer.",
    "hang": "Seconds after which a dripping or missing answer ends.",
    "late_callback": "Seconds from an answer to a late callback.",
}
"""Each setting, with its help text."""


def _config_options(command: Any) -> Any:
    for name, text in reversed(OPTIONS.items()):
        default = getattr(SandboxConfig, name)
        option = click.option(f"--{name.replace('_', '-')}", default=default, help=text)
        command = option(command)
    return command


@click.command(
    context_settings={
        "auto_envvar_prefix": "SANDBOX",
        "show_default": True,
        "max_content_width": 100,
    },
    epilog="Each option is also an environment variable: SANDBOX_PORT, SANDBOX_CALLBACK_URL, ...",
)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option(
    "--port", default=9090, type=click.IntRange(0, 65535), help="Port; 0 selects a free one."
)
@_config_options
@click.option("--table", is_flag=True, help="Print the table of numbers in Markdown and exit.")
def main(host: str, port: int, table: bool, **settings: Any) -> None:
    """Simulate the provider of flash calls over HTTP. No real call is placed."""
    try:
        config = SandboxConfig(**settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if table:
        click.echo(markdown(Table(config)), nl=False)
        return
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with quiet_end():
        server = bind(create_sandbox(config), host, port)
        click.echo(f"Provider simulator: {base_url(server)}")
        click.echo(f"A phone that rings: {base_url(server).removesuffix('/api')}/phone")
        server.serve_forever()


if __name__ == "__main__":
    main(prog_name="python -m verify_service.sandbox")
