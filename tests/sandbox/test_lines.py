"""Lines that the script refuses. Each error names the field."""

from typing import Any

import pytest

from .harness import Sandbox


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("[]", "the body: Invalid input type."),
        ('{"answerAfter": NaN}', "answerAfter: Special numeric values"),
        ('{"answerAfter": 1e999}', "answerAfter: Special numeric values"),
        ("{}", "outcome: Must be one of: ANSWERED, TERMINATED, "),
        ('{"number": "+79161234567"}', "outcome: Must be one of: ANSWERED, TERMINATED, "),
        ('{"outcome": "ANSWERD"}', "outcome: Must be one of: ANSWERED, TERMINATED, "),
        ('{"outcome": null}', "outcome: Field may not be null."),
        ('{"outcome": ["ANSWERED"]}', "outcome: Not a valid string."),
        ('{"number": 79161234567, "outcome": "ANSWERED"}', "number: Not a valid string."),
        ('{"number": "123456", "outcome": "ANSWERED"}', "number: Must be a phone number"),
        ('{"number": "tel:79161234567", "outcome": "ANSWERED"}', "number: Must be a phone number"),
        ('{"number": "", "outcome": "ANSWERED"}', "number: Must be a phone number"),
        ('{"outcom": "ANSWERED", "body": ""}', "outcom: Unknown field."),
        ('{"outcome": "ANSWERED", "times": 0}', "times: Must be greater than or equal to 1 and"),
        ('{"outcome": "ANSWERED", "times": 1001}', "times: Must be greater than or equal to 1 and"),
        ('{"outcome": "ANSWERED", "times": true}', "times: Not a valid integer."),
        ('{"outcome": "ANSWERED", "times": 1.0}', "times: Not a valid integer."),
        ('{"answerAfter": -1}', "answerAfter: Must be greater than or equal to 0 and"),
        ('{"answerAfter": ' + "9" * 400 + "}", "answerAfter: Number too large."),
        ('{"callbackAfter": 3601}', "callbackAfter: Must be greater than or equal to 0 and"),
        ('{"statuses": "ANSWERED"}', "statuses: Not a valid list."),
        ('{"statuses": ["ANSWERD"]}', "statuses.0: Must be one of: ANSWERED"),
        ('{"statuses": [{}]}', "statuses.0: Not a valid string."),
        (
            f'{{"statuses": {["ANSWERED"] * 11}}}'.replace("'", '"'),
            "statuses: Longer than maximum",
        ),
        ('{"timestamps": [-1]}', "timestamps.0: Must be a number from 0, or a text of 1 to 64"),
        ('{"timestamps": [NaN]}', "timestamps.0: Must be a number from 0, or a text of 1 to 64"),
        ('{"timestamps": [true]}', "timestamps.0: Must be a number from 0, or a text of 1 to 64"),
        ('{"timestamps": [""]}', "timestamps.0: Must be a number from 0, or a text of 1 to 64"),
        ('{"from": 79161234567}', "from: Not a valid string."),
        ('{"requestId": 1.5}', "requestId: Must be a string of 1 to 256 characters"),
        ('{"requestId": ""}', "requestId: Must be a string of 1 to 256 characters"),
        ('{"requestId": -1}', "requestId: Must be a string of 1 to 256 characters"),
        ('{"httpStatus": 199}', "httpStatus: Must be greater than or equal to 200 and"),
        ('{"httpStatus": "200"}', "httpStatus: Not a valid integer."),
        ('{"body": null}', "body: Field may not be null."),
        ('{"body": 1}', "body: Must be a string, an object or an array."),
        ('{"headers": []}', "headers: Not a valid mapping type."),
        ('{"headers": {"X-A": 1}}', "headers.X-A.value: Not a valid string."),
        ('{"headers": {"X A": "1"}}', "headers.X A.key: String does not match"),
        ('{"headers": {"X-A": "1\\r\\nX-B: 2"}}', "headers.X-A.value: String does not match"),
    ],
)
def test_lines_of_the_wrong_shape(sandbox: Sandbox, line: str, error: str) -> None:
    """HTTP 400; the error names the field, and no line is added."""
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
        ({"statuses": ["ANSWERED"], "timestamps": []}, "timestamps: must be as many as the"),
        ({"statuses": [], "callbackAfter": 1}, "callbackAfter: no callback is sent after"),
        ({"outcome": "noCallback", "callbackAfter": 1}, "callbackAfter: no callback is sent after"),
        ({"outcome": "callbackFirst", "callbackAfter": 1}, "callbackAfter: no callback is sent"),
    ],
    ids=str,
)
def test_lines_that_contradict_themselves(
    sandbox: Sandbox, line: dict[str, Any], error: str
) -> None:
    """Valid fields that contradict each other."""
    answer = sandbox.tell("/sandbox/next", line)
    assert (answer.status_code, answer.json()["status"]) == (400, "invalidDataError")
    assert answer.json()["error"].startswith(error)
