"""`python -m verify_service.sandbox`: the simulator in a process of its own."""

import logging
from typing import Any

import click

from verify_service.sandbox.app import create_sandbox
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.server import base_url, bind, quiet_end
from verify_service.sandbox.table import Table
from verify_service.sandbox.welcome import markdown


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
    "--port",
    default=9090,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0: any free one.",
)
@click.option("--access-key", default=SandboxConfig.access_key, help="Token a client must send.")
@click.option("--app-key", default=SandboxConfig.app_key, help="appKey in every callback.")
@click.option("--callback-url", help="Where callbacks go; without it none are sent.")
@click.option(
    "--callback-delay",
    default=SandboxConfig.callback_delay,
    help="Seconds from an answer to its callback.",
)
@click.option(
    "--caller-prefix",
    default=SandboxConfig.caller_prefix,
    help="Digits of the calling number before the code.",
)
@click.option(
    "--slow-answer",
    default=SandboxConfig.slow_answer,
    help="Seconds that a slow answer takes.",
)
@click.option(
    "--drip",
    default=SandboxConfig.drip,
    help="Seconds from byte to byte of an answer that drips.",
)
@click.option(
    "--hang",
    default=SandboxConfig.hang,
    help="Seconds after which an answer that drips or does not come is given up.",
)
@click.option(
    "--late-callback",
    default=SandboxConfig.late_callback,
    help="Seconds from an answer to a late callback.",
)
@click.option("--table", is_flag=True, help="Print the table of numbers in Markdown, and no more.")
def main(host: str, port: int, table: bool, **settings: Any) -> None:
    """Simulate the provider of flash calls over HTTP. Nobody is rung."""
    config = _config(settings)
    if table:
        click.echo(markdown(Table(config)), nl=False)
        return
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with quiet_end():
        server = bind(create_sandbox(config), host, port)
        click.echo(f"Provider simulator: {base_url(server)}")
        click.echo(f"A phone that rings: {base_url(server).removesuffix('/api')}/phone")
        server.serve_forever()


def _config(settings: dict[str, Any]) -> SandboxConfig:
    try:
        return SandboxConfig(**settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


if __name__ == "__main__":
    main(prog_name="python -m verify_service.sandbox")
