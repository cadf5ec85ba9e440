"""The API of "Ringer": other fields, other words, errors by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from verify_service.domain.calls import (
    CallOutcome,
    CallStatus,
    DeliveryResult,
    Failed,
    FailureKind,
    Placed,
)
from verify_service.provider.interface import Endpoint

ERRORS = {
    "credit": FailureKind.ACCOUNT,
    "badNumber": FailureKind.INVALID_NUMBER,
    "slowDown": FailureKind.THROTTLED,
}
STATUSES = {
    "answered": DeliveryResult.DELIVERED,
    "missed": DeliveryResult.DELIVERED,
    "off": DeliveryResult.UNREACHED,
    "fraud": DeliveryResult.FORBIDDEN,
}


@dataclass(frozen=True, slots=True)
class Ringer:
    url: str
    key: str = field(repr=False)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(f"{self.url}/rings", {"Api-Key": self.key})

    def payload(self, number: str, code: str) -> dict[str, str]:
        return {"to": number, "lastDigits": code}

    def outcome(
        self, code: str, http_status: int, body: bytes, retry_after: float | None
    ) -> CallOutcome:
        answer = json.loads(body)
        if http_status == 200:
            return Placed(answer["ring"], answer["caller"].removesuffix(code), 11)
        kind = ERRORS[answer["error"]]
        wait = int(retry_after) if retry_after else None
        refund = kind is not FailureKind.INVALID_NUMBER
        return Failed(f"Ringer: {answer['error']}.", None, wait, kind, refund=refund)

    def status(self, word: str) -> CallStatus | None:
        result = STATUSES.get(word)
        return CallStatus(word, result) if result else None
