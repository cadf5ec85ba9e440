"""The number chooses: statuses and refusals, over the wire, and the table itself.

The rows stand here a second time, written out, so that a change of the table is a change of a test.
"""

import json
import subprocess

import phonenumbers
import pytest

from tests.pages import Page
from verify_service.sandbox import SandboxConfig
from verify_service.sandbox.table import Table

from .conftest import Start
from .harness import ORDINARY_NUMBER, Receiver, Sandbox
from .test_bad_answers import BAD_ANSWERS
from .test_bad_callbacks import BAD_CALLBACKS
from .test_callback_formats import ROWS as CALLBACK_FORMATS
from .test_on_the_way import ON_THE_WAY

MAGIC_NUMBERS = Table(SandboxConfig()).numbers
STATUSES = {
    "79990000001": "ANSWERED",
    "79990000002": "TERMINATED",
    "79990000003": "BUSY_HERE",
    "79990000004": "REJECTED",
    "79990000005": "UNAVAILABLE",
    "79990000006": "FORBIDDEN",
    ORDINARY_NUMBER: "TERMINATED",
    "79990009999": "TERMINATED",
}
CODES = [
    ("79990000101", 401, 1, "Authentication required"),
    ("79990000102", 400, 2, "Inactive account"),
    ("79990000104", 429, 4, "Too many requests"),
    ("79990000105", 401, 5, "Inactive token"),
    ("79990000106", 403, 6, "Insufficient funds"),
    ("79990000107", 403, 7, "Forbidden"),
    ("79990000108", 400, 8, "Account misconfigured"),
    ("79990000109", 400, 9, "Rejected"),
    ("79990000110", 400, 10, "Invalid request"),
    ("79990000111", 400, 11, "Invalid number"),
    ("79990000116", 400, 16, "Sender not allowed"),
    ("79990000125", 405, 25, "Method not allowed"),
    ("79990000199", 500, 99, "Internal error"),
]
WORDS = {
    "79990000201": "invalidAccessKeyError",
    "79990000202": "requiredJsonError",
    "79990000203": "invalidSchemeError",
    "79990000204": "invalidDataError",
    "79990000205": "prohibitedForAppError",
    "79990000206": "prohibitedForServiceError",
    "79990000207": "rpcError",
    "79990000208": "accountFinanciallyBlocked",
    "79990000209": "Rejected",
}


@pytest.mark.parametrize(("number", "status"), STATUSES.items())
def test_call_statuses(calling: Sandbox, receiver: Receiver, number: str, status: str) -> None:
    """The call is placed and its callback brings the status; other numbers ring unanswered."""
    answer = calling.place(number)
    assert answer.status_code == 200
    [callback] = receiver.wait_for(1)
    assert callback["status"] == status
    assert callback["requestId"] == answer.json()["requestId"]
    assert calling.calls()[0]["outcome"] == status


@pytest.mark.parametrize(("number", "http_status", "code", "reason"), CODES)
def test_error_codes(
    calling: Sandbox, number: str, http_status: int, code: int, reason: str
) -> None:
    """The page's table of codes and the partner's, each with its HTTP status."""
    answer = calling.place(number)
    assert answer.status_code == http_status
    assert answer.json() == {"errorCode": code, "errorReason": reason}
    assert calling.calls()[0]["outcome"] == f"errorCode {code}"


@pytest.mark.parametrize(("number", "word"), WORDS.items())
def test_error_words(calling: Sandbox, number: str, word: str) -> None:
    """The other error shape, under HTTP 200: only the body says that the call failed.

    The last two are words of the platform's other pages.
    """
    answer = calling.place(number)
    assert answer.status_code == 200
    assert answer.json()["status"] == word
    assert answer.json()["error"]
    assert "requestId" not in answer.json()
    assert calling.calls()[0]["outcome"] == word


@pytest.mark.parametrize("number", ["+79990000104", "79990000104"])
def test_both_spellings_choose(sandbox: Sandbox, number: str) -> None:
    """A plus changes nothing."""
    assert sandbox.place(number).status_code == 429


def test_every_row_is_tested() -> None:
    """A row that is added to the table needs a test here."""
    rows = {*STATUSES, *(row[0] for row in CODES), *WORDS} - {ORDINARY_NUMBER, "79990009999"}
    others = {*ON_THE_WAY, *BAD_ANSWERS, *BAD_CALLBACKS, *CALLBACK_FORMATS}
    assert rows | others == set(MAGIC_NUMBERS)


def test_names_are_unique() -> None:
    """A name chooses as a number does."""
    assert len({outcome.name for outcome in MAGIC_NUMBERS.values()}) == len(MAGIC_NUMBERS)


@pytest.mark.parametrize("number", MAGIC_NUMBERS)
def test_magic_numbers_are_valid_mobile_numbers(number: str) -> None:
    """A service's own checks let them through."""
    parsed = phonenumbers.parse(f"+{number}")
    assert phonenumbers.is_valid_number(parsed)
    assert phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE


def test_the_table_as_json(sandbox: Sandbox) -> None:
    """Programs can read the table."""
    table = sandbox.get("/sandbox/outcomes").json()
    assert table["status"] == "ok"
    assert [row["number"] for row in table["outcomes"]] == [f"+{each}" for each in MAGIC_NUMBERS]
    assert table["outcomes"][8] == {
        "number": "+79990000104",
        "outcome": "errorCode 4",
        "meaning": "refused with HTTP 429: Too many requests",
        "httpStatus": 429,
        "answerAfter": 0.0,
        "callbacks": [],
        "callbackAfter": None,
        "callbackFirst": False,
    }
    assert table["otherwise"]["callbacks"] == ["TERMINATED"]
    assert table["otherwise"]["httpStatus"] == 200


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def test_the_front_page_in_a_browser(sandbox: Sandbox) -> None:
    """A table of every number, its name and its meaning, that loads nothing from elsewhere."""
    answer = sandbox.get("/", headers={"Accept": BROWSER})
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = Page(answer.text)
    rows = [each.inside for each in page.all("tr") if each.inside[0].attributes == {"scope": "row"}]
    shown = {row[0].text.replace(" ", "").removeprefix("+"): row[1].text for row in rows}
    assert list(shown) == list(MAGIC_NUMBERS)
    for number, outcome in MAGIC_NUMBERS.items():
        assert outcome.name in shown[number]
        assert outcome.meaning in shown[number]
    for each in page.all("link"):
        if each.attributes["rel"] == "stylesheet":
            assert sandbox.get(each.attributes["href"]).status_code == 200
    assert "/phone" in {each.attributes["href"] for each in page.all("a")}


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "application/json", ""])
def test_the_front_page_in_a_terminal(sandbox: Sandbox, accept: str) -> None:
    """Only a client that prefers HTML gets it, and caches keep the two apart."""
    page = sandbox.get("/", headers={"Accept": accept})
    assert page.headers["Content-Type"].startswith("text/plain")
    assert "Accept" in page.headers["Vary"]


def test_the_front_page(sandbox: Sandbox) -> None:
    """People can read it too, in plain text with commands that work."""
    page = sandbox.get("/")
    assert page.headers["Content-Type"].startswith("text/plain")
    assert f"{sandbox.root}/api/apps/flash/calls/flash" in page.text
    assert '{"number": "79990000001", "code": 1234, "timeout": 30000}' in page.text
    assert all(number in page.text for number in MAGIC_NUMBERS)


def test_the_front_page_names_every_page(start: Start) -> None:
    """And says how slow this simulator's slow ones are."""
    sandbox = start(SandboxConfig(slow_answer=0.25))
    page = sandbox.get("/").text
    for path in ("calls", "calls/<requestId>", "outcomes", "next", "callbacks", "reset"):
        assert f" /sandbox/{path} " in page
    assert "the answer takes 0.25 s" in page


@pytest.mark.slow
def test_the_front_page_s_commands(sandbox: Sandbox) -> None:
    """Each of them, pasted as it stands."""
    page = sandbox.get("/").text.replace("\\\n", "")
    commands = [line for line in page.splitlines() if line.startswith("  curl ")]
    assert len(commands) == 4
    for command in commands:
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=30, check=True)
        assert json.loads(done.stdout)["status"] == "ok", command
