"""A login with the Python client of openapi-generator. Arguments: service, simulator, number."""

import json
import sys
import urllib.request

from verify_client import (
    ApiClient,
    CheckAnswer,
    CheckRequest,
    Configuration,
    ErrorAnswer,
    LoginFlowsApi,
    StartRequest,
)
from verify_client.exceptions import NotFoundException

service, simulator, number = sys.argv[1:]
key = {"accessKey": "development-access-key"}
configuration = Configuration(host=service, api_key=key, api_key_prefix={"accessKey": "AccessKey"})


def check(typed: str) -> CheckAnswer:
    body = CheckRequest(verificationId=started.verification_id, code=typed)
    return api.check_code(body, idempotency_key=f"key-{typed}")


with ApiClient(configuration) as client:
    api = LoginFlowsApi(client)
    started = api.start_verification(StartRequest(number=number, reference="order 7"))
    with urllib.request.urlopen(f"{simulator}/sandbox/calls?number={number}") as seen:  # noqa: S310
        code = json.load(seen)["calls"][-1]["from"][-4:]
    wrong, right = check("0000"), check(code)
    try:
        api.read_verification("unknown")
    except NotFoundException as error:
        missing = error.data
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
