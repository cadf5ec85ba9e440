"""The token is accepted in every form the page and real clients show, and in no other."""

from base64 import b64encode

import pytest

from verify_service.sandbox import SandboxConfig

from .conftest import Start
from .harness import ORDINARY_NUMBER, Sandbox

BODY = {"number": ORDINARY_NUMBER, "code": 1234, "timeout": 30000}
PAIR = "sandbox-user:password"
PAIR64 = b64encode(PAIR.encode()).decode()

FORMS = [
    ("X-Authorization", "AccessKey {}"),
    ("X-Authorization", "Basic {}"),
    ("X-Authorization", "Bearer {}"),
    ("Authorization", "{}"),
    ("Authorization", "Basic {}"),
    ("Authorization", "AccessKey {}"),
]


@pytest.mark.parametrize(("header", "form"), FORMS)
@pytest.mark.parametrize("token", [SandboxConfig.access_key, PAIR])
def test_header_forms(start: Start, header: str, form: str, token: str) -> None:
    """Each header form admits the token, also one with a colon in it."""
    sandbox = start(SandboxConfig(access_key=token))
    assert sandbox.post(json=BODY, headers={header: form.format(token)}).status_code == 200


@pytest.mark.parametrize("header", ["X-Authorization", "Authorization"])
def test_base64_of_user_and_password(start: Start, header: str) -> None:
    """Basic also carries base64 where the token is a `user:password`."""
    sandbox = start(SandboxConfig(access_key=PAIR))
    assert sandbox.post(json=BODY, headers={header: f"Basic {PAIR64}"}).status_code == 200


def test_query_argument(sandbox: Sandbox) -> None:
    """The page's other place: an argument with the words of the header."""
    query = {"X-Authorization": "AccessKey sandbox-access-key"}
    assert sandbox.post(json=BODY, params=query).status_code == 200


REFUSED_HEADERS = [
    {},
    {"X-Authorization": "AccessKey wrong"},
    {"X-Authorization": "AccessKey sandbox-access-key2"},
    {"X-Authorization": "AccessKey"},
    {"X-Authorization": "sandbox-access-key"},
    {"X-Authorization": "Token sandbox-access-key"},
    {"X-Authorization": b"AccessKey \xd0\xba\xd0\xbb\xff"},
    {"Authorization": "wrong"},
    {"Authorization": "Bearer sandbox-access-key"},
    {"Authorization": f"Basic {b64encode(b'sandbox-access-key').decode()}"},
    {"X-Access-Key": "sandbox-access-key"},
]


@pytest.mark.parametrize("headers", REFUSED_HEADERS, ids=str)
def test_refused_headers(sandbox: Sandbox, headers: dict[str, str | bytes]) -> None:
    """Anything else is errorCode 1, bytes that are no text included."""
    answer = sandbox.post(json=BODY, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"errorCode": 1, "errorReason": "Authentication required"}


@pytest.mark.parametrize(
    "query",
    [
        "X-Authorization=sandbox-access-key",
        "X-Authorization=Basic%20sandbox-access-key",
        "Authorization=AccessKey%20sandbox-access-key",
        "X-Authorization=%FF%ED%A0%80",
        "X-Authorization=\xff",
    ],
)
def test_refused_arguments(sandbox: Sandbox, query: str) -> None:
    """The argument knows one form."""
    answer = sandbox.post(json=BODY, params=query)
    assert (answer.status_code, answer.json()["errorCode"]) == (401, 1)


def test_the_key_comes_before_the_body(sandbox: Sandbox) -> None:
    """Without a key the answer does not say what is wrong with the body."""
    assert sandbox.post(data="no JSON").status_code == 401


def test_the_token_is_remembered_nowhere(sandbox: Sandbox) -> None:
    """Neither a right nor a wrong token can be read from the simulator."""
    sandbox.place()
    sandbox.post(json=BODY, headers={"Authorization": "wrong-token"})
    remembered = sandbox.get("/sandbox/calls").text
    assert "sandbox-access-key" not in remembered
    assert "wrong-token" not in remembered
