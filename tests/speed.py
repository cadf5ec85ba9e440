"""Which tests are quick and which are slow. The rule is in CONTRIBUTING.md; this enforces it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

Fixture = TypeVar("Fixture", bound=Callable[..., object])
HERE = Path(__file__).parent
QUICK, THOROUGH = "quick", "thorough"
FOLDERS = {"browser", "deploy", "faults", "generated", "system"}
"""Folders of tests that are about processes."""
STARTS_A_PROCESS = {
    *("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"),
}
"""Audit events: https://docs.python.org/3/library/audit_events.html"""


def register_profiles() -> None:
    """Register the profiles for `--hypothesis-profile`. Without that option, tests are thorough."""
    ours = settings()
    settings.register_profile(QUICK, ours, max_examples=ours.max_examples // 10)
    settings.register_profile(THOROUGH, ours)
    settings.load_profile(THOROUGH)


def examples(number: int) -> int:
    """Return how many examples to try: `number`, or a tenth of it in the quick profile."""
    return max(2, number // 10) if settings.get_current_profile_name() == QUICK else number


def slow(fixture: Fixture) -> Fixture:
    """Mark every test that uses this fixture as slow; pytest takes no marks on fixtures."""
    fixture.makes_slow = True  # type: ignore[attr-defined]
    return fixture


def is_slow(item: pytest.Item) -> bool:
    """Return whether a test is slow by its own mark, by its folder or by a fixture."""
    if item.get_closest_marker("whole"):
        return False
    if item.get_closest_marker("slow") or any(HERE / each in item.path.parents for each in FOLDERS):
        return True
    known: dict[str, list[pytest.FixtureDef[object]]]
    known = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009 - no public name
    return any(getattr(one.func, "makes_slow", False) for ones in known.values() for one in ones)


class Guard:
    """A pytest plugin: marks the slow tests, and fails any other that starts a process."""

    def __init__(self) -> None:
        self._test = ""
        """The quick test that runs now."""
        sys.addaudithook(self._audit)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the slow tests, before `-m` selects."""
        for item in items:
            if is_slow(item):
                item.add_marker(pytest.mark.slow)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch over a test, unless it may start processes."""
        free = item.get_closest_marker("slow") or item.get_closest_marker("whole")
        with self._watching("" if free else item.nodeid):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        """Let fixtures of the whole run start what they share: one server, one certificate."""
        with self._watching("" if fixturedef.scope == "session" else self._test):
            return (yield)

    @contextmanager
    def _watching(self, test: str) -> Iterator[None]:
        before, self._test = self._test, test
        try:
            yield
        finally:
            self._test = before

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._test and event in STARTS_A_PROCESS:
            pytest.fail(
                f"{self._test} is not marked as slow, and starts a process: {event} "
                f"{arguments[:1]}. See CONTRIBUTING.md, Quick and slow tests."
            )
