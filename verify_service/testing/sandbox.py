"""What a test of a login flow holds in its hands."""

from __future__ import annotations

from verify_service.client import VerifyClient
from verify_service.sandbox.control import SandboxControl
from verify_service.testing.stack import Stack


class VerifySandbox(SandboxControl):
    """The service, and the phone that it rings.

    Besides what :class:`~verify_service.sandbox.control.SandboxControl` can do:

    Attributes:
        url: Where the service is: give it to the login flow under test.
        access_key: The login flow's key.
        client: A client of the service.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack.sandbox)
        self.url = stack.url
        self.access_key = stack.access_key
        self.client = VerifyClient(stack.url, stack.access_key)

    def reset(self) -> None:
        """Forget everything, as before each test: calls, script, verifications and limits.

        After it nothing comes any more of what was before.
        """
        super().reset()
