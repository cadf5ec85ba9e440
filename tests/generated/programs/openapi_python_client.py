"""A login with the client of openapi-python-client. Arguments: service, simulator, number."""

import json
import sys
import urllib.request

from verify_client.api.login_flows import check_code, read_verification, start_verification
from verify_client.client import AuthenticatedClient
from verify_client.models import (
    CheckAnswer,
    CheckRequest,
    ErrorAnswer,
    StartRequest,
    VerificationAnswer,
)

service, simulator, number = sys.argv[1:]
client = AuthenticatedClient(
    base_url=service,
    token="development-access-key",
    prefix="AccessKey",
    auth_header_name="X-Authorization",
)


def check(verification_id: str, typed: str) -> CheckAnswer:
    body = CheckRequest(verification_id=verification_id, code=typed)
    answer = check_code.sync(client=client, body=body, idempotency_key=f"key-{typed}")
    assert isinstance(answer, CheckAnswer)
    return answer


started = start_verification.sync(
    client=client, body=StartRequest(number=number, reference="order 7")
)
assert isinstance(started, VerificationAnswer)
with urllib.request.urlopen(f"{simulator}/sandbox/calls?number={number}") as seen:  # noqa: S310
    code = json.load(seen)["calls"][-1]["from"][-4:]
wrong, right = (check(started.verification_id, each) for each in ("0000", code))
missing = read_verification.sync("unknown", client=client)
assert isinstance(missing, ErrorAnswer)
print(
    json.dumps(
        {
            "prefix": started.call.caller_prefix,
            "wrong": [wrong.verified, wrong.checks_left, wrong.next_action],
            "right": [right.verified, right.number, right.next_action, right.reference],
            "error": [missing.status, missing.reason],
        }
    )
)
