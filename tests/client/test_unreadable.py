"""Answers that are not valid: they are never accepted and never quoted."""

from __future__ import annotations

import pytest

from tests.api.service import NUMBER
from verify_service.client import NotFound, Unavailable, UnreadableAnswer

from .conftest import Connect
from .said import CHECKED, ID, STARTED, check, verification
from .server import Front, says, writes
from .silence import refused

BROKEN_OFF = {
    "nothing": b"",
    "in the status line": b"HTTP/1.1 20",
    "in the headers": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "after the length": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nX-",
    "in the body": b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status": "ok"',
    "in a chunk": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n{"status"',
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
}
NOT_THE_SERVICE = {
    "a page": says(200, b"<html>Log in to the Wi-Fi", Content_Type="text/html"),
    "a page of a proxy's own": says(403, b"<html>Forbidden", Content_Type="text/html"),
    "a page that is not there": says(404, b"Not Found"),
    "another service": says(200, {"hello": "world"}),
    "another service's error": says(401, {"message": "Unauthorized"}),
    "a list": says(200, []),
    "a number": says(200, 5),
    "a word that is none": says(200, {"status": True}),
    "an error in a success": says(200, {"status": "rpcError"}),
    "a success in an error": says(404, verification()),
    "an error in a redirect": says(302, {"status": "movedError"}),
    "no UTF-8": says(200, b'{"status": "ok\xff"}'),
    "deep": says(200, b"[" * 60_000),
    "long": says(200, b'{"status": "ok", "number": %s}' % (b"7" * 10_000)),
    "no id": says(200, verification(verificationId=None)),
    "no call": says(200, verification(call=None)),
    "a call that is none": says(200, verification(call="placed")),
    "a call without state": says(200, verification(call={"codeDigits": 4})),
    "a state that is no word": says(200, verification(state=5)),
    "a truth for a number": says(200, verification(checksLeft=True)),
    "a fraction for a number": says(200, verification(expiresIn=1.5)),
}


@pytest.mark.parametrize("raw", BROKEN_OFF.values(), ids=BROKEN_OFF)
def test_an_answer_that_broke_off_is_asked_for_again(
    script: Front, connect: Connect, raw: bytes
) -> None:
    """None of them is taken for what it looks like so far."""
    script.will(writes(raw), STARTED, writes(raw), CHECKED, writes(raw))
    client = connect(script.url)
    client.start(NUMBER)
    client.check(ID, "1234")
    assert script.keys[0] == script.keys[1]
    assert script.keys[2] == script.keys[3]
    refused(Unavailable, lambda: connect(script.url, patience=0).status(ID))


@pytest.mark.parametrize("fate", NOT_THE_SERVICE.values(), ids=NOT_THE_SERVICE)
def test_what_is_not_the_service_is_an_error_of_its_own(
    script: Front, connect: Connect, fate
) -> None:
    """For the operator, and not asked again. Nothing of it is quoted."""
    script.will(fate)
    error = refused(UnreadableAnswer, lambda: connect(script.url).status(ID))
    assert len(script.requests) == 1
    assert error.request_id == script.requests[0].headers["x-request-id"]
    for word in ("Wi-Fi", "hello", "Unauthorized"):
        assert word not in str(error)


@pytest.mark.parametrize(
    "fields",
    [
        {"verified": None},
        {"verified": "true"},
        {"verified": 1},
        {"verified": True},
        {"verified": True, "number": 79179136787},
        {"verified": True, "state": "approved", "number": ""},
        {"verified": True, "state": "approved", "number": "+7917•••••87"},
        {"verified": True, "state": "pending", "number": NUMBER},
        {"state": None},
    ],
)
def test_nobody_is_verified_by_half_an_answer(script: Front, connect: Connect, fields) -> None:
    """It takes `true` itself, and the number that was proven."""
    script.will(says(200, check(**fields)))
    refused(UnreadableAnswer, lambda: connect(script.url).check(ID, "1234"))


def test_what_others_say_fits_a_log(script: Front, connect: Connect) -> None:
    """A text from the network can have any content and any length."""
    script.will(says(404, {"status": "notFoundError", "errorReason": "\x1b[2J\ud800" + "x" * 9000}))
    error = refused(NotFound, lambda: connect(script.url).status(ID))
    assert error.reason.startswith("?[2J?xx")
    assert len(error.reason) < 310
    script.will(writes(b"HTTP/1.1 2\x1b[2J00 " + b"x" * 9000 + b"\r\n\r\n"))
    assert "\x1b" not in (said := str(refused(Unavailable, lambda: connect(script.url).status(ID))))
    assert len(said) < 500


def test_a_number_beside_a_refusal_is_not_looked_at(script: Front, connect: Connect) -> None:
    script.will(says(200, check(verified=False, number=NUMBER)))
    answer = connect(script.url).check(ID, "1234")
    assert (answer.verified, answer.proven_number) == (False, None)


def test_an_answer_about_another_verification(script: Front, connect: Connect) -> None:
    """A cache or a proxy that mixes answers up must not tell one person of another."""
    other = says(200, verification(verificationId="other"))
    client = connect(script.url)
    for ask in (client.status, client.cancel):
        script.will(other)
        refused(UnreadableAnswer, lambda ask=ask: ask(ID))


def test_what_a_newer_service_adds(script: Front, connect: Connect) -> None:
    """Unknown fields are ignored, and an unknown word is OTHER."""
    odd = {"state": "paused", "nextAction": "dance", "more": {"a": 1}}
    script.will(says(200, verification(**odd, call={"state": "ringing", "codeDigits": 6})))
    found = connect(script.url).status(ID)
    assert [found.state.name, found.next_action.name, found.call.state.name] == ["OTHER"] * 3
    assert (found.call.code_digits, found.call.caller_prefix) == (6, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(script: Front, connect: Connect, status: int) -> None:
    """Its target is not parsed either."""
    with Front() as elsewhere:
        body = b"x" * 10_000_000
        script.will(says(status, body, Location=f"{elsewhere.url}/verify/{ID}"))
        error = refused(UnreadableAnswer, lambda: connect(script.url).status(ID))
        assert error.http_status == status
        script.will(says(status, b"", Location="http://[broken"))
        refused(UnreadableAnswer, lambda: connect(script.url).status(ID))
        assert elsewhere.requests == []
    assert len(script.requests) == 2
