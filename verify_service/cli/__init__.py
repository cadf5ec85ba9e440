"""The operator's command line: ``flask --app wsgi <command>``."""

from verify_service.cli.commands import install
from verify_service.cli.errors import settings_errors_reported

__all__ = ["install", "settings_errors_reported"]
