"""The pytest plugin: the fixture ``verify_sandbox``.

pytest loads this where the package is installed, also where no test uses it. So nothing is
imported or started before a test uses the fixture.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from verify_service.testing.stack import Stack, VerifySandbox

_LOG: pytest.StashKey[tuple[Stack, int]] = pytest.StashKey()


@pytest.fixture(scope="session")
def verify_sandbox_settings() -> Mapping[str, str]:
    """Return settings of the service under test; override this in your ``conftest.py``."""
    return {}


@pytest.fixture(scope="session")
def _verify_stack(
    verify_sandbox_settings: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    from verify_service.testing.stack import DidNotStart, running  # noqa: PLC0415

    log = tmp_path_factory.mktemp("verify-service") / "log.txt"
    with ExitStack() as exits:
        reason = ""
        try:
            stack = exits.enter_context(running(verify_sandbox_settings, log))
        except DidNotStart as error:
            reason = str(error)
        if reason:  # outside the `except` block: inside, pytest shows both errors
            pytest.fail(reason, pytrace=False)
        yield stack


@pytest.fixture
def verify_sandbox(_verify_stack: Stack, request: pytest.FixtureRequest) -> Iterator[VerifySandbox]:
    """Run verify-service with a simulated provider, without data of earlier tests.

    Both start once for a test run. The report of a failed test contains their log of that test.
    """
    from verify_service.testing.stack import VerifySandbox  # noqa: PLC0415

    request.node.stash[_LOG] = _verify_stack, _verify_stack.log.stat().st_size
    sandbox = VerifySandbox(_verify_stack)
    sandbox.reset()
    with sandbox.client:
        yield sandbox


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the log of service and simulator to the report of a failed test."""
    report = yield
    if report.failed and _LOG in item.stash:
        stack, start = item.stash[_LOG]
        text = stack.log.read_bytes()[start:].decode("utf-8", "replace")
        report.sections.append(("verify-service log", text))
    return report
