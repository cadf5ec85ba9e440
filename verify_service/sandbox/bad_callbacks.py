"""The rows 04NN of the table: the callback behaves badly. The answer is a plain success."""

from collections.abc import Iterator

from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.outcomes import Notice, Outcome, Row
from verify_service.sandbox.wire import UNKNOWN_STATUS

OLDER = 5
"""Seconds by which an older callback is older."""
NEWER = 1
"""Seconds by which a newer one is newer: the least that unixtime shows."""

FOREIGN_NUMBER = "79990009999"
FOREIGN_REQUEST_ID = "request-of-another-call"
FORGED_APP_KEY = "forged-app-key"


def bad_callbacks(config: SandboxConfig) -> Iterator[Row]:
    """All of them, in the order of their numbers."""
    yield from _odd()
    yield from _out_of_order()
    late = f"the callback comes {config.late_callback:g} s after the answer"
    yield "0408", Outcome("lateCallback", late, callbacks=(Notice(after=config.late_callback),))
    yield from _lies()


def _odd() -> Iterator[Row]:
    status = "the callback has a status the page lacks"
    yield "0401", Outcome("unknownStatus", status, callbacks=(Notice(UNKNOWN_STATUS),))
    yield "0402", Outcome("noCallback", "no callback ever comes", callbacks=())
    first = "the callback comes before the answer"
    yield "0403", Outcome("callbackFirst", first, callback_first=True)
    twice = (Notice(), Notice())
    yield "0404", Outcome("callbackTwice", "the same callback comes twice", callbacks=twice)


def _out_of_order() -> Iterator[Row]:
    older = (Notice("REJECTED"), Notice("ANSWERED", shift=-OLDER))
    aged = f"REJECTED, and after it an ANSWERED that is {OLDER} s older"
    yield "0405", Outcome("olderCallback", aged, callbacks=older)
    lost = (Notice("TERMINATED"), Notice("UNAVAILABLE", shift=NEWER))
    away = "delivered, and then undelivered: TERMINATED, and a newer UNAVAILABLE"
    yield "0406", Outcome("deliveredThenUndelivered", away, callbacks=lost)
    found = (Notice("UNAVAILABLE"), Notice("ANSWERED", shift=NEWER))
    back = "undelivered, and then delivered: UNAVAILABLE, and a newer ANSWERED"
    yield "0407", Outcome("undeliveredThenDelivered", back, callbacks=found)


def _lies() -> Iterator[Row]:
    forged = (Notice("UNAVAILABLE", app_key=FORGED_APP_KEY),)
    yield "0409", Outcome("forgedAppKey", "the callback has a forged appKey", callbacks=forged)
    number = (Notice("UNAVAILABLE", number=FOREIGN_NUMBER),)
    other = f"the callback is for another number, +{FOREIGN_NUMBER}"
    yield "0410", Outcome("foreignNumber", other, callbacks=number)
    request = (Notice("UNAVAILABLE", request_id=FOREIGN_REQUEST_ID),)
    stranger = "the callback has the requestId of another call"
    yield "0411", Outcome("foreignRequestId", stranger, callbacks=request)
