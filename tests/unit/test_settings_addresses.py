"""Addresses that could never be reached are refused when the service starts."""

from __future__ import annotations

import pytest

from verify_service.provider import flash_call
from verify_service.settings.addresses import CALL_PATH
from verify_service.settings.settings import SettingsError

from .conftest import Read

BASE = "https://canary.example/api"
PROVIDER_URLS = [
    *(f"{BASE}{CALL_PATH}", f"{BASE}{CALL_PATH}/", f"{BASE}{CALL_PATH.upper()}"),
    *(f"{BASE}/apps/flash/calls", f"{BASE}/apps/flash/"),
    *(f"{BASE}?", f"{BASE}#", f"{BASE}?x=1", f"{BASE}/#/", f"https://{BASE}", f"http://{BASE}"),
    *("https://canary.example /api", "https://canary .example", "https://canary.example/a b"),
    *("https://canary.example/\tapi", "https://canary\u200b.example", "https:\\\\canary.example"),
    *("https://canary.example\\api", "https://canary.example/<path>x", "https://canary<x>.example"),
    *("https://canary.example:0/api", "https://canary,other.example", "https://*.canary.example"),
    *("https:canary.example", "https:/canary.example", "https//canary.example", "//canary.example"),
    *("https://.canary.example", "https://canary..example", "https://canary.example:port"),
    *(f"https://{'canary' * 11}.example", "https://canary\u05d0.example", f'{BASE}"', f"{BASE}`"),
    *(f"{BASE}/{{path}}", f"{BASE}|x", f"{BASE}^"),
]
REDIS_URLS = [
    *("redis://canary@redis.example", "rediss://canary@redis.example:6380/0"),
    *("redis+sentinel://canary@a,b/main", "redis+cluster://canary@a,b"),
    *("redis://redis://canary", "redis://rediss://:canary@h", "https://redis://canary"),
    *("redis://canary .example", "redis://:can ary@h", "redis://h\u00a0canary", "redis://h/0#"),
    *("redis://canary\\h", "redis://h:0", "redis+cluster://a:0,canary:1", "redis://<canary>x"),
    *("redis://canary{x}", "redis://canary*", "redis:canary:6379", "redis:/canary", "redis:canary"),
    *("rediss:canary:6379", "redis+cluster:canary", "redis:", "unix:canary", "redis://canary..x"),
    *("redis://.:6379", f"redis://{'canary' * 11}:6379", "redis://canary\u05d0:6379"),
    *("redis+sentinel://a,canary..x/main", "redis+cluster://a,canary..x", "redis://.canary"),
]


@pytest.mark.parametrize("url", PROVIDER_URLS, ids=ascii)
@pytest.mark.parametrize("app_env", ["production", "development"])
def test_an_address_of_the_provider_that_cannot_work_is_refused(
    read: Read, url: str, app_env: str
) -> None:
    with pytest.raises(SettingsError, match=r"PROVIDER_URL: Must ") as refused:
        read(PROVIDER_URL=url, APP_ENV=app_env)
    assert "canary" not in str(refused.value)


def test_the_path_that_is_added_is_named(read: Read) -> None:
    with pytest.raises(SettingsError, match=f"Must end before {CALL_PATH}, which is added"):
        read(PROVIDER_URL=BASE + CALL_PATH)
    assert CALL_PATH == flash_call.PATH


@pytest.mark.parametrize(
    "url",
    [
        *("https://host", "https://host:443/api", "https://10.0.0.1/api", "https://[::1]/api"),
        *("https://a-b.example/apps", "https://host_name/api/v1", "https://пример.рф/api"),
    ],
)
def test_an_address_that_can_work_is_accepted(read: Read, url: str) -> None:
    assert read(PROVIDER_URL=f"{url}/").provider_url == url


@pytest.mark.parametrize("url", REDIS_URLS, ids=ascii)
def test_an_address_of_redis_that_cannot_work_is_refused(read: Read, url: str) -> None:
    with pytest.raises(SettingsError, match=r"REDIS_URL: ") as refused:
        read(REDIS_URL=url)
    assert "canary" not in str(refused.value)


def test_a_password_without_its_colon_is_explained(read: Read) -> None:
    with pytest.raises(SettingsError, match=r"redis://:password@host"):
        read(REDIS_URL="redis://canary@redis.example")
    assert read(REDIS_URL="redis://reader:@redis.example").redis_url.username == "reader"
    assert read(REDIS_URL="redis://:p@redis.example").redis_url.password == "p"


def test_the_sentence_of_the_breaker_names_off(read: Read) -> None:
    for text in ("never", "5", "0/10", "5/0"):
        with pytest.raises(SettingsError, match=r"PROVIDER_BREAKER: .*5/10, or off\."):
            read(PROVIDER_BREAKER=text)
