"""The script: what is to happen to calls that have not come yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from verify_service.sandbox.complaints import wrong_value
from verify_service.sandbox.outcomes import Outcome, digits
from verify_service.sandbox.table import Table

MAX_LINES = 1_000
"""Far more than a test has a use for; a loop that scripts without end is told so."""

ANY = "*"
"""In place of a number: whoever is called."""


@dataclass(slots=True, eq=False)
class Line:
    """The outcome of the next `times` calls to `number`, which may be `*`."""

    number: str
    outcome: Outcome
    times: int

    def fits(self, number: str) -> bool:
        """Whether a call to `number` may take it."""
        return self.number == ANY or digits(self.number) == digits(number)

    def as_json(self) -> Mapping[str, object]:
        return {"number": self.number, "times": self.times, **self.outcome.as_json()}


class Script:
    """First in, first out: a call takes the oldest line that fits it, be it its number's or `*`.

    Safe to use from several threads: a line that is good for one call is taken by one.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lines: list[Line] = []
        self._lock = Lock()

    def add(self, line: Line) -> None:
        """Queue a line.

        Raises:
            Complaint: there are too many already.
        """
        with self._lock:
            if len(self._lines) >= MAX_LINES:
                raise wrong_value(f"{MAX_LINES} lines wait already; DELETE /sandbox/next")
            self._lines.append(line)

    def take(self, number: str) -> Outcome:
        """What happens to a call to `number`: what is scripted, once; else what the table says."""
        with self._lock:
            line = next((each for each in self._lines if each.fits(number)), None)
            if line is None:
                return self._table.of(number)
            line.times -= 1
            if not line.times:
                self._lines.remove(line)
            return line.outcome

    def as_json(self) -> list[Mapping[str, object]]:
        """What waits, the oldest first."""
        with self._lock:
            return [line.as_json() for line in self._lines]

    def forget(self) -> int:
        """Empty it, and tell how many lines there were."""
        with self._lock:
            count = len(self._lines)
            self._lines.clear()
        return count
