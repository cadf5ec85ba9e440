"""What a WSGI server loads: ``wsgi:app``. Reads the environment, starts no process."""

from verify_service.app import create_app
from verify_service.settings import Settings

app = create_app(Settings.from_env())
