"""The figures of all rounds, their spread, and the file that keeps them."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.stack import FLOOR, OURS


@dataclass(frozen=True)
class Spread:
    """Of one figure over all rounds."""

    least: float
    median: float
    most: float


class Results:
    """Figures by name and system, one for each round."""

    def __init__(self) -> None:
        self._rounds: dict[tuple[str, str], list[float]] = defaultdict(list)

    @classmethod
    def of(cls, figures: Iterable[tuple[str, str, list[float]]]) -> Results:
        """Return the results with these figures."""
        results = cls()
        for system, name, rounds in figures:
            results._rounds[system, name] = rounds
        return results

    def figures(self) -> list[tuple[str, str, list[float]]]:
        """Return everything: system, name, and one figure for each round."""
        return [(*key, rounds) for key, rounds in self._rounds.items()]

    def add(self, system: str, name: str, figure: float) -> None:
        """Add one round's figure, with six digits."""
        self._rounds[system, name].append(float(f"{figure:.6g}"))

    def has(self, name: str, system: str = OURS) -> bool:
        """Return whether it was measured."""
        return (system, name) in self._rounds

    def median(self, name: str, system: str = OURS) -> float:
        """Return the median of the rounds."""
        return statistics.median(self._rounds[system, name])

    def total(self, name: str, system: str = OURS) -> float:
        """Return the sum over all rounds."""
        return sum(self._rounds[system, name])

    def ratio(self, name: str) -> Spread:
        """Return how many times the floor's figure ours is, in each round."""
        pairs = zip(self._rounds[OURS, name], self._rounds[FLOOR, name], strict=True)
        return _spread(ours / floor for ours, floor in pairs)


def _spread(figures: Iterable[float]) -> Spread:
    ordered = sorted(figures)
    return Spread(ordered[0], statistics.median(ordered), ordered[-1])


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        description: Of the machine, the versions and the day.
        sizes: Numbers of pending verifications, if growth was measured.
        workers: Numbers of workers.
    """

    description: str
    sizes: Sequence[int]
    workers: Sequence[int]
    results: Results

    @classmethod
    def load(cls, path: Path) -> Run:
        """Read what :meth:`save` wrote."""
        kept = json.loads(path.read_text("utf-8"))
        figures = kept.pop("figures")
        return cls(**kept, results=Results.of(figures))

    def save(self, path: Path) -> None:
        """Write everything as JSON, a figure to a line."""
        kept = {"description": self.description, "sizes": self.sizes, "workers": self.workers}
        head = json.dumps(kept, ensure_ascii=False)[:-1]
        lines = ",\n".join(json.dumps(one) for one in self.results.figures())
        path.write_text(f'{head}, "figures": [\n{lines}\n]}}\n', "utf-8")
