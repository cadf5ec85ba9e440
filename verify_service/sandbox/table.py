"""The table of test numbers: the last four digits of a number in +7 999 000 select its outcome.

====  ================================================
00NN  the callback has a call status of the page
01NN  the call is refused with errorCode NN, of the page or of the partner
02NN  the call is refused with a status word, of the page or of other pages
030N  the transfer of the answer fails
031N  the answer is a success unlike the page's
032N  the answer is unreadable
033N  the answer is a redirect
034N  the error has an unusual shape
035N  the answer is HTTP 5xx
04NN  the callback is wrong, and the answer is correct
====  ================================================

Each number is a valid mobile number according to the phonenumbers library, so a service's own
checks accept it. The series is not reserved for tests: never send it to the real provider.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.outcomes import (
    Answer,
    CallbackFormat,
    Outcome,
    PlannedCallback,
    Transfer,
    refused,
)
from verify_service.sandbox.vocabulary import (
    CALL_STATUSES,
    ERROR_CODES,
    ERROR_WORDS,
    MOVED,
    OTHER_WORDS,
    PARTNER_CODES,
    UNKNOWN_STATUS,
    Refusal,
    digits,
    refusal_by_code,
    refusal_by_word,
)

SERIES = "7999000"
# Bytes.
HUGE = 10_000_000
# Seconds. Not the default of any client.
RETRY_AFTER = 7
# Seconds by which an older callback is older.
OLDER = 5
FOREIGN_NUMBER = "79990009999"

# The outcome of every other number. Most flash calls are not picked up.
ORDINARY = Outcome("TERMINATED", CALL_STATUSES["TERMINATED"])

_HTML = "<!doctype html><title>Welcome</title><h1>It works!</h1>\n"
_HTML_TYPE = "text/html; charset=utf-8"
_RINGS = "the phone rings"

Row = tuple[str, Outcome]


class Table:
    """The outcomes of one simulator, whose settings define the durations.

    Attributes:
        numbers: The digits of a number -> its outcome.
        named: The name of an outcome -> the outcome.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self.numbers: Mapping[str, Outcome] = {
            SERIES + ending: outcome for ending, outcome in _rows(config)
        }
        self.named: Mapping[str, Outcome] = {
            outcome.name: outcome for outcome in self.numbers.values()
        }

    def of(self, number: str) -> Outcome:
        """Return the outcome of a number in any spelling."""
        return self.numbers.get(digits(number), ORDINARY)

    def as_json(self) -> dict[str, Any]:
        """Return every test number with its outcome, and the outcome of the others."""
        rows = [{"number": f"+{number}", **each.as_json()} for number, each in self.numbers.items()]
        return {"status": "ok", "outcomes": rows, "otherwise": ORDINARY.as_json()}


def markdown(table: Table) -> str:
    """Return the table for the documentation."""
    rows = [
        f"| `+{number}` | `{each.name}` | {each.meaning} | {', '.join(each.statuses) or 'none'} |"
        for number, each in table.numbers.items()
    ]
    head = ["| number | outcome | what happens | callbacks |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _rows(config: SandboxConfig) -> Iterator[Row]:
    yield from _statuses()
    yield from _refusals()
    yield from _failed_transfers(config)
    yield from _unlike_the_page(config)
    yield from _unreadable()
    yield from _unusual_errors()
    yield from _http_errors()
    yield from _wrong_callbacks(config)
    yield from _forged_callbacks()
    yield from _unusual_callbacks()


def _statuses() -> Iterator[Row]:
    for position, (status, meaning) in enumerate(CALL_STATUSES.items(), start=1):
        yield f"{position:04}", Outcome(status, meaning, callbacks=(PlannedCallback(status),))


def _refusals() -> Iterator[Row]:
    for code in sorted([*ERROR_CODES, *PARTNER_CODES]):
        yield f"01{code:02}", _refused(refusal_by_code(code), on_the_page=code in ERROR_CODES)
    for position, word in enumerate([*ERROR_WORDS, *OTHER_WORDS], start=1):
        yield f"02{position:02}", _refused(refusal_by_word(word), on_the_page=word in ERROR_WORDS)


def _refused(refusal: Refusal, *, on_the_page: bool) -> Outcome:
    outcome = refused(refusal)
    note = "" if on_the_page else "; not on the page"
    return replace(outcome, meaning=outcome.meaning + note)


def _failed_transfers(config: SandboxConfig) -> Iterator[Row]:
    slow = f"the answer takes {config.slow_answer:g} s"
    drip = f"one byte every {config.drip:g} s, for at most {config.hang:g} s"
    hang = f"no answer until the client closes the connection, for at most {config.hang:g} s"
    yield "0301", Outcome("slowAnswer", slow, answer_after=config.slow_answer)
    yield "0302", _transfer("drippingHeaders", f"the answer drips: {drip}", "DRIPPING_HEADERS")
    yield "0303", _transfer("drippingBody", f"the body drips: {drip}", "DRIPPING_BODY")
    silent = Answer(Transfer.NO_ANSWER)
    yield "0304", Outcome("noAnswer", f"{hang}; no callback", answer=silent, callbacks=())
    closed = f"the connection is closed without an answer; {_RINGS}"
    yield "0305", _transfer("connectionClosed", closed, "CLOSED")
    yield "0306", _transfer("connectionReset", f"the connection is reset; {_RINGS}", "RESET")
    cut = f"the connection is closed in the middle of the answer; {_RINGS}"
    yield "0307", _transfer("answerCutShort", cut, "CUT_SHORT")
    yield "0308", _transfer("answerLost", f"{hang}; {_RINGS}", "NO_ANSWER")


def _transfer(name: str, meaning: str, transfer: str) -> Outcome:
    return Outcome(name, meaning, answer=Answer(Transfer[transfer]))


def _unlike_the_page(config: SandboxConfig) -> Iterator[Row]:
    integer = "requestId is an integer, in the answer and in the callback"
    yield "0311", Outcome("integerRequestId", integer, integer_id=True)
    yield "0312", _without("requestId")
    foreign, caller = "from ends in 0000, which is not the code", f"{config.caller_prefix}0000"
    yield "0313", Outcome("foreignFrom", foreign, caller=caller)
    yield "0314", _without("from")
    yield "0315", _without("status")


def _without(field: str) -> Outcome:
    name = f"no{field[0].upper()}{field[1:]}"
    answer = Answer(without=frozenset({field}))
    return Outcome(name, f"the answer has no {field}", answer=answer)


def _unreadable() -> Iterator[Row]:
    broken, html = Answer(body='{"requestId": "'), Answer(body=_HTML, content_type=_HTML_TYPE)
    for ending, name, meaning, answer in (
        ("0321", "brokenJson", "incomplete JSON", broken),
        ("0322", "html", "an HTML page", html),
        ("0323", "emptyBody", "empty", Answer(body="")),
        ("0324", "hugeBody", f"{HUGE // 1_000_000} MB long", Answer(padding=HUGE)),
    ):
        yield ending, Outcome(name, f"the answer is {meaning}; {_RINGS}", answer=answer)
    redirect = Answer(http_status=307, body="", headers=(("Location", MOVED),))
    meaning = "HTTP 307; a client that follows it is recorded as redirectFollowed"
    yield "0331", Outcome("redirect", meaning, answer=redirect, callbacks=())


def _unusual_errors() -> Iterator[Row]:
    funds, throttle, reason = refusal_by_code(6), refusal_by_code(4), "Lunar eclipse"
    hidden = Refusal("errorInside200", funds.reason, 200, funds.body)
    yield "0341", refused(hidden, "HTTP 200 with errorCode 6 in the body")
    body: dict[str, int | str] = {"errorCode": 42, "errorReason": reason}
    unknown = Refusal("unknownErrorCode", reason, 400, body)
    yield "0342", refused(unknown, "HTTP 400 with errorCode 42, which is on no page")
    word = Refusal("unknownErrorWord", reason, 200, {"status": "strangeError", "error": reason})
    yield "0343", refused(word, "HTTP 200 with strangeError, which is on no page")
    wait = (("Retry-After", str(RETRY_AFTER)),)
    later = Refusal("retryAfter", throttle.reason, throttle.http_status, throttle.body, wait)
    yield "0344", refused(later, f"HTTP 429 with errorCode 4 and Retry-After: {RETRY_AFTER}")


def _http_errors() -> Iterator[Row]:
    for ending, http_status in (("0350", 500), ("0353", 503)):
        page = Answer(http_status=http_status, body=_HTML, content_type=_HTML_TYPE)
        meaning = f"HTTP {http_status} with an HTML page; the phone does not ring"
        yield ending, Outcome(f"http{http_status}", meaning, answer=page, callbacks=())


def _wrong_callbacks(config: SandboxConfig) -> Iterator[Row]:
    unknown = "the callback has a status that is not on the page"
    yield "0401", _called_back("unknownStatus", unknown, PlannedCallback(UNKNOWN_STATUS))
    yield "0402", _called_back("noCallback", "no callback is sent")
    first = "the callback is sent before the answer"
    yield "0403", Outcome("callbackFirst", first, callback_first=True)
    twice = (PlannedCallback(), PlannedCallback())
    yield "0404", _called_back("callbackTwice", "the same callback is sent twice", *twice)
    older = (PlannedCallback("REJECTED"), PlannedCallback("ANSWERED", shift=-OLDER))
    meaning = f"REJECTED, then an ANSWERED that is {OLDER} s older"
    yield "0405", _called_back("olderCallback", meaning, *older)
    # One second is the smallest difference that a timestamp can have.
    lost = (PlannedCallback("TERMINATED"), PlannedCallback("UNAVAILABLE", shift=1))
    meaning = "delivered, then undelivered: TERMINATED, then a newer UNAVAILABLE"
    yield "0406", _called_back("deliveredThenUndelivered", meaning, *lost)
    found = (PlannedCallback("UNAVAILABLE"), PlannedCallback("ANSWERED", shift=1))
    meaning = "undelivered, then delivered: UNAVAILABLE, then a newer ANSWERED"
    yield "0407", _called_back("undeliveredThenDelivered", meaning, *found)
    late = PlannedCallback(after=config.late_callback)
    meaning = f"the callback is sent {config.late_callback:g} s after the answer"
    yield "0408", _called_back("lateCallback", meaning, late)


def _forged_callbacks() -> Iterator[Row]:
    key = PlannedCallback("UNAVAILABLE", app_key="forged-app-key")
    yield "0409", _called_back("forgedAppKey", "the callback has a forged appKey", key)
    number = PlannedCallback("UNAVAILABLE", number=FOREIGN_NUMBER)
    meaning = f"the callback is for another number, +{FOREIGN_NUMBER}"
    yield "0410", _called_back("foreignNumber", meaning, number)
    request = PlannedCallback("UNAVAILABLE", request_id="request-of-another-call")
    meaning = "the callback has the requestId of another call"
    yield "0411", _called_back("foreignRequestId", meaning, request)


def _unusual_callbacks() -> Iterator[Row]:
    for ending, form, name, meaning in (
        ("0412", "FORM", "formCallback", "is a form"),
        ("0413", "JSON_AS_FORM", "jsonAsFormCallback", "is JSON with the Content-Type of a form"),
        ("0414", "JSON_WITHOUT_TYPE", "untypedCallback", "is JSON without a Content-Type"),
        ("0415", "GET", "getCallback", "is a GET request with the fields in its query"),
    ):
        callback = PlannedCallback(format=CallbackFormat[form])
        yield ending, _called_back(name, f"the callback {meaning}", callback)


def _called_back(name: str, meaning: str, *callbacks: PlannedCallback) -> Outcome:
    return Outcome(name, meaning, callbacks=callbacks)
