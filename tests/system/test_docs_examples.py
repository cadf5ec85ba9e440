"""Every example of the guide at /docs works as the guide says, run unchanged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from tests.pages import Page
from tests.system.house import House
from tests.waiting import wait_until

CURL, PYTHON = "A login with curl", "A login flow in Python"
NODE, PHP = "A login flow in Node.js", "A login flow in PHP"
OFF, TWICE = "A phone that is off", "The same start twice"
CALLBACK = "A callback, as the provider sends it"
PHONE_OFF = "79990000005"


@pytest.fixture(scope="module")
def examples(house: House) -> dict[str, str]:
    """The examples by their names, with this run's ports."""
    page = Page(requests.get(f"{house.web}/docs", timeout=30).text)
    return {
        each.attributes["aria-label"]: each.text.replace(
            "http://127.0.0.1:8000", house.web
        ).replace("http://127.0.0.1:9090", house.sandbox)
        for each in page.all("pre")
        if "http://" in each.text
    }


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def answers(script: str) -> list[dict[str, Any]]:
    """Return the services' answers, a sequence of JSON texts."""
    text, found = run("bash", "-euc", script), []
    while text := text.lstrip():
        answer, end = json.JSONDecoder().raw_decode(text)
        found.append(answer)
        text = text[end:]
    return found


def test_every_example_is_tested(examples: dict[str, str]) -> None:
    assert set(examples) == {CURL, PYTHON, NODE, PHP, OFF, TWICE, CALLBACK}


def test_a_login_with_curl_works(examples: dict[str, str]) -> None:
    started, wrong, right = answers(examples[CURL])
    assert started["nextAction"] == "enterCode"
    assert (wrong["verified"], wrong["checksLeft"]) == (False, 2)
    assert (right["verified"], right["number"]) == (True, "+79215550123")


CALLING = "A call from +7917913…: do not answer, type its last four digits."
SHOWN = [CALLING, CALLING, "This code is wrong. You have 2 attempts left.", "You are logged in."]
"""What the login flow of each language shows to the person."""


def test_a_login_in_python_works(examples: dict[str, str]) -> None:
    shown = run(sys.executable, "-W", "error", "-c", examples[PYTHON]).splitlines()
    assert shown == [*SHOWN, "{'phone': '+79215550124'}"]


@pytest.mark.parametrize(
    ("program", "file", "phone"),
    [("node", "login.mjs", "+79215550130"), ("php", "login.php", "+79215550131")],
)
def test_a_login_in_another_language_works(
    examples: dict[str, str], tmp_path: Path, program: str, file: str, phone: str
) -> None:
    """With the same sentences as in Python. `.ci/run` installs both programs."""
    if not shutil.which(program) and not os.environ.get("CI"):
        pytest.skip(f"no {program}")
    (tmp_path / file).write_text(examples[{"node": NODE, "php": PHP}[program]], "utf-8")
    shown = run(program, str(tmp_path / file)).splitlines()
    assert shown == [*SHOWN, json.dumps({"phone": phone}, separators=(",", ":"))]


def test_a_phone_that_is_off_is_undelivered(house: House, examples: dict[str, str]) -> None:
    """Other tests call this number too. Each call ends its own cooldown."""
    wait_until(lambda: all(call["callbacks"] for call in house.calls(PHONE_OFF)))
    (status,) = answers(examples[OFF])
    assert status["call"]["state"] == "undelivered"
    assert status["call"]["providerStatus"] == "UNAVAILABLE"
    assert (status["nextAction"], status["restartIn"]) == ("restart", 0)


def test_the_same_start_twice_rings_once(house: House, examples: dict[str, str]) -> None:
    first, second = answers(examples[TWICE])
    assert first["verificationId"] == second["verificationId"]
    assert len(house.calls("79215550125")) == 1


def test_a_callback_is_applied(examples: dict[str, str]) -> None:
    assert answers(examples[CALLBACK]) == [{"status": "ok", "applied": False}]


@pytest.fixture
def flow(examples: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The login flow in Python, without its pauses."""
    module = ModuleType("flow")
    exec(compile(examples[PYTHON], "flow", "exec"), module.__dict__)  # noqa: S102
    monkeypatch.setattr("time.sleep", lambda _: None)
    return module


def test_the_flow_shows_when_to_start_again(flow: ModuleType) -> None:
    session: dict[str, str] = {}
    flow.start(session, "+7 921 555-01-27")
    again = flow.start(session, "+7 921 555-01-27")
    assert again.startswith("You can ask for a call again in ")
    assert session["verification"]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+7 917", "We cannot call this number."),
        ("+7 495 123-45-67", "We cannot call this number."),
        ("+7 999 000 01 04", "You can ask for a call again in 5 seconds."),
        ("+7 999 000 01 06", "Please choose another way to log in."),
        ("+7 999 000 01 11", "We cannot call this number."),
    ],
)
def test_the_flow_shows_what_is_wrong_with_a_number(
    flow: ModuleType, number: str, shown: str
) -> None:
    """An impossible number, a landline, and refusals: of this moment, of the account, of the
    number."""
    session: dict[str, str] = {}
    assert flow.start(session, number) == shown
    assert "verification" not in session


def test_the_flow_asks_to_turn_on_the_phone(flow: ModuleType) -> None:
    """The status is that of a phone that is off."""
    answer = {
        "call": {"state": "undelivered", "providerStatus": "UNAVAILABLE"},
        "nextAction": "restart",
        "restartIn": 0,
    }
    flow.ask = lambda *_: (200, answer)
    assert flow.status({"verification": "x"}).startswith("Your phone seems to be off.")


@pytest.mark.parametrize(
    "answer",
    [
        {"verified": False, "state": "approved", "nextAction": "stop"},
        {"verified": False, "state": "exhausted", "nextAction": "restart", "restartIn": 0},
        {"verified": "true", "nextAction": "of tomorrow"},
    ],
)
def test_the_flow_logs_in_no_other_person(flow: ModuleType, answer: dict[str, Any]) -> None:
    session = {"verification": "x"}
    flow.ask = lambda *_: (200, answer)
    assert "logged in" not in flow.check(session, "1234")
    assert session == {"verification": "x"}


def test_the_flow_retries_with_the_same_key(
    house: House, flow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer was lost on its way back: one call, and the session has its id."""
    real, sent = requests.request, []

    def loses_the_first(*args: Any, **kwargs: Any) -> requests.Response:
        answer = real(*args, **kwargs)
        sent.append(answer)
        if len(sent) == 1:
            raise requests.ConnectionError
        return answer

    monkeypatch.setattr(requests, "request", loses_the_first)
    session: dict[str, str] = {}
    flow.start(session, "+7 921 555-01-28")
    assert [answer.status_code for answer in sent] == [201, 201]
    assert session["verification"] == sent[0].json()["verificationId"]
    assert len(house.calls("79215550128")) == 1


def test_the_flow_keeps_a_key_until_it_has_an_answer(
    house: House, flow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start arrived, no answer ever did, and the person asks again: still one call."""
    real, session = requests.request, {}

    def arrives_and_is_lost(*args: Any, **kwargs: Any) -> requests.Response:
        real(*args, **kwargs)
        raise requests.ConnectionError

    with monkeypatch.context() as lossy:
        lossy.setattr(requests, "request", arrives_and_is_lost)
        with pytest.raises(flow.NoAnswer):
            flow.start(session, "+7 921 555-01-29")
    assert "last four digits" in flow.start(session, "+7 921 555-01-29")
    assert session["verification"]
    assert len(house.calls("79215550129")) == 1


def test_the_flow_gives_up_without_an_answer(
    flow: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> requests.Response:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "request", refuse)
    with pytest.raises(flow.NoAnswer):
        flow.check({"verification": "x"}, "1234")
