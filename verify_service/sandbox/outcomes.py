"""What can become of a call: the words in which the table and the script say it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

from verify_service.sandbox.wire import Refusal

PHONE = "phone"
"""The outcome of a call that rings at an open phone: a person decides."""


class Manner(StrEnum):
    """How an answer travels. All but the first break off, or take their time over it."""

    WHOLE = auto()
    DRIPPING_HEADERS = auto()
    DRIPPING_BODY = auto()
    SILENT = auto()
    CLOSED = auto()
    RESET = auto()
    CUT_SHORT = auto()

    @property
    def has_status(self) -> bool:
        """Whether a client gets to see an HTTP status at all."""
        return self not in {Manner.SILENT, Manner.CLOSED, Manner.RESET}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets for a call that is not refused.

    body: sent as it is; None for the page's success.
    content_type: of the body.
    headers: in addition.
    without: fields left out of the page's success.
    padding: bytes of white space after the body.
    """

    manner: Manner = Manner.WHOLE
    http_status: int = 200
    body: str | None = None
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    without: frozenset[str] = frozenset()
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A callback to come. What is None is as it should be.

    after: seconds since what came before it: the answer, or the callback before; None: the
        configured delay after the answer, nothing after a callback.
    shift: seconds added to the moment that its timestamp would tell.
    timestamp: the whole of it instead.
    app_key, number, request_id: what it says instead of the truth.
    """

    status: str = "TERMINATED"
    after: float | None = None
    shift: int = 0
    timestamp: int | None = None
    app_key: str | None = None
    number: str | None = None
    request_id: str | int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to one call.

    refusal: the answer, where the call is refused; there is no callback then.
    answer: the answer else.
    callbacks: one after the other, each when the one before has been taken.
    answer_after: seconds before the answer.
    callback_first: the callbacks are delivered before the answer, whatever their delay.
    request_id, integer_id: the call's id, where it is not a string of the simulator's own.
    caller: the calling number, where it does not end in the code.
    """

    name: str
    meaning: str
    refusal: Refusal | None = None
    answer: Answer = Answer()
    callbacks: tuple[Notice, ...] = (Notice(),)
    answer_after: float = 0.0
    callback_first: bool = False
    request_id: str | int | None = None
    integer_id: bool = False
    caller: str | None = None

    @property
    def http_status(self) -> int | None:
        """What the client reads first; None where nothing comes to be read."""
        if self.refusal:
            return self.refusal.http_status
        return self.answer.http_status if self.answer.manner.has_status else None

    @property
    def statuses(self) -> list[str]:
        """The statuses of its callbacks, in their order."""
        return [each.status for each in self.callbacks]

    def as_json(self) -> Mapping[str, object]:
        return {
            "outcome": self.name,
            "meaning": self.meaning,
            "httpStatus": self.http_status,
            "answerAfter": self.answer_after,
            "callbacks": self.statuses,
            "callbackAfter": self.callbacks[0].after if self.callbacks else None,
            "callbackFirst": self.callback_first,
        }


Row = tuple[str, Outcome]
"""The last four digits of a magic number, and what it does."""


def refused(refusal: Refusal, meaning: str | None = None) -> Outcome:
    """The outcome of a call that gets `refusal` for an answer."""
    meaning = meaning or f"refused with HTTP {refusal.http_status}: {refusal.reason}"
    return Outcome(refusal.name, meaning, refusal=refusal, callbacks=())


def digits(text: str) -> str:
    """The ASCII digits of `text`: what two spellings of one number have in common."""
    return re.sub("[^0-9]", "", text)
