"""Requests that carry an Idempotency-Key."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from .service import KEY, NUMBER, Service


def start(
    service: Service, idempotency: str, number: str = NUMBER, key: str = KEY, **fields: Any
) -> TestResponse:
    body = {"number": number, **fields}
    headers = {"Idempotency-Key": idempotency}
    return service.post("/verify/start", body, key=key, headers=headers)


def check(
    service: Service, idempotency: str, verification_id: str, code: Any, key: str = KEY
) -> TestResponse:
    body = {"verificationId": verification_id, "code": code}
    headers = {"Idempotency-Key": idempotency}
    return service.post("/verify/check", body, key=key, headers=headers)


def outcome(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["status"]
