"""The search for secrets finds leaks, and nothing else."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode

import pytest
import redis

from tests.system.search import (
    REFERENCE,
    Known,
    leaks,
    leaks_in_commands,
    leaks_in_store,
    stored,
)
from verify_service.domain.ids import VerificationKey
from verify_service.store import keys

NUMBER, CODE, CALLER, ID = "79161234567", "4859", "78125554859", "A" * 40
WAY = {"79161234567": {"4859"}, "79161234568": {"5960"}, "79161234569": {"6071"}}
KNOWN = Known(WAY, {CALLER}, {NUMBER: ID}, {"one": set(WAY)}, {"7182"})

CLEAN = [
    "",
    '{"status": "ok", "number": "+7916•••••67", "expiresAt": 1790000300, "restartIn": 30}',
    "[2026-11-23 11:05:32 +0000] [4859] [INFO] Booting worker with pid: 4859",
    "[2026-11-23 11:05:32 +0000] [4859] [INFO] Listening at: unix:/tmp/a.sock (4859)",
    '{"event": "request", "http": 200, "ms": 4859.0, "timestamp": "2026-11-23T11:05:32.4859Z"}',
    '{"event": "request", "redis_ms": 4859.1, "provider": "unknown", "provider_ms": 4859}',
    'File "/a/b.py", line 4859, in x; /a/b.py:4859 x; <object at 0x4859>; 127.0.0.1:4859',
    "HTTP/1.1 200 OK Date: Mon, 23 Nov 4859 11:05:32 GMT Content-Length: 4859",
    "n:{x4859y} 1790000300123:4859abcd",
    "48590 14859 1790004859000",
]


@pytest.mark.parametrize("text", CLEAN)
def test_common_texts_are_no_leak(text: str) -> None:
    assert leaks(text, KNOWN) == []


LEAKS = {
    "key": "X-Authorization: AccessKey canary-access-key",
    "key, shouted": "CANARY_KEY",
    "key in base64": b64encode(b"user:canary-access-key").decode(),
    "key in base64, elsewhere": b64encode(b"us:canary-access-key").decode(),
    "key in base64, elsewhere again": b64encode(b"u:canary-access-key").decode(),
    "key in hex": b"x canary".hex(),
    "caller": f"from {CALLER}0",
    "number": f"+{NUMBER}",
    "code": f"the code is {CODE}.",
    "code in JSON": f'{{"code": {CODE}}}',
    "code in a query": f"GET /x?code={CODE}&a=b",
    "code in a list": f"['{CODE}']",
    "guess": "code=7182",
    "codes within words": "code_4859x x5960 codes=6071x",
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
def test_a_leak_is_found(text: str) -> None:
    """Among other lines, at their beginning and at their end."""
    noise = "\n".join(CLEAN)
    assert leaks(text, KNOWN) != []
    assert leaks(f"{noise}\n{text}\n{noise}", KNOWN) != []


def test_one_code_within_a_word_is_no_leak() -> None:
    """Three that went the same way are a leak."""
    assert leaks("code_4859x code_6071x", KNOWN) == []
    assert leaks("4859x code_6071 5960x", KNOWN) == ["codes that went the way of one"]


def test_an_approval_may_have_its_number() -> None:
    assert leaks(f"+{NUMBER}", KNOWN, numbers=False) == []
    assert leaks(CALLER, KNOWN, numbers=False) != []


VERIFICATION = keys.verification(VerificationKey("tag", "own"))
LIFE = {"number": f"+{NUMBER}", "reference": REFERENCE, "left": 3, "call": {"state": "placed"}}


@pytest.fixture
def kept(valkey: redis.Redis) -> redis.Redis:
    """What may stand in Redis."""
    valkey.set(VERIFICATION, json.dumps(LIFE))
    valkey.set(keys.number("tag"), json.dumps({"strangers": {"starts": [1790000300123]}}))
    valkey.hset(keys.RESTRICTIONS, "rule +7", json.dumps({"kind": "block", "until": 1790000300123}))
    assert leaks_in_store(stored(valkey), KNOWN) == []
    return valkey


def _plus(**more: object) -> str:
    return json.dumps(LIFE | more)


def _sha(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


PLANTS = {
    "key": lambda kept: kept.set(f"k:{NUMBER}", 1),
    "string": lambda kept: kept.set("k", f"x {CODE}"),
    "hash field": lambda kept: kept.hset("k", CODE, "1"),
    "hash value": lambda kept: kept.hset("k", "code", CODE),
    "JSON in a hash": lambda kept: kept.hset(keys.RESTRICTIONS, "x", f'{{"kind": "{CODE}"}}'),
    "member": lambda kept: kept.set(VERIFICATION, _plus(code=CODE)),
    "a number of JSON": lambda kept: kept.set(VERIFICATION, _plus(code=int(CODE))),
    "name of a member": lambda kept: kept.set(VERIFICATION, _plus(guesses={CODE: {}})),
    "deep member": lambda kept: kept.set(VERIFICATION, _plus(call={"seen": [{"is": CODE}]})),
    "JSON in JSON": lambda kept: kept.set(VERIFICATION, _plus(call=f'{{"is": "{CODE}"}}')),
    "list": lambda kept: kept.rpush("k", CALLER),
    "set": lambda kept: kept.sadd("k", f"+{NUMBER}"),
    "zset": lambda kept: kept.zadd("k", {CODE: 1}),
    "stream": lambda kept: kept.xadd("k", {"code": CODE}),
    "another field": lambda kept: kept.set(VERIFICATION, _plus(phone=f"+{NUMBER}")),
    "another depth": lambda kept: kept.set(VERIFICATION, _plus(call={"number": f"+{NUMBER}"})),
    "another key": lambda kept: kept.set(keys.number("tag"), _plus(number=f"+{NUMBER}")),
    "sha256": lambda kept: kept.set("k", _sha(CODE)),
    "sha256 with the id": lambda kept: kept.set("k", _sha(f"{ID}:{CODE}")[:24]),
    "md5": lambda kept: kept.set("k", b64encode(hashlib.md5(CODE.encode()).digest())),  # noqa: S324
    "idempotency key": lambda kept: kept.set(keys.idempotency_key("canary-key"), 1),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_leak_into_redis_is_found(kept: redis.Redis, plant) -> None:
    plant(kept)
    assert leaks_in_store(stored(kept), KNOWN) != []


def test_a_leak_in_a_command_is_found() -> None:
    """Also if it is not stored: among the keys, and in all arguments of a function."""
    reserve = [b"FCALL", b"reserve_0123456789abcdef", b"1", b"k", json.dumps(LIFE).encode()]
    assert leaks_in_commands([reserve], KNOWN) == []
    for word in (CODE, CALLER, "canary-key", f"{NUMBER}", _sha(CODE)):
        check = [*reserve[:4], _plus(code=word).encode()]
        assert leaks_in_commands([reserve, check], KNOWN) != []
        assert leaks_in_commands([[*reserve[:3], word.encode(), *reserve[4:]]], KNOWN) != []
