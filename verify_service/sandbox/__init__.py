"""The provider's simulator: a separate WSGI app that answers the Flash Call page over real HTTP.

It rings nobody. The number decides what happens (see `outcomes`), `GET /sandbox/calls` tells what
did, and `python -m verify_service.sandbox` runs it. It shares nothing with the provider client but
the wire, so that two readings of one page check each other.
"""

from verify_service.sandbox.app import create_sandbox
from verify_service.sandbox.config import SandboxConfig

__all__ = ["SandboxConfig", "create_sandbox"]
