"""The provider's simulator: a separate WSGI app that answers the Flash Call page over real HTTP.

It rings nobody. The number decides what happens (see `table`), or what `POST /sandbox/next` said of
the next call; `GET /sandbox/calls` tells what did; `control.SandboxControl` does both from a test.
`python -m verify_service.sandbox` runs it, and docs/sandbox.md is its manual. It shares nothing
with the provider client but the wire, so that two readings of one page check each other.
"""

from verify_service.sandbox.app import create_sandbox
from verify_service.sandbox.config import SandboxConfig

__all__ = ["SandboxConfig", "create_sandbox"]
