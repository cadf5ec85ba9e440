"""What the client needs to know of an address of Redis, whatever text it was parsed from."""

from __future__ import annotations

from typing import Protocol

Node = tuple[str, int]
"""Host and port."""


class Address(Protocol):
    """Where Redis is. Only one of ``path``, ``master`` and ``cluster`` is set; none for a server.

    Attributes:
        nodes: The server; the Sentinels; or the nodes of a cluster that are asked first.
        tls: Whether every connection uses TLS, those to the Sentinels included.
        path: The path of a Unix socket.
        master: The name by which the Sentinels know the master.
        cluster: Whether the nodes form a cluster.
        db: The number of the database.
        sentinel_password: The Sentinels' own password.
    """

    @property
    def nodes(self) -> tuple[Node, ...]: ...
    @property
    def tls(self) -> bool: ...
    @property
    def path(self) -> str: ...
    @property
    def master(self) -> str: ...
    @property
    def cluster(self) -> bool: ...
    @property
    def db(self) -> int: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
    @property
    def sentinel_password(self) -> str | None: ...
