"""A secret is compared with all of the live ones, over bytes, in constant time."""

from __future__ import annotations

import hmac

import pytest

from .service import APP_KEY, KEY, METRICS_TOKEN, OTHER_KEY, PATH_SECRET, SECOND_KEY, Service

Compared = list[tuple[bytes, bytes]]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    """Record each pair that was compared in constant time."""
    pairs: Compared = []
    compare = hmac.compare_digest

    def note(known: bytes, shown: bytes) -> bool:
        assert isinstance(known, bytes)
        assert isinstance(shown, bytes)
        pairs.append((known, shown))
        return compare(known, shown)

    monkeypatch.setattr(hmac, "compare_digest", note)
    return pairs


@pytest.mark.parametrize("key", [KEY, SECOND_KEY, OTHER_KEY, "unknown", "ключ"])
def test_an_access_key_is_compared_with_every_one(
    service: Service, compared: Compared, key: str
) -> None:
    """So the time does not depend on its position in the list. All are of one length."""
    shown = f"AccessKey {key}".encode().decode("latin-1")
    service.request("GET", "/verify/x", None, headers={"X-Authorization": shown})
    known = [live.digest for live in service.settings.access_keys]
    assert [pair[0] for pair in compared] == known
    assert {len(text) for pair in compared for text in pair} == {32}


@pytest.mark.parametrize("key", [APP_KEY, "next", "unknown", "ключ"])
def test_an_app_key_is_compared_with_every_one(make, valkey, compared: Compared, key: str) -> None:
    service = make(valkey, CALLBACK_APP_KEYS=f"{APP_KEY},next", CALLBACK_PATH_SECRET=PATH_SECRET)
    service.callback(secret=PATH_SECRET, appKey=key)
    shown = key.encode()
    assert compared == [
        (PATH_SECRET.encode(), PATH_SECRET.encode()),
        (APP_KEY.encode(), shown),
        (b"next", shown),
    ]


def test_the_metrics_token_is_compared_in_constant_time(make, valkey, compared: Compared) -> None:
    service = make(valkey, METRICS_TOKEN=METRICS_TOKEN)
    service.request("GET", "/metrics", None, headers={"Authorization": "Bearer x"})
    assert compared == [(METRICS_TOKEN.encode(), b"x")]
