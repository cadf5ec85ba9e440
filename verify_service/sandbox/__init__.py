"""The provider's simulator: a WSGI app that implements the Flash Call API over real HTTP.

It places no real calls. The number selects what happens (see `table`), unless `POST /sandbox/next`
has scripted the next call. `GET /sandbox/calls` returns what happened. From a test in Python,
`control.SandboxControl` does both. `python -m verify_service.sandbox` runs it; the manual is
docs/sandbox.md. It shares no code with the provider client, so that two independent readings of
the provider's page check each other.
"""

from verify_service.sandbox.app import create_sandbox
from verify_service.sandbox.config import SandboxConfig

__all__ = ["SandboxConfig", "create_sandbox"]
