"""A simulated clock: sleeping advances it and takes no real time."""

from __future__ import annotations

from collections.abc import Callable

from .server import Exchange, Fate


class Hurry:
    """Records the sleeps. A random number is always the largest one."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.drawn: list[tuple[float, float]] = []
        self.also: Callable[[float], None] = lambda _: None
        """Called with the seconds that pass."""

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.also(seconds)

    def after(self, seconds: float, fate: Fate) -> Fate:
        """Let so much time pass before a fate."""

        def late(exchange: Exchange) -> None:
            self.passes(seconds)
            fate(exchange)

        return late

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        assert len(self.slept) < 100, "this will never end"
        self.slept.append(seconds)
        self.passes(seconds)

    def between(self, least: float, most: float) -> float:
        self.drawn.append((least, most))
        return most
