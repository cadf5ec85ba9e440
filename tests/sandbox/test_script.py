"""The script: the outcomes of the next calls to a number."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from verify_service.sandbox import script

from .harness import KEY, ORDINARY_NUMBER, Sandbox

OTHER_NUMBER = "79167654321"


def outcomes(sandbox: Sandbox) -> list[str]:
    return [call["outcome"] for call in sandbox.calls()]


@pytest.mark.parametrize("name", ["UNAVAILABLE", "errorCode 6", "rpcError", "noFrom", "http503"])
def test_the_next_call(sandbox: Sandbox, name: str) -> None:
    """It has the outcome of that name, once; then the number is what it was."""
    sandbox.next(number=ORDINARY_NUMBER, outcome=name)
    sandbox.place()
    sandbox.place()
    assert outcomes(sandbox) == [name, "TERMINATED"]


@pytest.mark.parametrize("spelling", ["+79161234567", "79161234567", "+7 (916) 123-45.67"])
def test_spellings(sandbox: Sandbox, spelling: str) -> None:
    """The spelling of the number does not matter."""
    sandbox.next(number=spelling, outcome="ANSWERED")
    sandbox.place("+79161234567")
    assert outcomes(sandbox) == ["ANSWERED"]


def test_a_magic_number(sandbox: Sandbox) -> None:
    """The script goes before the table."""
    sandbox.next(number="79990000106", outcome="ANSWERED")
    assert sandbox.place("79990000106").status_code == 200
    assert sandbox.place("79990000106").status_code == 403


def test_first_in_first_out(sandbox: Sandbox) -> None:
    """Lines for one number are taken in their order, `times` calls each."""
    sandbox.next(number=ORDINARY_NUMBER, outcome="REJECTED", times=2)
    sandbox.next(number=ORDINARY_NUMBER, outcome="ANSWERED")
    for _ in range(4):
        sandbox.place()
    assert outcomes(sandbox) == ["REJECTED", "REJECTED", "ANSWERED", "TERMINATED"]


def test_a_line_for_one_number_is_no_others(sandbox: Sandbox) -> None:
    """A call to another number does not use it."""
    sandbox.next(number=OTHER_NUMBER, outcome="REJECTED")
    sandbox.place()
    sandbox.place(OTHER_NUMBER)
    assert outcomes(sandbox) == ["TERMINATED", "REJECTED"]


@pytest.mark.parametrize("anybody", [{}, {"number": None}, {"number": "*"}], ids=str)
def test_a_line_for_anybody(sandbox: Sandbox, anybody: dict[str, Any]) -> None:
    """The first call to any number uses it; its number is shown as `*`."""
    assert sandbox.next(**anybody, outcome="REJECTED")["number"] == "*"
    sandbox.place()
    sandbox.place()
    assert outcomes(sandbox) == ["REJECTED", "TERMINATED"]


def test_the_oldest_line_that_fits(sandbox: Sandbox) -> None:
    """A number's own line does not overtake one for anybody, nor the other way round."""
    sandbox.next(outcome="REJECTED")
    sandbox.next(number=ORDINARY_NUMBER, outcome="ANSWERED")
    sandbox.next(outcome="FORBIDDEN")
    for number in (ORDINARY_NUMBER, ORDINARY_NUMBER, ORDINARY_NUMBER):
        sandbox.place(number)
    assert outcomes(sandbox) == ["REJECTED", "ANSWERED", "FORBIDDEN"]


def test_a_request_that_is_no_call_takes_nothing(sandbox: Sandbox) -> None:
    """Without a key, or with a body that the page refuses."""
    sandbox.next(outcome="REJECTED")
    sandbox.post(json={"number": ORDINARY_NUMBER, "code": 1234, "timeout": 1})
    sandbox.post(json={"number": ORDINARY_NUMBER}, headers=KEY)
    sandbox.place(code=1)
    sandbox.place()
    assert outcomes(sandbox)[-1] == "REJECTED"


def test_calls_at_once(sandbox: Sandbox) -> None:
    """A line for five calls is taken by five of twenty."""
    sandbox.next(outcome="errorCode 4", times=5)
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda _: sandbox.place().status_code, range(20)))
    assert Counter(answers) == {429: 5, 200: 15}


def test_what_waits_is_shown(sandbox: Sandbox) -> None:
    """The oldest first, in the words of the table, with the calls that are left."""
    shown = sandbox.next(number="+7 916 123-45-67", outcome="UNAVAILABLE", times=3)
    sandbox.next(statuses=["ANSWERED"], callbackAfter=1)
    sandbox.place()
    first, second = sandbox.get("/sandbox/next").json()["next"]
    assert shown == {
        "number": "+7 916 123-45-67",
        "times": 3,
        "outcome": "UNAVAILABLE",
        "meaning": "the subscriber is unavailable, the phone is off",
        "httpStatus": 200,
        "answerAfter": 0.0,
        "callbacks": ["UNAVAILABLE"],
        "callbackAfter": None,
        "callbackFirst": False,
    }
    assert first == shown | {"times": 2}
    assert (second["outcome"], second["callbacks"]) == ("scripted", ["ANSWERED"])
    assert second["callbackAfter"] == 1.0


def test_forgetting(sandbox: Sandbox) -> None:
    """DELETE empties the script and says how many lines there were."""
    sandbox.next(outcome="REJECTED", times=7)
    sandbox.next(outcome="REJECTED")
    assert sandbox.request("DELETE", "/sandbox/next").json() == {"status": "ok", "forgotten": 2}
    assert sandbox.get("/sandbox/next").json() == {"status": "ok", "next": []}
    sandbox.place()
    assert outcomes(sandbox) == ["TERMINATED"]


def test_the_script_is_bounded(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 1,000 lines."""
    monkeypatch.setattr(script, "MAX_LINES", 1)
    sandbox.next(outcome="REJECTED")
    answer = sandbox.tell("/sandbox/next", {"outcome": "REJECTED"})
    assert (answer.status_code, answer.json()["status"]) == (400, "invalidDataError")
    assert "DELETE /sandbox/next" in answer.json()["error"]
