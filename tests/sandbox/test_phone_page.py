"""Which requests the phone accepts, and what its page loads."""

import pytest
import requests

from tests.pages import Page

from .harness import PATIENCE, Receiver, Sandbox
from .phones import key_of, phone, post

STRANGERS = ["https://example.org", "http://127.0.0.1:1", "http://localhost", "null", "none"]
CHANGES = ["open", "mode", "decide"]


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("origin", STRANGERS)
def test_no_other_page_uses_it(sandbox: Sandbox, path: str, origin: str) -> None:
    """A request is refused unless its Origin is exactly the simulator's address."""
    headers = {} if origin == "none" else {"Origin": origin}
    answer = sandbox.request("POST", f"/phone/{path}", json={}, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (403, "prohibitedForAppError")


@pytest.mark.parametrize("path", ["mode", "decide"])
def test_no_form_uses_it(sandbox: Sandbox, path: str) -> None:
    """A body that is no JSON is not even read."""
    headers = {"Origin": sandbox.root, "Content-Type": "text/plain"}
    answer = sandbox.request("POST", f"/phone/{path}", data='{"mode": "off"}', headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["", "/phone.js", "/events", "/open"])
@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "[::1"])
def test_no_borrowed_name(sandbox: Sandbox, path: str, host: str) -> None:
    """A foreign host name that resolves to 127.0.0.1 would be the same origin: refused."""
    method = "POST" if path == "/open" else "GET"
    headers = {"Host": host, "Origin": f"http://{host}"}
    answer = sandbox.request(method, f"/phone{path}", headers=headers)
    assert answer.status_code in {400, 403}
    assert "key" not in answer.json()


def test_localhost_is_at_home(sandbox: Sandbox) -> None:
    port = sandbox.root.rpartition(":")[2]
    here = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert sandbox.request("POST", "/phone/open", headers=here).status_code == 200


@pytest.mark.parametrize("key", ["", "guess", "ключ"])
def test_nobody_listens_without_a_key(calling: Sandbox, receiver: Receiver, key: str) -> None:
    """Otherwise any page could take all calls, for example with an image."""
    answer = calling.get("/phone/events", params={"key": key})
    assert answer.status_code == 403
    calling.place()
    assert receiver.wait_for(1)[0]["status"] == "TERMINATED"


def test_a_phone_of_no_number(sandbox: Sandbox) -> None:
    answer = sandbox.get("/phone/events", params={"key": key_of(sandbox), "number": "mine"})
    assert (answer.status_code, answer.json()["status"]) == (400, "invalidSchemeError")


def test_the_page_of_no_number(sandbox: Sandbox) -> None:
    """The page is refused too: its script could only retry without end."""
    answer = sandbox.get("/phone", params={"number": "mine"})
    assert (answer.status_code, answer.json()["status"]) == (400, "invalidSchemeError")


def test_a_long_body(sandbox: Sandbox) -> None:
    assert post(sandbox, "mode", {"mode": "x" * 20_000}).status_code == 413


def test_the_page_loads_nothing_from_elsewhere(sandbox: Sandbox) -> None:
    """Everything it names is here, and the policy allows nothing else, nor any inline script."""
    answer = sandbox.get("/phone")
    page = Page(answer.text)
    scripts = [each.attributes["src"] for each in page.all("script")]
    styles = [
        each.attributes["href"]
        for each in page.all("link")
        if each.attributes["rel"] == "stylesheet"
    ]
    assert [scripts, styles] == [["/phone/phone.js"], ["/phone/phone.css"]]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not any("style" in each.attributes for each in page.elements)
    for path in [*scripts, *styles, "/phone/screen.js", "/phone/sound.js"]:
        part = sandbox.get(path)
        assert (part.status_code, part.headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert "http" not in part.text


@pytest.mark.parametrize("part", ["phone.html", "no.js", "..%2fpages.js", "pages.py"])
def test_nothing_else_is_served(sandbox: Sandbox, part: str) -> None:
    assert sandbox.get(f"/phone/{part}").status_code == 404


def test_the_stream_is_never_kept(sandbox: Sandbox) -> None:
    url, query = f"{sandbox.root}/phone/events", {"key": key_of(sandbox)}
    with requests.get(url, params=query, stream=True, timeout=PATIENCE) as events:
        assert events.headers["Content-Type"].startswith("text/event-stream")
        assert events.headers["Cache-Control"] == "no-cache"


def test_many_windows(calling: Sandbox, receiver: Receiver) -> None:
    """All of one number show the same; when one is closed, the phone is still open."""
    with phone(calling) as one:
        with phone(calling):
            calling.place()
        call = one.until_ringing()
        calling.place(code=4444)
        while len(shown := one.next()["calls"]) < 2 or shown[0]["status"]:
            pass
        assert one.decide(call["id"], "ANSWERED").status_code == 200
        assert receiver.wait_for(1)[0]["status"] == "ANSWERED"
