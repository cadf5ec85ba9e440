"""The operator's command line: ``flask --app wsgi <command>``."""

from verify_service.cli.commands import install

__all__ = ["install"]
