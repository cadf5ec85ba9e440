"""Authentication: the header, the query argument, and two keys per app."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from verify_service.settings.parsers import sha256_hex

from .service import KEY, NUMBER, OTHER_KEY, SECOND_KEY, Service

BAD = [
    "",
    "AccessKey",
    "AccessKey ",
    "AccessKey  ",
    "AccessKey unknown",
    f"AccessKey {KEY}x",
    f"AccessKey {KEY.upper()}",
    f"AccessKey {KEY},{SECOND_KEY}",
    f"Bearer {KEY}",
    f"Basic {KEY}",
    KEY,
    f"AccessKey{KEY}",
    "AccessKey ключ",
    f"AccessKey {sha256_hex(KEY)}",
]
PATHS = [
    ("POST", "/verify/start"),
    ("POST", "/verify/check"),
    ("GET", f"/verify/{'A' * 40}"),
    ("POST", f"/verify/{'A' * 40}/cancel"),
]


@pytest.mark.parametrize("shown", [None, *BAD])
def test_no_key_or_an_unknown_one_is_401(service: Service, shown: str | None) -> None:
    """On every path of the login flow, before any other check."""
    headers = {} if shown is None else {"X-Authorization": shown.encode().decode("latin-1")}
    for method, path in PATHS:
        answer = service.request(method, path, None, headers=headers)
        assert answer.status_code == 401
        assert set(answer.json) == {"status", "errorCode", "reason", "errorReason"}
        assert answer.json["status"] == "invalidAccessKeyError"
        assert answer.json["errorCode"] == 1


@pytest.mark.parametrize("scheme", ["AccessKey", "accesskey", "ACCESSKEY"])
@pytest.mark.parametrize("gap", [" ", "  "])
def test_the_schemes_name_is_case_insensitive(service: Service, scheme: str, gap: str) -> None:
    headers = {"X-Authorization": f"{scheme}{gap}{KEY}"}
    assert service.request("GET", "/verify/x", None, headers=headers).status_code == 404


def test_both_keys_of_an_app_authenticate_it(service: Service) -> None:
    """So an operator can replace one key with the other while verifications are pending."""
    vid = service.started()
    assert service.status(vid, key=SECOND_KEY).json["verificationId"] == vid
    assert service.status(vid, key=OTHER_KEY).status_code == 404


def in_query(service: Service, key: str, headers: dict[str, str] | None = None) -> int:
    path = f"/verify/start?X-Authorization={quote(f'AccessKey {key}')}"
    answer = service.request("POST", path, None, json={"number": NUMBER}, headers=headers or {})
    return answer.status_code


def test_the_query_authenticates_too(service: Service) -> None:
    assert in_query(service, "unknown") == 401
    assert in_query(service, KEY) == 201


def test_the_header_wins(service: Service) -> None:
    """An empty header wins too: a query argument is not read if a proxy set the header."""
    for shown in ("AccessKey unknown", "", "x"):
        assert in_query(service, KEY, {"X-Authorization": shown}) == 401
    assert in_query(service, "unknown", {"X-Authorization": f"AccessKey {KEY}"}) == 201


def test_the_query_can_be_turned_off(make, valkey) -> None:
    service = make(valkey, ACCESS_KEY_IN_QUERY="off")
    assert in_query(service, KEY) == 401
    assert service.start().status_code == 201


@pytest.mark.parametrize("where", ["header", "query"])
def test_a_key_is_bytes_and_need_not_be_ascii(make, valkey, where: str) -> None:
    """WSGI passes a header's bytes as if they were Latin-1."""
    key = "canary-ключ"
    service = make(valkey, ACCESS_KEYS=f"shop={sha256_hex(key)}")
    if where == "query":
        assert in_query(service, key) == 201
    else:
        raw = f"AccessKey {key}".encode().decode("latin-1")
        headers = {"X-Authorization": raw}
        assert service.request("GET", "/verify/x", None, headers=headers).status_code == 404


def test_the_log_names_the_app(service: Service) -> None:
    service.status("x", key=OTHER_KEY)
    assert service.events("request")[-1]["app"] == "bank"
