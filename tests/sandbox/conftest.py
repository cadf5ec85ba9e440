"""Fixtures of the simulator's tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from verify_service.sandbox import SandboxConfig

from .harness import Receiver, Sandbox, receiving, simulating

Start = Callable[[SandboxConfig], Sandbox]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts simulators that end with the test."""
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(simulating(config))


@pytest.fixture
def sandbox(start: Start) -> Sandbox:
    """A simulator as it comes, without a callback URL."""
    return start(SandboxConfig())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def calling(start: Start, receiver: Receiver) -> Sandbox:
    """A simulator that calls `receiver` back without delay."""
    return start(SandboxConfig(callback_url=receiver.url, callback_delay=0.0))


@pytest.fixture
def swift(start: Start, receiver: Receiver) -> Sandbox:
    """A simulator that is slow in a hurry."""
    return start(
        SandboxConfig(
            callback_url=receiver.url, callback_delay=0, slow_answer=0.3, drip=0.002, hang=30
        )
    )
