"""The rows 03NN of the table: the answer itself behaves badly.

====  ===================================
030N  on its way: late, slow, cut off
031N  a success unlike the page's
032N  nothing that a program could read
033N  it is somewhere else
034N  an error in a shape of its own
035N  HTTP 5xx
====  ===================================
"""

from collections.abc import Iterator

from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.outcomes import Answer, Manner, Outcome, Row, refused
from verify_service.sandbox.wire import MOVED, Refusal, refusal_by_code

HUGE = 10_000_000
"""Bytes. A client that reads all of them would read anything."""
RETRY_AFTER = 7
"""Seconds: no client's own default."""

_HTML = "<!doctype html><title>Welcome</title><h1>It works!</h1>\n"
_RINGS = "the phone rings all the same"


def bad_answers(config: SandboxConfig) -> Iterator[Row]:
    """All of them, in the order of their numbers."""
    yield from _on_the_way(config)
    yield from _unlike_the_page(config)
    yield from _unreadable()
    yield "0331", _redirect()
    yield from _odd_errors()
    yield "0350", _http_error(500)
    yield "0353", _http_error(503)


def _on_the_way(config: SandboxConfig) -> Iterator[Row]:
    slow = f"the answer takes {config.slow_answer:g} s"
    drips = f"a byte every {config.drip:g} s, for {config.hang:g} s at most"
    hangs = f"no answer until the client gives up, for {config.hang:g} s at most"
    yield "0301", Outcome("slowAnswer", slow, answer_after=config.slow_answer)
    yield "0302", _sent("drippingHeaders", f"the answer drips, {drips}", Manner.DRIPPING_HEADERS)
    yield "0303", _sent("drippingBody", f"its body drips, {drips}", Manner.DRIPPING_BODY)
    nothing = Answer(Manner.SILENT)
    yield "0304", Outcome("noAnswer", f"{hangs}, and no callback", answer=nothing, callbacks=())
    yield "0305", _sent("connectionClosed", f"closed without an answer; {_RINGS}", Manner.CLOSED)
    yield "0306", _sent("connectionReset", f"the connection is reset; {_RINGS}", Manner.RESET)
    yield "0307", _sent("answerCutShort", f"closed amid the answer; {_RINGS}", Manner.CUT_SHORT)
    yield "0308", _sent("answerLost", f"{hangs}; {_RINGS}", Manner.SILENT)


def _sent(name: str, meaning: str, manner: Manner) -> Outcome:
    return Outcome(name, meaning, answer=Answer(manner))


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
    return Outcome(name, f"the answer lacks {field}", answer=Answer(without=frozenset({field})))


def _unreadable() -> Iterator[Row]:
    html = Answer(body=_HTML, content_type="text/html; charset=utf-8")
    yield "0321", _instead("brokenJson", "JSON that breaks off", Answer(body='{"requestId": "'))
    yield "0322", _instead("html", "a page of HTML", html)
    yield "0323", _instead("emptyBody", "empty", Answer(body=""))
    yield "0324", _instead("hugeBody", f"{HUGE // 1_000_000} MB long", Answer(padding=HUGE))


def _instead(name: str, what: str, answer: Answer) -> Outcome:
    return Outcome(name, f"the answer is {what}; {_RINGS}", answer=answer)


def _redirect() -> Outcome:
    elsewhere = Answer(http_status=307, body="", headers=(("Location", MOVED),))
    meaning = "HTTP 307 to a place where whoever follows is remembered as redirectFollowed"
    return Outcome("redirect", meaning, answer=elsewhere, callbacks=())


def _odd_errors() -> Iterator[Row]:
    funds, many, reason = refusal_by_code(6), refusal_by_code(4), "Lunar eclipse"
    hidden = Refusal("errorInside200", funds.reason, 200, funds.body)
    yield "0341", refused(hidden, "HTTP 200, and in its body errorCode 6")
    code: dict[str, int | str] = {"errorCode": 99, "errorReason": reason}
    unknown = Refusal("unknownErrorCode", reason, 400, code)
    yield "0342", refused(unknown, "HTTP 400 with errorCode 99, which the page lacks")
    word = {"status": "strangeError", "error": reason}
    strange = Refusal("unknownErrorWord", reason, 200, word)
    yield "0343", refused(strange, "HTTP 200 with strangeError, which the page lacks")
    wait = (("Retry-After", str(RETRY_AFTER)),)
    throttle = Refusal("retryAfter", many.reason, many.http_status, many.body, wait)
    yield "0344", refused(throttle, f"HTTP 429 with errorCode 4 and Retry-After: {RETRY_AFTER}")


def _http_error(http_status: int) -> Outcome:
    page = Answer(http_status=http_status, body=_HTML, content_type="text/html; charset=utf-8")
    meaning = f"HTTP {http_status} with a page of HTML; nothing rings"
    return Outcome(f"http{http_status}", meaning, answer=page, callbacks=())
