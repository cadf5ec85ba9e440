"""Lines that the script does not take: each is refused with what is allowed."""

from typing import Any

import pytest

from .harness import Sandbox


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("[]", "the body must be an object"),
        ('{"times": 1, "times": 2}', "each field must stand there once"),
        ('{"answerAfter": NaN}', "NaN is no JSON number"),
        ('{"answerAfter": 1e999}', "answerAfter must be seconds, 0 to 600"),
        ("{}", "outcome must be one of: ANSWERED, TERMINATED, "),
        ('{"number": "+79161234567"}', "outcome must be one of: ANSWERED, TERMINATED, "),
        ('{"outcome": "ANSWERD"}', "outcome must be one of: ANSWERED, TERMINATED, "),
        ('{"outcome": null}', "outcome must be one of: ANSWERED, TERMINATED, "),
        ('{"outcome": ["ANSWERED"]}', "outcome must be one of: ANSWERED, TERMINATED, "),
        ('{"number": 79161234567, "outcome": "ANSWERED"}', "number must be a phone number"),
        ('{"number": "123456", "outcome": "ANSWERED"}', "number must be a phone number"),
        ('{"number": "tel:79161234567", "outcome": "ANSWERED"}', "number must be a phone number"),
        ('{"number": "", "outcome": "ANSWERED"}', "number must be a phone number"),
        ('{"outcom": "ANSWERED", "body": ""}', "'outcom' is no field; there are: answerAfter, "),
        ('{"outcome": "ANSWERED", "times": 0}', "times must be an integer from 1 to 1000"),
        ('{"outcome": "ANSWERED", "times": 1001}', "times must be an integer from 1 to 1000"),
        ('{"outcome": "ANSWERED", "times": true}', "times must be an integer from 1 to 1000"),
        ('{"outcome": "ANSWERED", "times": 1.0}', "times must be an integer from 1 to 1000"),
        ('{"answerAfter": -1}', "answerAfter must be seconds, 0 to 600"),
        ('{"answerAfter": "1"}', "answerAfter must be seconds, 0 to 600"),
        ('{"answerAfter": ' + "9" * 400 + "}", "answerAfter must be seconds, 0 to 600"),
        ('{"callbackAfter": 3601}', "callbackAfter must be seconds, 0 to 3600"),
        ('{"statuses": "ANSWERED"}', "statuses must be a list of at most 10, each one of: ANSWER"),
        ('{"statuses": ["ANSWERD"]}', "statuses must be a list of at most 10, each one of: ANSWE"),
        ('{"statuses": [{}]}', "statuses must be a list of at most 10, each one of: ANSWERED"),
        (f'{{"statuses": {["ANSWERED"] * 11}}}'.replace("'", '"'), "statuses must be a list of"),
        ('{"timestamps": [1.5]}', "timestamps must be a list of integers from 0 to"),
        ('{"from": 79161234567}', "from must be a text of 1 to 256 characters"),
        ('{"requestId": 1.5}', "requestId must be a text or an integer"),
        ('{"requestId": ""}', "requestId must be a text or an integer"),
        ('{"requestId": -1}', "requestId must be an integer from 0 to"),
        ('{"httpStatus": 199}', "httpStatus must be an integer from 200 to 599"),
        ('{"httpStatus": "200"}', "httpStatus must be an integer from 200 to 599"),
        ('{"body": null}', "body must be a text, sent as it is, or an object or a list"),
        ('{"body": 1}', "body must be a text, sent as it is, or an object or a list"),
        ('{"headers": []}', "headers must be an object of at most 10 texts"),
        ('{"headers": {"X-A": 1}}', "headers must be an object of at most 10 texts"),
        ('{"headers": {"X A": "1"}}', "headers must be an object of at most 10 texts"),
        ('{"headers": {"X-A": "1\\r\\nX-B: 2"}}', "headers must be an object of at most 10"),
    ],
)
def test_lines_of_the_wrong_shape(sandbox: Sandbox, line: str, error: str) -> None:
    """Refused with what is allowed; nothing is queued."""
    answer = sandbox.request(
        "POST", "/sandbox/next", data=line, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["status"]) == (400, "invalidSchemeError")
    assert answer.json()["error"].startswith(error)
    assert sandbox.get("/sandbox/next").json()["next"] == []


@pytest.mark.parametrize(
    ("line", "error"),
    [
        *(
            ({"outcome": "errorCode 6", name: value}, f"{name}: errorCode 6 is a refusal")
            for name, value in {
                "body": "",
                "from": None,
                "requestId": "x",
                "statuses": [],
                "timestamps": [],
                "callbackAfter": 1,
            }.items()
        ),
        ({"number": "79990000106", "body": "x"}, "body: errorCode 6 is a refusal"),
        ({"statuses": ["ANSWERED"], "timestamps": []}, "timestamps must be as many as the"),
        ({"statuses": [], "callbackAfter": 1}, "callbackAfter: no callback comes after"),
        ({"outcome": "noCallback", "callbackAfter": 1}, "callbackAfter: no callback comes after"),
        ({"outcome": "callbackFirst", "callbackAfter": 1}, "callbackAfter: no callback comes"),
    ],
    ids=str,
)
def test_lines_that_contradict_themselves(
    sandbox: Sandbox, line: dict[str, Any], error: str
) -> None:
    """The right shape, and it cannot be done."""
    answer = sandbox.tell("/sandbox/next", line)
    assert (answer.status_code, answer.json()["status"]) == (400, "invalidDataError")
    assert answer.json()["error"].startswith(error)
