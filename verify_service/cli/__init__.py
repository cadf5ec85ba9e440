"""The operator's command line: ``flask --app wsgi <command>``."""

from verify_service.cli.commands import install
from verify_service.cli.environment import settings_told

__all__ = ["install", "settings_told"]
