"""What each number does: a table of magic numbers, in the manner of test cards.

The series is +7 999 000; the last four digits choose. Every one is a valid mobile number in the
eyes of the phonenumbers library, so it passes a service's own checks. The simulator rings nobody,
but the series is not reserved for tests: never send these numbers to the real provider.

====  ==========================================
00NN  a call status comes in the callback
01NN  the call is refused with errorCode NN
02NN  the call is refused with a status word
03NN  the answer itself behaves badly
04NN  the callback behaves badly
====  ==========================================
"""

from collections.abc import Iterator, Mapping

from verify_service.sandbox.bad_answers import bad_answers
from verify_service.sandbox.bad_callbacks import bad_callbacks
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.outcomes import Notice, Outcome, Row, digits, refused
from verify_service.sandbox.wire import (
    CALL_STATUSES,
    ERROR_CODES,
    ERROR_WORDS,
    refusal_by_code,
    refusal_by_word,
)

SERIES = "7999000"

ORDINARY = Outcome("TERMINATED", CALL_STATUSES["TERMINATED"])
"""Any number outside the table: a flash call that rang and was not picked up, as most are."""


class Table:
    """The outcomes of one simulator, whose settings say how slow its slow ones are.

    numbers: digits of the whole number -> its outcome.
    named: an outcome's name -> the outcome.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self.numbers: Mapping[str, Outcome] = {
            SERIES + ending: outcome for ending, outcome in _rows(config)
        }
        self.named: Mapping[str, Outcome] = {
            outcome.name: outcome for outcome in self.numbers.values()
        }

    def of(self, number: str) -> Outcome:
        """The outcome `number` chooses, however it is spelled."""
        return self.numbers.get(digits(number), ORDINARY)


def _rows(config: SandboxConfig) -> Iterator[Row]:
    yield from _statuses()
    yield from _refusals()
    yield from bad_answers(config)
    yield from bad_callbacks(config)


def _statuses() -> Iterator[Row]:
    for position, (status, meaning) in enumerate(CALL_STATUSES.items(), start=1):
        yield f"{position:04}", Outcome(status, meaning, callbacks=(Notice(status),))


def _refusals() -> Iterator[Row]:
    for code in ERROR_CODES:
        yield f"01{code:02}", refused(refusal_by_code(code))
    for position, word in enumerate(ERROR_WORDS, start=1):
        yield f"02{position:02}", refused(refusal_by_word(word))
