"""Fixtures of the tests of webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .login_flow import LoginFlow, receiving


@pytest.fixture
def login() -> Iterator[LoginFlow]:
    with receiving() as found:
        yield found
