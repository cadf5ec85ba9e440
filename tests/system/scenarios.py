"""Every way in which a request can fail, with secrets in all that is sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from tests.system import redis_proxy as faults
from tests.system.leaky_provider import SAYINGS
from tests.system.observed_service import APP_KEY, CALLBACK, ObservedService
from tests.system.server_process import KEY, Answer

TIMES = 3
"""How often each way is taken, with another code each time."""


def talkative_provider(service: ObservedService) -> None:
    """The provider quotes everything in every kind of answer; then the person guesses."""
    sayings = {"silence": service.provider.hangs, **SAYINGS}
    numbers = [
        service.number(f"provider: {name}", saying)
        for name, saying in sayings.items()
        for _ in range(TIMES)
    ]
    with ThreadPoolExecutor(8) as crowd:
        assert {answer.status for answer in crowd.map(service.start, numbers)} == {201, 400, 502}
        assert set(service.provider.calls) >= set(numbers)
        service.look()
        approved = list(crowd.map(lambda number: answered(service, number), numbers))
    assert sum(approved) >= 3 * TIMES
    service.look()


def answered(service: ObservedService, number: str) -> bool:
    """A person mistypes, then types the code; the provider calls back. Return whether it was
    right."""
    service.web.ask("GET", f"/verify/{service.known.ids[number]}")
    assert service.callback(number).status == 200
    service.check(number, service.guess(number))
    right = service.check(number, service.code(number))
    service.check(number, int(service.code(number)))
    return '"verified":true' in right.text


def ends(service: ObservedService) -> None:
    """The other final states of a verification, and the waits of a number."""
    for _ in range(TIMES):
        spent, dropped = service.number("spent"), service.number("dropped")
        service.start(spent)
        for _ in range(4):
            service.check(spent, service.guess(spent))
        assert service.start(spent, Idempotency_Key="canary-idempotency-key-2").status == 429
        service.start(dropped)
        service.web.ask("POST", f"/verify/{service.known.ids[dropped]}/cancel")
        service.start(dropped)
        service.callback(dropped, status="REJECTED")
        service.start(dropped, Idempotency_Key=f"canary-idempotency-key-{dropped}-again")
    service.look()


def misplacement(service: ObservedService) -> None:
    """Codes, keys and numbers in the wrong places."""
    for _ in range(TIMES):
        number = service.number("misplaced")
        assert service.start(number).status == 201
        for answer in (*_in_addresses(service, number), *_in_bodies(service, number)):
            assert answer.status in (200, 400, 401, 404, 405, 409, 413, 415, 422, 429)
    service.look()


def _in_addresses(service: ObservedService, number: str) -> Iterable[Answer]:
    ask, call = service.web.ask, service.provider.calls[number]
    known = f"{call.words} {KEY}".replace(" ", "%20")
    query = f"code={call.code}&X-Authorization=AccessKey%20{KEY}"
    wrong = {"X_Authorization": f"AccessKey canary-wrong-key-{call.code}"}
    for path in (service.known.ids[number], call.code, call.caller, known):
        yield ask("GET", f"/verify/{path}?{query}", key=None)
        yield ask("GET", f"/verify/{path}?{known}", Cookie=call.words, User_Agent=call.words)
        yield ask("GET", f"/verify/{path}", **wrong)
        yield ask("DELETE", f"/verify/{path}?{known}", Referer=known)
        yield ask("GET", f"/{path}?{known}", key=None)
    yield service.callback(number, path=f"{CALLBACK}-wrong-{call.code}")
    yield ask("GET", "/metrics", Authorization=f"Bearer canary-wrong-token-{call.code}")


def _in_bodies(service: ObservedService, number: str) -> Iterable[Answer]:
    ask, call, code = service.web.ask, service.provider.calls[number], service.code(number)
    for guess in (f"{code}0", f" {code}", f"{code}\n", [code], {code: 1}, float(code), None):
        yield service.check(number, guess)
    for name in ("number", "clientIp", "reference"):
        yield ask("POST", "/verify/start", {"number": number, name: f"{call.words} \u0007"})
    quoted = json.dumps({"number": number, "code": code})
    for raw in (call.words, quoted[:-1], f"[{quoted}]", quoted.replace("}", ', "x": NaN}')):
        yield ask("POST", "/verify/check", raw)
        yield ask("POST", CALLBACK, raw, key=None)
    yield ask("POST", "/verify/check", call.words * 999)
    yield ask("POST", "/verify/start", call.words, Content_Type=f"text/{code}")
    yield service.start(number, Idempotency_Key="canary-idempotency-key-" + "x" * 200)
    mine = {"Idempotency_Key": f"canary-idempotency-key-{number}"}
    yield ask("POST", "/verify/start", {"number": number, "reference": "another"}, **mine)
    for fields in ({"status": code}, {"status": call.words}, {"timestamp": call.caller}):
        yield service.callback(number, **fields)
    yield service.callback(number, appKey=f"canary-wrong-app-key-{code}")
    yield service.callback(number, requestId=[call.words])
    yield service.callback(number, requestId="canary-request-unknown")
    form = f"requestId={code}&number={number}&status={code}&timestamp=1&appKey={APP_KEY}x"
    yield ask("POST", CALLBACK, form, Content_Type="application/x-www-form-urlencoded")


def rudeness(service: ObservedService) -> None:
    """Malformed HTTP with every secret in it."""
    for _ in range(TIMES):
        number = service.number("rude")
        service.start(number)
        for raw in _rude(service.provider.calls[number].words, service.code(number)):
            service.web.say(raw)


def _rude(words: str, code: str) -> list[bytes]:
    head = "Host: x\r\nContent-Type: application/json\r\n"
    own = f"X-Authorization: AccessKey {KEY}\r\n{head}"
    lines = [
        f"GET /verify/x?code={code} &X-Authorization={KEY} HTTP/1.1\r\n{head}\r\n",
        f"{words} HTTP/1.1\r\n{head}\r\n",
        f"{code} /{KEY} HTTP/1.1\r\n{head}\r\n",
        f"GET http://[{code}/?X-Authorization={KEY} HTTP/1.1\r\n{head}\r\n",
        f"GET /{words} HTTP/9.{code}\r\n{head}\r\n",
        f"GET /readyz HTTP/1.1\r\n{words}\r\n\r\n",
        f"GET /readyz HTTP/1.1\r\nX-{code}\x00: {words}\r\n\r\n",
        f"GET /readyz HTTP/1.1\r\n{head} folded {words}\r\n\r\n",
        f"GET /{'x' * 9_000}{code} HTTP/1.1\r\n{head}\r\n",
        f"GET /readyz HTTP/1.1\r\nX-Long: {words * 200}\r\n\r\n",
        f"GET /readyz HTTP/1.1\r\n{f'X: {code}' * 9}\r\n" * 200,
        f"POST /verify/check HTTP/1.1\r\n{own}Content-Length: {code}x\r\n\r\n{words}",
        f"POST /verify/check HTTP/1.1\r\n{own}Content-Length: 9999\r\n\r\n{words}",
        f"POST /verify/check HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\n\r\n{words}\r\n",
        f"POST /verify/check HTTP/1.1\r\n{own}Transfer-Encoding: {code}\r\n\r\n{words}\r\n",
        f"POST /verify/check HTTP/1.1\r\n{own}Expect: {code}\r\n\r\n{words}\r\n",
        f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{words}",
        f"PROXY TCP4 {code} {words}\r\n",
        f"GET /readyz HTTP/1.1\r\n{own}Upgrade: h2c\r\nHTTP2-Settings: {KEY}\r\n\r\n{words}",
    ]
    return [*(line.encode("latin-1") for line in lines), b"\x16\x03\x01\x02\x00" + words.encode()]


Step = Callable[[ObservedService, str], Answer]
STEPS: list[tuple[int, Step]] = [
    *((skip, lambda one, _: one.start(one.number("Redis: start"))) for skip in range(2)),
    (0, lambda one, number: one.check(number, one.code(number))),
    (0, lambda one, number: one.callback(number)),
    (0, lambda one, number: one.web.ask("GET", f"/verify/{one.known.ids[number]}")),
    (0, lambda one, number: one.web.ask("POST", f"/verify/{one.known.ids[number]}/cancel")),
    (0, lambda one, _: one.web.ask("GET", "/readyz")),
]
"""How many commands are forwarded first, and the request."""
_PREFIXES = ("ERR", "LOADING", "NOAUTH", "WRONGPASS", "READONLY", "OOM", "NOPERM", "MASTERDOWN")
_PREFIXES += ("BUSY", "TRYAGAIN", "CLUSTERDOWN", "EXECABORT", "MISCONF", "ODD", "WRONGTYPE")
FAULTS = [faults.lost, faults.no_reply_of_redis, faults.nonsense, faults.hidden_error]
FAULTS += [faults.error(prefix) for prefix in _PREFIXES]


def broken_redis(service: ObservedService) -> None:
    """Redis fails or leaks at each step of every request that uses it."""
    number = service.number("Redis: all else")
    service.start(number)
    service.check(number, service.guess(number))
    for fault, (skip, ask) in itertools.product(FAULTS, STEPS):
        with service.proxy.broken(fault, skip):
            assert ask(service, number).status in (200, 201, 404, 500, 502, 503)
    service.look()


def unreachable(service: ObservedService) -> None:
    """The provider cannot be reached any more."""
    service.provider.close()
    for _ in range(TIMES):
        assert service.start(service.number("unreachable")).status == 502
    service.look()
