"""No code, key, calling number or full number is in a log, whatever fails.

Every test in this folder ends with the same search (see conftest.py). Here are requests made to
provoke leaks, and a proof that the search finds them.
"""

from __future__ import annotations

import logging

import pytest
import structlog

from verify_service.provider.flash_call import AUTH_FORMS

from . import canaries
from .service import (
    APP_KEY,
    KEY,
    NUMBER,
    OTHER_NUMBER,
    PATH_SECRET,
    PROVIDER_KEY,
    PROXY_PASSWORD,
    Service,
    wrong,
)
from .standin import Answer, Call, StandIn


def talkative(call: Call) -> dict[str, str]:
    """What a careless provider may put into its texts."""
    words = f"{call.code} {call.caller} {call.number} {call.headers} {PROVIDER_KEY}"
    return {"errorReason": words, "error": words, "message": words}


TEMPTATIONS = {
    "refused": lambda call: Answer(403, {"errorCode": 6, **talkative(call)}),
    "invalid number": lambda call: Answer(400, {"errorCode": 11, **talkative(call)}),
    "error word": lambda call: Answer(200, {"status": "rpcError", **talkative(call)}),
    "unknown error": lambda call: Answer(500, talkative(call)),
    "no requestId": lambda call: Answer(200, {"from": call.caller, **talkative(call)}),
    "html": lambda call: Answer(200, str(talkative(call)).encode()),
    "another caller": lambda call: Answer(200, {"requestId": "r", "from": call.caller + "x"}),
    "code first": lambda call: Answer(200, {"requestId": "r", "from": call.code + "7"}),
    "redirect": lambda call: Answer(302, b"", {"Location": f"http://x/{call.code}"}),
    "header": lambda call: Answer(429, {"errorCode": 4}, {"Retry-After": call.caller}),
    "lost": lambda _: Answer(lost=True),
}


@pytest.mark.parametrize("then", TEMPTATIONS.values(), ids=TEMPTATIONS)
def test_the_providers_texts_are_not_repeated(service: Service, provider: StandIn, then) -> None:
    provider.then = then
    answer = service.start()
    (call,) = provider.calls
    for shown in (answer.text, str(answer.headers), service.log.getvalue()):
        assert call.caller not in shown
        assert call.number not in shown


@pytest.mark.parametrize("form", AUTH_FORMS)
def test_the_providers_token_is_not_shown(make, valkey, provider: StandIn, form: str) -> None:
    """In every form of authentication, the query included, and if the connection is refused."""
    token = f"{PROVIDER_KEY}:x" if form == "basic-pair" else PROVIDER_KEY
    given = {"PROVIDER_AUTH": form, "PROVIDER_ACCESS_KEY": token}
    make(valkey, **given).started()
    down = make(valkey, **given, PROVIDER_URL="http://127.0.0.1:1/api")
    assert down.start(OTHER_NUMBER).status_code == 502


@pytest.mark.parametrize("then", [*TEMPTATIONS.values(), lambda _: Answer(407, b"no")])
def test_the_proxys_password_is_not_shown(make, valkey, provider: StandIn, then) -> None:
    """Whatever answers quote, and if the proxy is gone."""
    proxy = f"://user:{PROXY_PASSWORD}@"
    provider.then = then
    url = provider.url.removesuffix("/api").replace("://", proxy)
    make(valkey, PROVIDER_PROXY=url).start()
    assert provider.calls
    for url in (f"http{proxy}127.0.0.1:1", f"https{proxy}127.0.0.1:1"):
        assert make(valkey, PROVIDER_PROXY=url).start(OTHER_NUMBER).status_code == 502


def test_secrets_in_addresses_are_not_shown(make, valkey, provider: StandIn) -> None:
    """With keys in queries, a secret in a path, and wrong ones in both."""
    service = make(valkey, CALLBACK_PATH_SECRET=PATH_SECRET)
    query = f"?X-Authorization=AccessKey%20{KEY}"
    vid = service.request("POST", f"/verify/start{query}", None, json={"number": NUMBER}).json[
        "verificationId"
    ]
    service.check(vid, wrong(provider.code))
    service.check(vid, int(provider.code))
    service.request("GET", f"/verify/{vid}{query}x", None)
    service.callback(secret=PATH_SECRET)
    service.callback(secret=PATH_SECRET, appKey=APP_KEY + "x")
    service.callback(secret=PATH_SECRET + "x")
    service.request("GET", f"/callbacks/flashcall/{PATH_SECRET}", None)
    service.request("GET", f"/nowhere/{PATH_SECRET}{query}", None)
    assert len(service.events("request")) == 9


def test_the_search_finds_what_it_looks_for(
    service: Service, provider: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise the tests above would prove nothing."""
    service.started()
    (call,) = provider.calls
    assert canaries.secrets_in_logs(service, provider, caplog.text) == []
    for leak in (KEY, APP_KEY, call.caller, call.number, f"code={call.code}."):
        assert canaries.secrets_in_logs(service, provider, f"DEBUG {leak}") != []
    for leak in ({"words": f"the code is {call.code}"}, {"found": [{"where": 1, "as": call.code}]}):
        structlog.get_logger("x").info("leak", **leak)
        assert canaries.secrets_in_logs(service, provider, "") == [f"code {call.code}"]
        service.log.truncate(0)
        service.log.seek(0)


def test_the_search_finds_no_code_in_a_figure_that_happens_to_be_the_same(
    service: Service, provider: StandIn
) -> None:
    """One code in 9,000 is the wait, the prefix or the source line that a test happens to log."""
    service.started()
    (call,) = provider.calls
    structlog.get_logger("x").info(
        "chance",
        reason=f"unable to get local issuer certificate (_ssl.c:{call.code}).",
        scope=f"+{call.code}•••",
        would_have_refused=[{"limit": "day", "scope": "", "retry_after": int(call.code)}],
    )
    assert canaries.secrets_in_logs(service, provider, f"connection.py:{call.code} sent") == []


def test_the_lines_of_one_request_are_combined(service: Service) -> None:
    """The end in one line and the prefix in another are nine digits of eleven."""
    end = {"request_id": "one", "number": "+7917•••••87"}
    prefix = {"request_id": "one", "place": "+7917913"}
    (found,) = canaries.hidden_digits_shown([end, prefix])
    assert "one" in found
    assert canaries.hidden_digits_shown([end, {**prefix, "request_id": "another"}]) == []
    assert canaries.hidden_digits_shown([end, {**prefix, "place": "+7917•••"}]) == []
    assert canaries.hidden_digits_shown([end, {**prefix, "place": "RU"}]) == []


def test_the_logs_of_libraries_are_searched(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The search covers the process' other loggers, at DEBUG."""
    logging.getLogger("some.library").debug("heard")
    assert "heard" in caplog.text
    service.started()
