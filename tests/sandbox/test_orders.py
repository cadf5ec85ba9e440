"""The body of a call request: what is placed, and how each mistake is refused."""

from typing import Any

import pytest

from .harness import KEY, ORDINARY_NUMBER, Sandbox

JSON_HEADERS = {**KEY, "Content-Type": "application/json"}


def test_success(sandbox: Sandbox) -> None:
    """The page's answer: an id, and a calling number that ends in the code."""
    answer = sandbox.place(code=6787)
    assert answer.status_code == 200
    assert list(answer.json()) == ["requestId", "from", "status"]
    assert (answer.json()["from"], answer.json()["status"]) == ("79179136787", "ok")
    assert answer.raw.version == 11


def test_request_ids_differ(sandbox: Sandbox) -> None:
    """Each call has an id of its own, two calls to one number too."""
    ids = {sandbox.place().json()["requestId"] for _ in range(3)}
    assert len(ids) == 3
    assert all(isinstance(each, str) for each in ids)


@pytest.mark.parametrize("number", ["791791367878", "+79161234567", "1234567", "123456789012345"])
def test_numbers_of_the_right_length(sandbox: Sandbox, number: str) -> None:
    """Only digits and length are checked: the page's own example is accepted."""
    assert sandbox.place(number).status_code == 200


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "123456",
        "1234567890123456",
        "+7 916 123-45-67",
        "tel:79161234567",
        "7916123456\u0667",
    ],
)
def test_bad_numbers(sandbox: Sandbox, number: str) -> None:
    """Everything else is errorCode 11."""
    answer = sandbox.place(number)
    assert answer.status_code == 400
    assert answer.json() == {"errorCode": 11, "errorReason": "Invalid number"}


@pytest.mark.parametrize(
    ("code", "rings"), [(1000, "1000"), (9999, "9999"), ("1234", "1234"), ("0123", "0123")]
)
def test_codes(sandbox: Sandbox, code: int | str, rings: str) -> None:
    """An integer, or four digits as text."""
    assert sandbox.place(code=code).json()["from"] == f"7917913{rings}"


@pytest.mark.parametrize(
    "fields",
    [
        {"code": 999},
        {"code": 10000},
        {"code": -1234},
        {"code": "123"},
        {"code": "12345"},
        {"code": "12a4"},
        {"code": "123\u0664"},
        {"code": ""},
        {"timeout": 0},
        {"timeout": -1},
    ],
    ids=str,
)
def test_bad_values(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    """The right type with a value that cannot be is errorCode 10."""
    answer = sandbox.place(**fields)
    assert answer.status_code == 400
    assert answer.json() == {"errorCode": 10, "errorReason": "Invalid request"}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"number": 79161234567}, "number must be a string"),
        ({"number": None}, "number must be a string"),
        ({"code": 1234.0}, "code must be an integer"),
        ({"code": True}, "code must be an integer"),
        ({"code": None}, "code must be an integer"),
        ({"timeout": "30000"}, "timeout must be an integer"),
        ({"timeout": True}, "timeout must be an integer"),
    ],
    ids=str,
)
def test_mistyped_fields(sandbox: Sandbox, fields: dict[str, object], error: str) -> None:
    """A field of another type is `invalidSchemeError`, and the answer names it."""
    body = {"number": ORDINARY_NUMBER, "code": 1234, "timeout": 30000, **fields}
    answer = sandbox.post(json=body, headers=KEY)
    assert answer.json() == {"status": "invalidSchemeError", "error": error}
    assert answer.status_code == 200


@pytest.mark.parametrize("missing", ["number", "code"])
def test_missing_fields(sandbox: Sandbox, missing: str) -> None:
    """`number` and `code` are required."""
    body = {"number": ORDINARY_NUMBER, "code": 1234, "timeout": 30000}
    del body[missing]
    answer = sandbox.post(json=body, headers=KEY).json()
    assert answer["status"] == "invalidSchemeError"
    assert answer["error"].startswith(missing)


@pytest.mark.parametrize("timeout", [{}, {"timeout": None}], ids=str)
def test_the_timeout_is_optional(sandbox: Sandbox, timeout: dict[str, None]) -> None:
    """The provider's own demo sends none; null counts as none."""
    body = {"number": ORDINARY_NUMBER, "code": 1234, **timeout}
    assert sandbox.post(json=body, headers=KEY).status_code == 200
    assert sandbox.calls()[0]["timeout"] == 60_000


@pytest.mark.parametrize("body", ["[]", "null", '"79161234567"', "1"])
def test_bodies_that_are_no_object(sandbox: Sandbox, body: str) -> None:
    """JSON, but of the wrong shape."""
    answer = sandbox.post(data=body, headers=JSON_HEADERS).json()
    assert answer == {"status": "invalidSchemeError", "error": "the body must be an object"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\xfd", b"[" * 100_000, b"9" * 5000])
def test_bodies_that_are_no_json(sandbox: Sandbox, body: bytes) -> None:
    """Empty, broken, not text, too deep, too long a number: all are `requiredJsonError`."""
    answer = sandbox.post(data=body, headers=JSON_HEADERS)
    assert answer.json() == {
        "status": "requiredJsonError",
        "error": "The request body requires JSON",
    }
    assert answer.status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_has_to_say_json(sandbox: Sandbox, content_type: str) -> None:
    """The body is refused even if it is JSON."""
    body = '{"number": "79161234567", "code": 1234, "timeout": 30000}'
    answer = sandbox.post(data=body, headers={**KEY, "Content-Type": content_type}).json()
    assert answer["status"] == "requiredJsonError"


def test_unknown_fields_are_ignored(sandbox: Sandbox) -> None:
    """The page lists three fields and forbids no other."""
    assert sandbox.place(extra=1).status_code == 200
