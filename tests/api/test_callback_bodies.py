"""A callback's body is judged by itself, whatever its Content-Type is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest

from .service import NUMBER, OTHER_NUMBER, PATH_SECRET, Service, callback_body

Body = dict[str, Any]

KINDS = [
    None,
    "",
    "application/json",
    "APPLICATION/JSON; charset=UTF-16",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=windows-1251",
    "multipart/form-data",
    "multipart/form-data; boundary=another",
    "text/plain",
    "text/xml; charset",
    "application/octet-stream",
    "no type at all",
    ";;",
]


def multipart(body: Body) -> str:
    parts = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{body[name]}\r\n'
        for name in body
    )
    return "".join(parts) + "--b--\r\n"


def noted(body: Body, value: str) -> str:
    """Return the JSON with a field of its own for this value, which is written as it is."""
    return f'{json.dumps(body)[:-1]}, "note": {value}}}'


BODIES: dict[str, Callable[[Body], bytes]] = {
    "JSON": lambda body: json.dumps(body).encode(),
    "JSON after blanks": lambda body: b"\r\n\t " + json.dumps(body).encode(),
    "JSON, byte order mark": lambda body: json.dumps(body).encode("utf-8-sig"),
    "JSON, byte order mark, blanks": lambda body: f" \n{json.dumps(body)}".encode("utf-8-sig"),
    "JSON, UTF-16 with its mark": lambda body: json.dumps(body).encode("utf-16"),
    "JSON with text of any script": lambda body: json.dumps(
        body | {"comment": "Абонент 👍"}, ensure_ascii=False
    ).encode(),
    "JSON with a byte that is not UTF-8": lambda body: noted(body, '"Z\xfcrich"').encode("latin-1"),
    "JSON with raw control characters": lambda body: noted(body, '"a\r\n\tb\x00"').encode(),
    "JSON with a lone surrogate": lambda body: noted(body, '"\\ud83d"').encode(),
    "JSON, a lone surrogate, encoded twice": lambda body: (
        json.dumps(noted(body, '"HALF"')).replace("HALF", "\\ud83d").encode()
    ),
    "JSON, a lone surrogate, in a form": lambda body: urlencode(
        {"data": noted(body, '"\\ud83d"')}
    ).encode(),
    "JSON as the name of a form's field": lambda body: f"{quote_plus(json.dumps(body))}=".encode(),
    "JSON as the name, no sign after it": lambda body: quote_plus(json.dumps(body)).encode(),
    "JSON as a form's only field": lambda body: urlencode({"data": json.dumps(body)}).encode(),
    "JSON, encoded twice": lambda body: json.dumps(json.dumps(body)).encode(),
    "JSON, encoded twice, blanks": lambda body: f" {json.dumps(f' {json.dumps(body)}')} ".encode(),
    "JSON, encoded twice, UTF-16": lambda body: json.dumps(json.dumps(body)).encode("utf-16"),
    "JSON with a huge integer": lambda body: (
        json.dumps(body)[:-1] + ', "extra": ' + "9" * 8000 + "}"
    ).encode(),
    "form": lambda body: urlencode(body).encode(),
    "form, line break at its end": lambda body: f"{urlencode(body)}\r\n".encode(),
    "form, byte order mark": lambda body: urlencode(body).encode("utf-8-sig"),
    "form, all percent-encoded": lambda body: "&".join(
        f"{name}={''.join(f'%{byte:02x}' for byte in str(value).encode())}"
        for name, value in body.items()
    ).encode(),
    "form, a plus that became a space": lambda body: (
        urlencode(body, safe="+").replace("number=", "number=+").encode()
    ),
    "form with unknown fields twice": lambda body: f"x[]=1&x[]=2&{urlencode(body)}&&y".encode(),
    "form with text of another encoding": lambda body: urlencode(body).encode() + b"&x=\xcf%CF",
    "multipart": lambda body: multipart(body).encode(),
    "multipart after a line break": lambda body: b"\r\n" + multipart(body).encode(),
    "multipart with a file": lambda body: (
        '--b\r\nContent-Disposition: form-data; name="log"; filename="a"\r\n\r\nx\r\n'
        + multipart(body)
    ).encode(),
}


def post(service: Service, raw: bytes, kind: str | None, path: str = "") -> Any:
    """Send a callback with exactly this Content-Type."""
    headers = {} if kind is None else {"Content-Type": kind}
    return service.request("POST", f"/callbacks/flashcall{path}", None, data=raw, headers=headers)


@pytest.mark.parametrize("encode", BODIES.values(), ids=BODIES)
def test_a_body_is_judged_by_itself(service: Service, encode: Callable[[Body], bytes]) -> None:
    """Each callback is newer than the one before it and has another status, so each applies."""
    vid = service.started()
    for second, kind in enumerate(KINDS, 1_700_000_000):
        body = callback_body(timestamp=second, status=("ANSWERED", "BUSY_HERE")[second % 2])
        answer = post(service, encode(body), kind)
        assert (answer.status_code, answer.json) == (200, {"status": "ok", "applied": True}), kind
        assert service.status(vid).json["call"]["at"] == second


BLANKS = [" {}", "{} ", "\t{}", "{}\r\n", " {} ", "\u00a0{}\u00a0"]


@pytest.mark.slow
@pytest.mark.parametrize("around", BLANKS, ids=ascii)
@pytest.mark.parametrize("field", callback_body())
@pytest.mark.parametrize("encode", [json.dumps, urlencode, multipart])
def test_blanks_around_a_value_do_not_count(
    service: Service, field: str, around: str, encode: Callable[[Body], str]
) -> None:
    vid = service.started()
    body = callback_body()
    padded = encode({**body, field: around.format(body[field])})
    answer = post(service, padded.encode(), None)
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "applied": True})
    assert service.status(vid).json["call"]["at"] == int(body["timestamp"])


@pytest.mark.parametrize("field", ["requestId", "number", "timestamp", "status", "appKey"])
def test_a_huge_integer_in_a_field_that_counts_is_refused(service: Service, field: str) -> None:
    vid = service.started()
    raw = json.dumps(callback_body(**{field: "HERE"})).replace('"HERE"', "9" * 8000)
    assert 400 <= post(service, raw.encode(), None).status_code <= 401
    assert service.status(vid).json["call"]["state"] == "placed"


@pytest.mark.parametrize("broken", [b'"a\xff"', b'"\xed\xa0\x80"', rb'"\ud800"', b'"a\nb"'])
@pytest.mark.parametrize("field", callback_body())
def test_a_broken_field_that_counts_changes_nothing(
    service: Service, field: str, broken: bytes
) -> None:
    """The others are read: it is refused, or it is the id or the status of no call."""
    vid = service.started(number=OTHER_NUMBER)
    body = {**callback_body(number=OTHER_NUMBER), field: "HERE"}
    raw = json.dumps(body).encode().replace(b'"HERE"', broken)
    for sent in (raw, json.dumps(raw.decode("latin-1")).encode()):
        answer = post(service, sent, None)
        assert answer.status_code < 500
        assert answer.json.get("applied") is not True
    assert service.status(vid).json["call"]["state"] == "placed"


@pytest.mark.parametrize("fraction", [".5", ".000001", ",5"])
def test_a_fraction_in_a_form_is_dropped(service: Service, fraction: str) -> None:
    vid = service.started()
    raw = urlencode(callback_body(timestamp=f"1700000000{fraction}")).encode()
    assert post(service, raw, None).json["applied"] is True
    assert service.status(vid).json["call"]["at"] == 1_700_000_000


@pytest.mark.parametrize(
    ("configured", "path", "http"),
    [
        ("", "/", 200),
        ("", f"/{PATH_SECRET}/", 404),
        (PATH_SECRET, f"/{PATH_SECRET}", 200),
        (PATH_SECRET, f"/{PATH_SECRET}/", 200),
        (PATH_SECRET, "/" + "".join(f"%{byte:02X}" for byte in PATH_SECRET.encode()), 200),
        (PATH_SECRET, "/", 404),
        (PATH_SECRET, "/guess/", 404),
        (PATH_SECRET, f"/{PATH_SECRET}//", 404),
    ],
)
def test_a_trailing_slash_makes_no_other_path(
    make, valkey, configured: str, path: str, http: int
) -> None:
    """With and without a path secret, and without a redirect, which a POST would not survive."""
    service = make(valkey, CALLBACK_PATH_SECRET=configured)
    service.started()
    raw = json.dumps(callback_body(number=NUMBER)).encode()
    assert post(service, raw, "application/json", path).status_code == http
