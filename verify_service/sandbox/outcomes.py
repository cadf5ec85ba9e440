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

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from verify_service.sandbox.wire import (
    CALL_STATUSES,
    ERROR_CODES,
    ERROR_WORDS,
    Refusal,
    refusal_by_code,
    refusal_by_word,
)

SERIES = "7999000"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to one call.

    refusal: the answer, where it is not a success; there is no callback then.
    statuses: one callback for each, in this order.
    answer_after: seconds before the answer.
    callback_first: the callbacks are delivered before the answer, whatever the configured delay.
    """

    name: str
    meaning: str
    refusal: Refusal | None = None
    statuses: tuple[str, ...] = ("TERMINATED",)
    answer_after: float = 0.0
    callback_first: bool = False


def _statuses() -> Iterator[tuple[str, Outcome]]:
    for position, (status, meaning) in enumerate(CALL_STATUSES.items(), start=1):
        yield f"{position:04}", Outcome(status, meaning, statuses=(status,))


def _codes() -> Iterator[tuple[str, Outcome]]:
    for code in ERROR_CODES:
        yield f"01{code:02}", _refused(refusal_by_code(code))


def _words() -> Iterator[tuple[str, Outcome]]:
    for position, word in enumerate(ERROR_WORDS, start=1):
        yield f"02{position:02}", _refused(refusal_by_word(word))


def _refused(refusal: Refusal) -> Outcome:
    meaning = f"refused with HTTP {refusal.http_status}: {refusal.reason}"
    return Outcome(refusal.name, meaning, refusal=refusal, statuses=())


_MISBEHAVIORS: Mapping[str, Outcome] = {
    "0301": Outcome("slowAnswer", "the answer takes 2 s", answer_after=2.0),
    "0401": Outcome(
        "unknownStatus", "the callback has a status the page lacks", statuses=("VOICEMAIL",)
    ),
    "0402": Outcome("noCallback", "no callback ever comes", statuses=()),
    "0403": Outcome("callbackFirst", "the callback comes before the answer", callback_first=True),
    "0404": Outcome(
        "callbackTwice", "the same callback comes twice", statuses=("TERMINATED", "TERMINATED")
    ),
}

ORDINARY = Outcome("TERMINATED", CALL_STATUSES["TERMINATED"])
"""Any number outside the table: a flash call that rang and was not picked up, as most are."""

MAGIC_NUMBERS: Mapping[str, Outcome] = {
    SERIES + ending: outcome
    for ending, outcome in (*_statuses(), *_codes(), *_words(), *_MISBEHAVIORS.items())
}
"""Digits of the whole number -> its outcome."""


def digits(text: str) -> str:
    """The ASCII digits of `text`: what two spellings of one number have in common."""
    return re.sub("[^0-9]", "", text)


def outcome_of(number: str) -> Outcome:
    """The outcome `number` chooses, however it is spelled."""
    return MAGIC_NUMBERS.get(digits(number), ORDINARY)
