"""Every form of REDIS_URL, parsed."""

from __future__ import annotations

import pytest

from verify_service.settings.redis_address import Form, RedisAddress

ADDRESSES = {
    "redis://": RedisAddress(Form.SINGLE, (("localhost", 6379),)),
    "redis://host": RedisAddress(Form.SINGLE, (("host", 6379),)),
    "redis://host:1/2": RedisAddress(Form.SINGLE, (("host", 1),), db=2),
    "redis://host:1?db=3": RedisAddress(Form.SINGLE, (("host", 1),), db=3),
    "redis://u%40x:p%2F%3A@[::1]:1/0": RedisAddress(
        Form.SINGLE, (("::1", 1),), username="u@x", password="p/:"
    ),
    "rediss://:p@host": RedisAddress(Form.SINGLE, (("host", 6379),), tls=True, password="p"),
    "unix:///run/redis.sock?db=1": RedisAddress(Form.SOCKET, path="/run/redis.sock", db=1),
    "unix://u:p@/run/redis.sock": RedisAddress(
        Form.SOCKET, path="/run/redis.sock", username="u", password="p"
    ),
    "redis+sentinel://a,b:7/shop": RedisAddress(
        Form.SENTINEL, (("a", 26379), ("b", 7)), master="shop"
    ),
    "rediss+sentinel://:p@a:1/shop/4?sentinel_password=q": RedisAddress(
        Form.SENTINEL,
        (("a", 1),),
        tls=True,
        master="shop",
        db=4,
        password="p",
        sentinel_password="q",
    ),
    "redis+cluster://a,[::2]:3": RedisAddress(Form.CLUSTER, (("a", 6379), ("::2", 3))),
    "rediss+cluster://u:p@a": RedisAddress(
        Form.CLUSTER, (("a", 6379),), tls=True, username="u", password="p"
    ),
}

NONE = [
    "",
    "canary",
    "http://canary",
    "redis://canary:99999",
    "redis://canary:port",
    "redis://canary,other",
    "redis://host/canary",
    "redis://host/0/canary",
    "redis://host#canary",
    "redis://host?timeout=9",
    "redis://[canary",
    "redis://:can/ary@host",
    "redis://a:b:canary",
    "unix://",
    "unix://host/canary.sock",
    "unix:///x?db=canary",
    "redis+sentinel://a",
    "redis+sentinel://a/",
    "redis+sentinel:///canary",
    "redis+sentinel://a,,b/canary",
    "redis+sentinel://a/canary/0/x",
    "redis+sentinel://a/canary/x",
    "redis+cluster://",
    "redis+cluster://a/1",
    "redis+cluster://a?db=1",
]


@pytest.mark.parametrize(("text", "address"), ADDRESSES.items())
def test_an_address_is_parsed(text: str, address: RedisAddress) -> None:
    assert RedisAddress.parse(text) == address


@pytest.mark.parametrize("text", NONE)
def test_an_invalid_address_is_not_repeated(text: str) -> None:
    """It may contain a password."""
    with pytest.raises(ValueError, match=r"^Must ") as refused:
        RedisAddress.parse(text)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("ssl_cert_reqs=none", "set REDIS_VERIFY instead."),
        ("ssl_cert_reqs=", "set REDIS_VERIFY instead."),
        ("ssl_cert_reqs", "set REDIS_VERIFY instead."),
        ("ssl_check_hostname=false&db=1", "set REDIS_VERIFY instead."),
        ("ssl_ca_certs=/etc/canary.pem", "set REDIS_CA_FILE instead."),
        ("ssl_cert_reqs=none&socket_timeout=1", "set REDIS_TIMEOUT and REDIS_VERIFY instead."),
        ("max_connections=5", "set REDIS_POOL instead."),
        ("password=canary", "user and password stand before the host, and REDIS_VERIFY, "),
        ("canary", "user and password stand before the host, and REDIS_VERIFY, "),
    ],
)
@pytest.mark.parametrize(
    "address", ["rediss://h/0", "rediss+sentinel://h/m", "rediss+cluster://h", "unix:///run/x"]
)
def test_an_option_is_refused_by_the_name_of_its_variable(
    address: str, option: str, sentence: str
) -> None:
    """Platforms and other clients write these. The value is not repeated."""
    with pytest.raises(ValueError, match=r"^Must have no option but db") as refused:
        RedisAddress.parse(f"{address}?{option}")
    assert sentence in str(refused.value)
    assert "canary" not in str(refused.value)


def test_no_password_is_in_the_repr() -> None:
    shown = repr(RedisAddress.parse("redis+sentinel://:canary@a/b?sentinel_password=canary"))
    assert "canary" not in shown
