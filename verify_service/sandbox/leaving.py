"""Tells whether whoever waits at the other end of a connection is still there."""

import selectors
import socket


def has_left(connection: socket.socket) -> bool:
    """Whether there is something to read, and it is the end.

    Raises:
        OSError: the connection was reset.
        ValueError: it is closed at this end.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0)) and not connection.recv(1, socket.MSG_PEEK)
