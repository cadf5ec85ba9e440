"""``python -m verify_service.api.openapi``: print the document. Needs no environment."""

import sys

from verify_service.api.openapi import text

sys.stdout.write(text())
