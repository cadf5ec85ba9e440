"""What can happen to one call: its answer, or its refusal, and its callbacks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

from verify_service.sandbox.vocabulary import Refusal

# Unix time in seconds. The page has an integer; programs also send fractions, and either as text.
Timestamp = int | float | str

# The outcome of a call that rings at an open phone, where a person decides.
PHONE = "phone"


class Transfer(StrEnum):
    """How an answer is transferred. Every way but the first is a fault."""

    COMPLETE = auto()
    DRIPPING_HEADERS = auto()
    DRIPPING_BODY = auto()
    NO_ANSWER = auto()
    CLOSED = auto()
    RESET = auto()
    CUT_SHORT = auto()

    @property
    def has_status(self) -> bool:
        """Whether a client receives an HTTP status."""
        return self not in {Transfer.NO_ANSWER, Transfer.CLOSED, Transfer.RESET}


class CallbackFormat(StrEnum):
    """How a callback carries its fields. The page says JSON; the others occur in practice.

    A form's type on JSON is what PHP's curl sends for a text, and a multipart form what it sends
    for an array.
    """

    JSON = "json"
    JSON_AS_FORM = "jsonAsForm"
    JSON_AS_TEXT = "jsonAsText"
    JSON_WITHOUT_TYPE = "jsonWithoutType"
    JSON_WITH_MARK = "jsonWithMark"
    FORM = "form"
    MULTIPART = "multipart"
    GET = "get"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call that is not refused.

    Attributes:
        body: Sent as it is. None: the success of the provider's page.
        headers: Additional headers; they replace headers of the same name.
        without: Fields that are left out of the success.
        padding: Bytes of white space after the body.
    """

    transfer: Transfer = Transfer.COMPLETE
    http_status: int = 200
    body: str | None = None
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    without: frozenset[str] = frozenset()
    padding: int = 0


@dataclass(frozen=True, slots=True)
class PlannedCallback:
    """A callback that is to be sent. None selects the true value.

    Attributes:
        after: Seconds since the answer or the previous callback. None: the configured delay after
            the answer, 0 after a callback.
        shift: Seconds that are added to the timestamp.
        timestamp: Unix time in seconds, instead of the current one.
        app_key, number, request_id: Values instead of the true ones.
        format: How the fields are sent.
    """

    status: str = "TERMINATED"
    after: float | None = None
    shift: int = 0
    timestamp: Timestamp | None = None
    app_key: str | None = None
    number: str | None = None
    request_id: str | int | None = None
    format: CallbackFormat = CallbackFormat.JSON


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to one call.

    Attributes:
        refusal: The answer of a refused call, which has no callbacks.
        answer: The answer of any other call.
        callbacks: Sent in this order, each after the previous one was answered.
        answer_after: Seconds before the answer.
        callback_first: Whether the callbacks are sent before the answer, without a delay.
        request_id: The call's id. None: a new one.
        integer_id: Whether a new id is an integer, not a string.
        caller: The calling number. None: the configured prefix and the code.
    """

    name: str
    meaning: str
    refusal: Refusal | None = None
    answer: Answer = Answer()
    callbacks: tuple[PlannedCallback, ...] = (PlannedCallback(),)
    answer_after: float = 0.0
    callback_first: bool = False
    request_id: str | int | None = None
    integer_id: bool = False
    caller: str | None = None

    @property
    def http_status(self) -> int | None:
        """The HTTP status of the answer; None where the client receives none."""
        if self.refusal:
            return self.refusal.http_status
        return self.answer.http_status if self.answer.transfer.has_status else None

    @property
    def statuses(self) -> list[str]:
        """The statuses of the callbacks, in their order."""
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


def refused(refusal: Refusal, meaning: str | None = None) -> Outcome:
    """Return the outcome of a call whose answer is `refusal`."""
    meaning = meaning or f"refused with HTTP {refusal.http_status}: {refusal.reason}"
    return Outcome(refusal.name, meaning, refusal=refusal, callbacks=())
