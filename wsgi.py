"""What a WSGI server loads: ``wsgi:app``. Reads the environment, starts no process."""

from verify_service import cli
from verify_service.app import create_app, create_operator
from verify_service.settings.settings import Settings

with cli.settings_errors_reported():
    settings = Settings.from_env()
    app = create_app(settings)
    cli.install(app.cli, create_operator(settings), settings)
