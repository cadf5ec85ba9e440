"""``python -m verify_service.cli``: the commands that need no settings, before there are any."""

import click

from verify_service.cli.access_keys import access_key

main = click.Group(commands=[access_key])

if __name__ == "__main__":
    main(prog_name="python -m verify_service.cli")
