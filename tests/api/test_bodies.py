"""The bodies that are accepted: JSON in UTF-8, an object, each key once, whole, at most 16 KiB."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from .service import NUMBER, Service, callback_body
from .standin import StandIn

GOOD = json.dumps({"number": NUMBER})
PATHS = ("/verify/start", "/verify/check")
KEY_TWICE = f'{{"number": "{NUMBER}", "number": "+79161234567"}}'

NOT_JSON = {
    "empty": b"",
    "blank": b"  \n",
    "half": b'{"number": ',
    "text": b"number=+79179136787",
    "single quotes": b"{'number': '+79179136787'}",
    "trailing comma": b'{"number": "+79179136787",}',
    "two objects": b"{}{}",
    "comment": b'{"number": "+79179136787"} // x',
    "raw control character": b'{"number": "+7917\x00"}',
    "broken UTF-8": b'{"number": "+7917\xff"}',
    "overlong UTF-8": b'{"number": "\xc0\xb1"}',
    "UTF-8 surrogate": b'{"number": "\xed\xa0\x80"}',
    "UTF-16": GOOD.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "half a character": rb'{"number": "+79179136787", "reference": "\ud83d"}',
    "half a character in a key": rb'{"\ud83d": 1}',
    "deep array": b"[" * 16_000,
    "deep object": b'{"a":' * 3_000,
    "deep and closed": b"[" * 8_000 + b"]" * 8_000,
    "endless integer": b'{"number": ' + b"9" * 8_000 + b"}",
}
WRONG_SHAPE = {
    "array": b"[]",
    "array of objects": f"[{GOOD}]".encode(),
    "string": b'"x"',
    "integer": b"5",
    "true": b"true",
    "null": b"null",
    "key twice": KEY_TWICE.encode(),
    "key twice, deep": b'{"number": "x", "y": [{"a": 1, "a": 1}]}',
    "key twice, escaped": rb'{"number": "x", "\u006eumber": "y"}',
    "NaN": b'{"number": NaN}',
    "infinity": b'{"number": Infinity}',
    "-infinity": b'{"number": -Infinity}',
    "NaN alone": b"NaN",
    "infinite by size": b'{"number": 1e999}',
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_not_json_is_required_json(
    service: Service, provider: StandIn, raw: bytes
) -> None:
    for path in PATHS:
        answer = service.post(path, raw)
        assert answer.status_code == 400
        assert set(answer.json) == {"status", "errorCode", "reason", "errorReason"}
        assert answer.json["status"] == "requiredJsonError"
        assert answer.json["errorCode"] == 10
    assert provider.calls == []


@pytest.mark.parametrize("raw", WRONG_SHAPE.values(), ids=WRONG_SHAPE)
def test_json_of_another_shape_is_an_invalid_scheme(
    service: Service, provider: StandIn, raw: bytes
) -> None:
    """`errors` says what is wrong, by field if it belongs to one."""
    for path in PATHS:
        answer = service.post(path, raw)
        assert answer.status_code == 400
        assert set(answer.json) == {"status", "errorCode", "reason", "errorReason", "errors"}
        assert answer.json["status"] == "invalidSchemeError"
        assert all(is_messages(messages) for messages in answer.json["errors"].values())
    assert provider.calls == []


def is_messages(messages: object) -> bool:
    """Return whether it is a list of sentences, as the contract has `errors`."""
    return (
        isinstance(messages, list)
        and bool(messages)
        and all(isinstance(each, str) for each in messages)
    )


def test_a_surrogate_pair_of_escapes_is_one_character(service: Service) -> None:
    raw = rb'{"number": "+79179136787", "reference": "\ud83d\ude00 \\ud83d"}'
    assert service.post("/verify/start", raw).json["reference"] == "😀 \\ud83d"


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/json;charset=UTF-8;",
        'application/json; charset="utf-8"; profile=x',
        "application/json ; ;",
        "application/vnd.shop+json",
    ],
)
def test_every_json_content_type_is_accepted(service: Service, kind: str) -> None:
    answer = service.request("POST", "/verify/start", data=GOOD, content_type=kind)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "json",
        "application/json, text/plain",
        "text/plain; application/json",
    ],
)
def test_any_other_content_type_is_415(service: Service, kind: str | None) -> None:
    """Even with valid JSON in the body: so a browser's form cannot post here."""
    for path in PATHS:
        answer = service.request("POST", path, data=GOOD, content_type=kind)
        assert answer.status_code == 415
        assert set(answer.json) == {"status", "errorCode", "reason", "errorReason"}
        assert answer.json["status"] == "requiredJsonError"
        assert answer.json["errorCode"] == 10


ENCODED = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": bytes,
    "GZIP": gzip.compress,
    "gzip, identity": gzip.compress,
}


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("path", [*PATHS, "/callbacks/flashcall"])
def test_a_compressed_body_is_415(
    service: Service, provider: StandIn, path: str, encoding: str
) -> None:
    """The sentence names the encoding; the key of a callback is not readable either."""
    raw = ENCODED[encoding](SENT[path].encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = service.request("POST", path, data=raw, headers=headers)
    assert answer.status_code == 415
    assert answer.json["reason"] == "contentType"
    assert encoding.partition(",")[0].lower() in answer.json["errorReason"]
    assert provider.calls == []


@pytest.mark.parametrize("encoding", ["", " ", "identity", "Identity", "utf-8", "UTF-8", "utf8"])
def test_an_encoding_that_is_none_is_accepted(service: Service, encoding: str) -> None:
    """Also the charset, which some programs write into this header."""
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = service.request("POST", "/verify/start", data=GOOD, headers=headers)
    assert answer.status_code == 201
    raw = json.dumps(callback_body())
    answer = service.request("POST", "/callbacks/flashcall", None, data=raw, headers=headers)
    assert answer.json == {"status": "ok", "applied": True}


def test_an_encoding_is_not_repeated_as_it_came(service: Service) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "<b>" + "x" * 99}
    answer = service.request("POST", "/verify/start", data=GOOD, headers=headers)
    assert answer.json["errorReason"].endswith(
        f"Content-Encoding b{'x' * 19}. Send it without one."
    )


@pytest.mark.parametrize("path", PATHS)
def test_16_kib_are_accepted_and_not_a_byte_more(service: Service, path: str) -> None:
    largest = GOOD + " " * (16 * 1024 - len(GOOD))
    assert service.post(path, largest).status_code in (201, 400)
    answer = service.post(path, largest + " ")
    assert answer.status_code == 413
    assert set(answer.json) == {"status", "reason", "errorReason"}
    assert answer.json["status"] == "payloadTooLargeError"


class Stream(io.RawIOBase):
    """A body as it arrives over a wire: a reader does not know its size, and gets it in pieces."""

    def __init__(self, raw: bytes) -> None:
        self._rest = raw

    def readable(self) -> bool:
        return True

    def readinto(self, room) -> int:
        piece, self._rest = self._rest[: min(1000, len(room))], self._rest[min(1000, len(room)) :]
        room[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize(
    ("size", "http"),
    [(16 * 1024, 201), (16 * 1024 + 1, 413), (16 * 1024 + 2, 413), (40_000, 413)],
)
def test_a_chunked_body_is_counted_too(service: Service, size: int, http: int) -> None:
    """Without a Content-Length: servers pass chunked bodies on like this."""
    raw = (GOOD + " " * (size - len(GOOD))).encode()
    answer = service.request(
        "POST",
        PATHS[0],
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={
            "wsgi.input": io.BufferedReader(Stream(raw)),
            "wsgi.input_terminated": True,
        },
    )
    assert answer.status_code == http


class Lost(Stream):
    """A body whose connection fails instead of ending."""

    def __init__(self, raw: bytes, error: Exception) -> None:
        super().__init__(raw)
        self._error = error

    def readinto(self, room) -> int:
        return super().readinto(room) or self._fail()

    def _fail(self) -> int:
        raise self._error


SENT = {
    "/verify/start": GOOD,
    "/verify/check": json.dumps({"verificationId": "x", "code": "1234"}),
    "/callbacks/flashcall": json.dumps(callback_body()),
    "/callbacks/flashcall/": urlencode(callback_body()),
}


def arrives(service: Service, path: str, stream: Stream, announced: int | None) -> TestResponse:
    """Send a body as gunicorn passes it on. `announced` is its Content-Length; None: chunked."""
    length = {"Transfer-Encoding": "chunked"} if announced is None else {}
    overrides = {"wsgi.input": io.BufferedReader(stream), "wsgi.input_terminated": True}
    if announced is not None:
        overrides["CONTENT_LENGTH"] = str(announced)
    return service.request(
        "POST",
        path,
        headers={"Content-Type": "application/json", **length},
        environ_overrides=overrides,
    )


@pytest.mark.parametrize("missing", [1, 4, 1000])
@pytest.mark.parametrize("path", SENT)
def test_a_body_that_ends_early_is_refused(
    service: Service, provider: StandIn, path: str, missing: int
) -> None:
    """Even if what arrived can be read. Blanks after a body are part of its length."""
    raw = SENT[path].encode()
    assert arrives(service, path, Stream(raw), len(raw)).status_code in (200, 201, 404)
    calls = len(provider.calls)
    answer = arrives(service, path, Stream(raw), len(raw) + missing)
    assert (answer.status_code, answer.json["status"]) == (400, "requiredJsonError")
    assert answer.json["errorReason"].endswith("Retry with the same key.")
    assert len(provider.calls) == calls


@pytest.mark.parametrize("announced", [None, 16_000])
@pytest.mark.parametrize("path", SENT)
def test_a_connection_that_is_lost_in_a_body_is_not_obeyed(
    service: Service, path: str, announced: int | None
) -> None:
    """With or without a Content-Length: a chunked body has an end of its own."""
    stream = Lost(SENT[path].encode(), ConnectionResetError())
    answer = arrives(service, path, stream, announced)
    assert (answer.status_code, answer.json["status"]) == (400, "requiredJsonError")


@pytest.mark.parametrize("announced", [None, 16_000])
@pytest.mark.parametrize("path", SENT)
def test_a_body_that_does_not_arrive_in_time_is_a_408(
    service: Service, provider: StandIn, path: str, announced: int | None
) -> None:
    """The server's stream raises TimeoutError. Nothing was done."""
    answer = arrives(service, path, Lost(SENT[path].encode(), TimeoutError()), announced)
    assert (answer.status_code, answer.json["status"]) == (408, "requiredJsonError")
    assert set(answer.json) == {"status", "reason", "errorCode", "errorReason"}
    assert answer.json["reason"] == "slowBody"
    assert provider.calls == []


@pytest.mark.parametrize(
    ("error", "reason"), [(TimeoutError(), "slowBody"), (ConnectionResetError(), "truncated")]
)
def test_a_callback_that_did_not_arrive_is_logged(
    service: Service, error: Exception, reason: str
) -> None:
    for announced in (None, 16_000):
        arrives(service, "/callbacks/flashcall", Lost(b"appKey=", error), announced)
    arrives(service, "/callbacks/flashcall", Stream(b"appKey=x"), 9)
    reasons = [line["reason"] for line in service.events("callback_refused")]
    assert reasons == [reason, reason, "truncated"]


def test_a_cancel_whose_body_does_not_arrive_cancels_nothing(service: Service) -> None:
    """It needs no body, and ignores the content of one; one that it announces has to arrive."""
    vid = service.started()
    path = f"/verify/{vid}/cancel"
    assert arrives(service, path, Stream(b"{}"), 4).status_code == 400
    assert arrives(service, path, Lost(b"", TimeoutError()), 4).status_code == 408
    assert arrives(service, path, Stream(b"x" * 16_385), None).status_code == 413
    assert service.status(vid).json["state"] == "pending"
    assert arrives(service, path, Stream(b"[anything"), 9).json["state"] == "canceled"
