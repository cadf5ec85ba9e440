"""The floor: the least that these libraries cost for the same exchanges.

A bare Flask view, JSON in and out; one Redis function that counts, called by plain redis-py with
its pool; for a start two such calls and one pooled post with ``requests``. It has the service's
gunicorn, worker and settings of the server. It validates nothing, authenticates and logs nothing.
"""

from __future__ import annotations

import os
import secrets

import redis
import requests
from flask import Flask, Response, jsonify, request
from requests.adapters import HTTPAdapter

IN_FLIGHT = 1000
"""The most connections to Redis, and kept ones to the provider, of a process: one per request."""
LIBRARY = """#!lua name=floor
redis.register_function('count', function(keys) return redis.call('INCR', keys[1]) end)
"""

app = Flask("floor", static_folder=None)
store = redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=IN_FLIGHT)
store.function_load(LIBRARY, replace=True)
session = requests.Session()
session.trust_env = False  # else each post looks for a .netrc and for proxies
session.mount("http://", HTTPAdapter(pool_maxsize=IN_FLIGHT))
provider_url = os.environ["PROVIDER_URL"] + "/apps/flash/calls/flash"


@app.get("/healthz")
def alive() -> Response:
    """Answer once the process serves."""
    return jsonify(status="ok")


@app.post("/verify/start")
def start() -> tuple[Response, int]:
    """Count, have the provider place a call, and count again."""
    verification_id = secrets.token_urlsafe(30)
    _count(verification_id)
    caller = _place(request.get_json()["number"])
    _count(verification_id)
    return _started(verification_id, caller), 201


@app.post("/verify/start-once")
def start_once() -> tuple[Response, int]:
    """Count once: the floor against which the peers in docs/performance.md were measured."""
    verification_id = secrets.token_urlsafe(30)
    _count(verification_id)
    return _started(verification_id, _place(request.get_json()["number"])), 201


@app.post("/verify/check")
def check() -> Response:
    """Count one guess."""
    left = _count(request.get_json()["verificationId"])
    return jsonify(
        status="ok",
        verified=False,
        state="pending",
        checksLeft=left,
        expiresIn=300,
        nextAction="enterCode",
    )


@app.get("/verify/<verification_id>")
def status(verification_id: str) -> Response:
    """Count one look."""
    _count(verification_id)
    return _started(verification_id, "79179130000")


@app.post("/callbacks/flashcall")
def callback() -> Response:
    """Count one callback."""
    _count(request.get_json()["number"])
    return jsonify(status="ok", applied=True)


def _count(key: str) -> int:
    counted: int = store.fcall("count", 1, key)
    return counted


def _place(number: str) -> str:
    code = 1000 + secrets.randbelow(9000)
    payload = {"number": number.lstrip("+"), "code": code, "timeout": 30_000}
    caller: str = session.post(provider_url, json=payload, timeout=10).json()["from"]
    return caller


def _started(verification_id: str, caller: str) -> Response:
    return jsonify(
        status="ok",
        verificationId=verification_id,
        state="pending",
        number="+7916•••••00",
        call={
            "state": "placed",
            "callerPrefix": caller[:-4],
            "callerLength": len(caller),
            "codeDigits": 4,
        },
        checksLeft=3,
        expiresAt=1_790_000_300,
        expiresIn=300,
        restartIn=30,
        nextAction="enterCode",
    )
