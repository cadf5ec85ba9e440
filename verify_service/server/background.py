"""What a process does beside its requests, so that the server begins and ends it."""

from __future__ import annotations

from typing import Protocol

EXTENSION = "verify_background"
"""Where the application keeps it, among its extensions."""


class Background(Protocol):
    """Work that no request waits for."""

    def start(self) -> None:
        """Begin, in a process that serves."""
        ...

    def stop(self) -> None:
        """Begin nothing more, and end within seconds."""
        ...
