"""Every way through the service that can go wrong, with secrets in all that is sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from tests.system import relay as faults
from tests.system.gossip import SAYINGS
from tests.system.ordeal import APP_KEY, CALLBACK, Ordeal
from tests.system.stand import KEY, Answer

TIMES = 3
"""So often each way is gone, with another code each time."""


def gossip(ordeal: Ordeal) -> None:
    """The provider says everything it knows in every way it can; then the person guesses."""
    sayings = {"silence": ordeal.gossip.hangs, **SAYINGS}
    numbers = [
        ordeal.number(f"provider: {name}", saying)
        for name, saying in sayings.items()
        for _ in range(TIMES)
    ]
    with ThreadPoolExecutor(8) as crowd:
        assert {answer.status for answer in crowd.map(ordeal.start, numbers)} == {201, 400, 502}
        assert set(ordeal.gossip.calls) >= set(numbers)
        ordeal.look()
        approved = list(crowd.map(lambda number: answered(ordeal, number), numbers))
    assert sum(approved) >= 3 * TIMES
    ordeal.look()


def answered(ordeal: Ordeal, number: str) -> bool:
    """A person reads, mistypes, types; the provider calls back. Returns whether it was right."""
    ordeal.web.ask("GET", f"/verify/{ordeal.known.ids[number]}")
    assert ordeal.callback(number).status == 200
    ordeal.check(number, ordeal.guess(number))
    right = ordeal.check(number, ordeal.code(number))
    ordeal.check(number, int(ordeal.code(number)))
    return '"verified":true' in right.text


def ends(ordeal: Ordeal) -> None:
    """What else a verification may come to, and what a number has to wait for."""
    for _ in range(TIMES):
        spent, dropped = ordeal.number("spent"), ordeal.number("dropped")
        ordeal.start(spent)
        for _ in range(4):
            ordeal.check(spent, ordeal.guess(spent))
        assert ordeal.start(spent, Idempotency_Key="canary-idempotency-key-2").status == 429
        ordeal.start(dropped)
        ordeal.web.ask("POST", f"/verify/{ordeal.known.ids[dropped]}/cancel")
        ordeal.start(dropped)
        ordeal.callback(dropped, status="REJECTED")
        ordeal.start(dropped, Idempotency_Key=f"canary-idempotency-key-{dropped}-again")
    ordeal.look()


def misplacement(ordeal: Ordeal) -> None:
    """Codes, keys and numbers where they do not belong."""
    for _ in range(TIMES):
        number = ordeal.number("misplaced")
        assert ordeal.start(number).status == 201
        for answer in (*_in_addresses(ordeal, number), *_in_bodies(ordeal, number)):
            assert answer.status in (200, 400, 401, 404, 405, 409, 413, 415, 422, 429)
    ordeal.look()


def _in_addresses(ordeal: Ordeal, number: str) -> Iterable[Answer]:
    ask, call = ordeal.web.ask, ordeal.gossip.calls[number]
    known = f"{call.words} {KEY}".replace(" ", "%20")
    query = f"code={call.code}&X-Authorization=AccessKey%20{KEY}"
    wrong = {"X_Authorization": f"AccessKey canary-wrong-key-{call.code}"}
    for path in (ordeal.known.ids[number], call.code, call.caller, known):
        yield ask("GET", f"/verify/{path}?{query}", key=None)
        yield ask("GET", f"/verify/{path}?{known}", Cookie=call.words, User_Agent=call.words)
        yield ask("GET", f"/verify/{path}", **wrong)
        yield ask("DELETE", f"/verify/{path}?{known}", Referer=known)
        yield ask("GET", f"/{path}?{known}", key=None)
    yield ordeal.callback(number, path=f"{CALLBACK}-wrong-{call.code}")
    yield ask("GET", "/metrics", Authorization=f"Bearer canary-wrong-token-{call.code}")


def _in_bodies(ordeal: Ordeal, number: str) -> Iterable[Answer]:
    ask, call, code = ordeal.web.ask, ordeal.gossip.calls[number], ordeal.code(number)
    for guess in (f"{code}0", f" {code}", f"{code}\n", [code], {code: 1}, float(code), None):
        yield ordeal.check(number, guess)
    for name in ("number", "clientIp", "reference"):
        yield ask("POST", "/verify/start", {"number": number, name: f"{call.words} \u0007"})
    quoted = json.dumps({"number": number, "code": code})
    for raw in (call.words, quoted[:-1], f"[{quoted}]", quoted.replace("}", ', "x": NaN}')):
        yield ask("POST", "/verify/check", raw)
        yield ask("POST", CALLBACK, raw, key=None)
    yield ask("POST", "/verify/check", call.words * 999)
    yield ask("POST", "/verify/start", call.words, Content_Type=f"text/{code}")
    yield ordeal.start(number, Idempotency_Key="canary-idempotency-key-" + "x" * 200)
    mine = {"Idempotency_Key": f"canary-idempotency-key-{number}"}
    yield ask("POST", "/verify/start", {"number": number, "reference": "another"}, **mine)
    for fields in ({"status": code}, {"status": call.words}, {"timestamp": call.caller}):
        yield ordeal.callback(number, **fields)
    yield ordeal.callback(number, appKey=f"canary-wrong-app-key-{code}")
    yield ordeal.callback(number, requestId=[call.words])
    yield ordeal.callback(number, requestId="canary-request-of-somebody")
    form = f"requestId={code}&number={number}&status={code}&timestamp=1&appKey={APP_KEY}x"
    yield ask("POST", CALLBACK, form, Content_Type="application/x-www-form-urlencoded")


def rudeness(ordeal: Ordeal) -> None:
    """What is hardly HTTP, with everything in it."""
    for _ in range(TIMES):
        number = ordeal.number("rude")
        ordeal.start(number)
        for raw in _rude(ordeal.gossip.calls[number].words, ordeal.code(number)):
            ordeal.web.say(raw)


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


Step = Callable[[Ordeal, str], Answer]
STEPS: list[tuple[int, Step]] = [
    *((skip, lambda one, _: one.start(one.number("Redis: start"))) for skip in range(3)),
    *((skip, lambda one, number: one.check(number, one.code(number))) for skip in range(2)),
    (0, lambda one, number: one.callback(number)),
    (0, lambda one, number: one.web.ask("GET", f"/verify/{one.known.ids[number]}")),
    (0, lambda one, number: one.web.ask("POST", f"/verify/{one.known.ids[number]}/cancel")),
    (0, lambda one, _: one.web.ask("GET", "/readyz")),
]
"""How many commands come through first, and what is asked."""
_PREFIXES = ("ERR", "LOADING", "NOAUTH", "WRONGPASS", "READONLY", "OOM", "NOPERM", "MASTERDOWN")
_PREFIXES += ("BUSY", "TRYAGAIN", "CLUSTERDOWN", "EXECABORT", "MISCONF", "ODD", "WRONGTYPE")
FAULTS = [faults.lost, faults.no_reply_of_redis, faults.nonsense, faults.hidden_error]
FAULTS += [faults.error(prefix) for prefix in _PREFIXES]


def broken_redis(ordeal: Ordeal) -> None:
    """Redis gone, or talking, at each step of everything that asks it."""
    number = ordeal.number("Redis: all else")
    ordeal.start(number)
    ordeal.check(number, ordeal.guess(number))
    for fault, (skip, ask) in itertools.product(FAULTS, STEPS):
        with ordeal.relay.broken(fault, skip):
            assert ask(ordeal, number).status in (200, 201, 404, 500, 502, 503)
    ordeal.look()


def unreachable(ordeal: Ordeal) -> None:
    """The provider is gone for good."""
    ordeal.gossip.close()
    for _ in range(TIMES):
        assert ordeal.start(ordeal.number("unreachable")).status == 502
    ordeal.look()
