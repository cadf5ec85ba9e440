"""SIGTERM between the fork of a process and the moment at which it has handlers of its own.

A new process inherits its parent's handler, which would queue the signal there and do nothing: the
process would serve until it is killed. So the signal is blocked during the fork, and ends the
child until gunicorn's worker sets its own handlers. (gunicorn's hook ``post_fork`` is called too
late for a signal that arrives at once.)
"""

from __future__ import annotations

import os
import signal

_SIGTERM = {signal.SIGTERM}


def install() -> None:
    """Register what runs before and after each fork. There is no way to remove it."""
    os.register_at_fork(before=_block, after_in_parent=_unblock, after_in_child=_end_on_sigterm)


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGTERM)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGTERM)


def _end_on_sigterm() -> None:
    """Set the default action, which ends the process: it serves no request yet."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _unblock()
