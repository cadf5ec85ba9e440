"""What Schemathesis needs beyond the document: how to make numbers that can be called, how a person
reads a code, and which refusals of well-formed requests are right by the contract.

The `schemathesis` command loads it (see schemathesis.toml), in a process of its own.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import threading
import time
from collections import Counter
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure, ServerError
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.generation.meta import TestPhase
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData

from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.table import Table

APP_KEY = "sandbox-app-key"
SANDBOX = os.environ["FUZZED_SANDBOX"]
DAY = 86_400
ABROAD = ("447400123456", "8613123456789", "12015550123")
"""Mobile numbers. The last one could be a landline too, like all numbers of its country."""

OUTCOMES = Table(SandboxConfig()).numbers
SWIFT = sorted(number for number in OUTCOMES if number[7:9] in ("00", "01", "02"))
"""Numbers whose calls are placed or refused at once."""

started: dict[str, str] = {}
"""The number of each verification of this run."""
approved: set[str] = set()
asked: Counter[str] = Counter()
"""How often a call to a number was requested."""
keys: Counter[tuple[str, str, str]] = Counter()
"""How often each Idempotency-Key was sent, by its operation and, for a check, its verification."""
fresh = itertools.count()
"""Numbers for scenarios: each is called once."""
scenario = threading.local()
"""Its attribute `started` is the verification that this thread started last."""
dice = random.Random(7)  # noqa: S311 - no secret


def _decorated(number: str) -> st.SearchStrategy[str]:
    normalize = (f"+{number}", number, f"+{number[0]} ({number[1:4]}) {number[4:7]}-{number[7:]}")
    return st.sampled_from(normalize)


mobiles = st.integers(0, 9_999_999).map(lambda rest: f"7916{rest:07}")
phones = st.one_of(
    st.sampled_from(SWIFT).flatmap(_decorated),
    mobiles.flatmap(_decorated),
    st.sampled_from([*(f"+{number}" for number in ABROAD), "+390612345678"]),
    st.from_regex(r"\A[+]?[0-9]{7,15}\Z"),
)
schemathesis.openapi.format("phone", phones)
# With these, the numbers without a plus are the same numbers.
COUNTRIES = ("RU", "KZ", "ru")
schemathesis.openapi.format("country", st.sampled_from(COUNTRIES))
schemathesis.openapi.format("ip", st.ip_addresses().map(str))
schemathesis.openapi.format("printable", st.text().filter(str.isprintable))


@schemathesis.hook
def before_call(_context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    """Add the provider's key. Type the right code, every other time. Negative cases stay."""
    if (
        not case.meta
        or not case.meta.generation.mode.is_positive
        or not isinstance(case.body, dict)
    ):
        return
    if case.meta.phase.name is TestPhase.STATEFUL:
        _forget_calls(case)
    if _name(case) == "startVerification":
        asked[_digits(case)] += 1
    if "appKey" in case.body and dice.random() < 0.9:
        case.body["appKey"] = APP_KEY
    number = started.get(str(case.body.get("verificationId")))
    if number and sum(map(ord, str(case.body["code"]))) % 2:
        case.body["code"] = _code(number) or case.body["code"]


def _forget_calls(case: Case) -> None:
    """A repeated scenario must have the same results, whatever was called before."""
    case.headers.pop("Idempotency-Key", None)
    if _name(case) == "startVerification":
        case.body["number"] = f"+7915{next(fresh):07}"
    if _name(case) == "checkCode":
        # The link from the start has no body: it says this in words.
        case.body["verificationId"] = getattr(scenario, "started", "unknown")


def _code(number: str) -> str | None:
    seen = requests.get(f"{SANDBOX}/sandbox/calls", params={"number": number}, timeout=5).json()
    codes = [call["from"][-4:] for call in seen["calls"] if call["from"]]
    return codes[-1] if codes else None


@schemathesis.hook
def after_call(_context: HookContext, case: Case, response: Response) -> None:
    """Keep what a login flow would keep."""
    keys[_key(case)] += 1
    if _name(case) == "startVerification" and response.status_code in (201, 400, 502):
        answer = response.json()
        if "verificationId" in answer and isinstance(case.body, dict):
            started[answer["verificationId"]] = str(case.body.get("number"))
            scenario.started = answer["verificationId"]


@schemathesis.check
def verified_once(_context: CheckContext, response: Response, case: Case) -> None:
    """A verification logs in one person at most. A repeat under one key is not another login."""
    if _name(case) != "checkCode" or response.status_code != 200:
        return
    if response.json()["verified"] and not _repeated(case):
        verification = case.body["verificationId"]
        assert verification not in approved, "verified twice"
        approved.add(verification)


@schemathesis.check
def answered_in_time(_context: CheckContext, response: Response, _case: Case) -> None:
    """Within PROVIDER_DEADLINE, and the time for Redis."""
    assert response.elapsed < 5, response.elapsed


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Keep every failure, except the refusals that the contract has for this request."""
    if not isinstance(failure, RejectedPositiveData | ServerError):
        return True
    status = response.json().get("status")
    excuse = EXCUSES.get((_name(case), response.status_code, status))
    return not (excuse and excuse(case))


def _digits(case: Case) -> str:
    return re.sub("[^0-9]", "", str(case.body["number"]))


def _can_be_called(case: Case) -> bool:
    """Return whether it looks like one of the numbers made here, by none of the service's own
    rules."""
    digits = _digits(case)
    return bool(re.fullmatch("791[56][0-9]{7}", digits)) or digits in {*SWIFT, *ABROAD}


def _may_be_invalid(case: Case) -> bool:
    outcome = OUTCOMES.get(_digits(case))
    return not _can_be_called(case) or bool(outcome and outcome.name == "errorCode 11")


def _may_not_be_called(case: Case) -> bool:
    return not _can_be_called(case)


def _was_sent_before(case: Case) -> bool:
    return asked[_digits(case)] > 1 or not _can_be_called(case)


def _is_refused(case: Case) -> bool:
    outcome = OUTCOMES.get(_digits(case))
    return bool(outcome and outcome.refusal)


def _key(case: Case) -> tuple[str, str, str]:
    body = case.body if isinstance(case.body, dict) else {}
    scope = str(body.get("verificationId", "")) if _name(case) == "checkCode" else ""
    return _name(case), scope, str((case.headers or {}).get("Idempotency-Key", ""))


def _repeated(case: Case) -> bool:
    """Return whether the Idempotency-Key, if there is one, was sent before."""
    return bool(_key(case)[-1]) and keys[_key(case)] > 1


def _is_unknown(case: Case) -> bool:
    shown = case.body["verificationId"] if _name(case) == "checkCode" else _in_path(case)
    return shown not in started


def _in_path(case: Case) -> str:
    return str(case.path_parameters["verificationId"])


def _is_invalid(case: Case) -> bool:
    timestamp = float(str(case.body["timestamp"]).replace(",", "."))
    seconds = timestamp / 1000 if timestamp >= 100_000_000_000 else timestamp
    return not 7 <= len(_digits(case)) <= 15 or seconds > time.time() + DAY - 60


def _has_another_key(case: Case) -> bool:
    return case.body["appKey"] != APP_KEY


def _is_no_callback(case: Case) -> bool:
    """Return whether a form has a number with an exponent, which is not accepted as text, or an id
    is a fraction: 1234.0 is an integer in JSON Schema, but is not accepted as an id."""
    in_a_form = case.media_type != "application/json" and "e" in str(case.body["timestamp"])
    return in_a_form or isinstance(case.body["requestId"], float)


def _always(_case: Case) -> bool:
    return True


def _has_no_country(case: Case) -> bool:
    """Return whether `country` has the shape of a code and may be none: AA, for example."""
    return case.body.get("country") not in COUNTRIES


EXCUSES = {
    ("startVerification", 400, "invalidSchemeError"): _has_no_country,
    ("startVerification", 400, "invalidDataError"): _may_be_invalid,
    ("startVerification", 403, "prohibitedForServiceError"): _may_not_be_called,
    ("startVerification", 422, "idempotencyMismatchError"): _repeated,
    ("startVerification", 429, "tooManyRequestsError"): _was_sent_before,
    ("startVerification", 502, "rpcError"): _is_refused,
    ("checkCode", 404, "notFoundError"): _is_unknown,
    ("checkCode", 422, "idempotencyMismatchError"): _repeated,
    ("readVerification", 404, "notFoundError"): _is_unknown,
    ("cancelVerification", 404, "notFoundError"): _is_unknown,
    ("receiveCallback", 400, "invalidDataError"): _is_invalid,
    ("receiveCallback", 400, "invalidSchemeError"): _is_no_callback,
    ("receiveCallback", 401, "invalidAccessKeyError"): _has_another_key,
    # This installation has no path secret.
    ("receiveCallbackBySecret", 404, "notFoundError"): _always,
}


def _name(case: Case) -> str:
    return str(case.operation.definition.raw.get("operationId"))
