"""Events are taken out of a real outbox and posted to a real receiver."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest
import redis
from structlog.testing import capture_logs

from tests.store.world import APP, World
from tests.waiting import wait_until
from verify_service.domain import events
from verify_service.domain.calls import Failed
from verify_service.domain.events import Event
from verify_service.domain.limits import NumberLimits
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys
from verify_service.telemetry.metrics import Metrics
from verify_service.telemetry.webhook_log import StructuredWebhookLog
from verify_service.webhooks.dispatcher import IN_FLIGHT, Dispatcher
from verify_service.webhooks.receiver import Receiver

from .login_flow import SECRET, LoginFlow, answer, receiving

pytestmark = pytest.mark.slow
"""Together they take seconds."""

PATIENCE = 10.0
REFUSED = Failed("Refused.", refund=True)
Deliver = Callable[..., Dispatcher]
Render = Callable[[Event], bytes]


@pytest.fixture
def world(valkey: redis.Redis) -> World:
    found = World(valkey, None, NumberLimits())
    found.webhook_apps |= {APP, "other"}
    return found


@pytest.fixture
def deliver(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deliver]:
    """Starts a dispatcher, as a process of its own would. It looks often."""
    monkeypatch.setattr("verify_service.webhooks.dispatcher.POLL_SECONDS", 0.05)
    started: list[Dispatcher] = []

    def start(**urls: str) -> Dispatcher:
        started.append(dispatching(world, **urls))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def dispatching(world: World, render: Render | None = None, **urls: str) -> Dispatcher:
    log = StructuredWebhookLog(Metrics())
    receivers = {app: Receiver(url, [SECRET]) for app, url in urls.items()}
    dispatcher = Dispatcher(world.outbox, receivers, render or body, log)
    dispatcher.start()
    return dispatcher


def body(event: Event) -> bytes:
    fields = {"type": event.type, "data": {"verificationId": event.verification.id}}
    return json.dumps(fields).encode()


def fail(world: World, number: int = 0, app: str = APP) -> str:
    """Let a call fail, which is an event; return the verification's id."""
    return world.record(world.reserve(f"+7917913{number:04}", app=app), REFUSED).id


def arrived(login: LoginFlow, number: int) -> None:
    wait_until(lambda: len(login.received) >= number, PATIENCE)


def empty(world: World, app: str = APP) -> None:
    wait_until(lambda: world.outboxes.usage([app])[0].waiting == 0, PATIENCE)


def test_an_event_is_delivered_once(world: World, deliver: Deliver, login: LoginFlow) -> None:
    """Two processes look for it."""
    deliver(**{APP: login.url})
    deliver(**{APP: login.url})
    ids = {fail(world, number) for number in range(20)}
    empty(world)
    assert {one.read()["data"]["verificationId"] for one in login.received} == ids
    assert len(login.received) == len(ids)


def test_a_process_is_woken_by_its_own_events(
    world: World, deliver: Deliver, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify_service.webhooks.dispatcher.POLL_SECONDS", 1000)
    dispatcher = deliver(**{APP: login.url})
    fail(world)
    dispatcher.added(APP, 0)
    empty(world)
    assert login.types == ["verification.failed"]


def test_a_process_without_a_server_hook_delivers_its_events(
    world: World, login: LoginFlow
) -> None:
    """For example `flask run`: its first event starts the deliveries."""
    log = StructuredWebhookLog(Metrics())
    dispatcher = Dispatcher(world.outbox, {APP: Receiver(login.url, [SECRET])}, body, log)
    fail(world)
    dispatcher.added(APP, 0)
    empty(world)
    dispatcher.stop()
    assert len(login.received) == 1


def test_the_next_event_of_a_verification_follows_at_once(
    world: World, deliver: Deliver, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify_service.webhooks.dispatcher.POLL_SECONDS", 1000)
    found = world.start(request="one")
    world.report(FlashCallStatus.ANSWERED, request="one")
    world.check(found)
    deliver(**{APP: login.url}).added(APP, 0)
    empty(world)
    assert login.types == ["verification.delivered", "verification.approved"]


def test_many_events_are_delivered_at_once(
    world: World, deliver: Deliver, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process looks again as soon as it has room, not when it polls."""
    monkeypatch.setattr("verify_service.webhooks.dispatcher.POLL_SECONDS", 1000)
    for number in range(20 * IN_FLIGHT):
        fail(world, number)
    deliver(**{APP: login.url}).added(APP, 0)
    empty(world)
    assert login.most_at_a_time <= IN_FLIGHT


def test_a_failed_event_is_tried_again(
    world: World, deliver: Deliver, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as the schedule has it, under the same id. Then it is dropped."""
    monkeypatch.setattr(events, "RETRY_SECONDS", (0.01,) * 5)
    login.respond = answer(500)
    deliver(**{APP: login.url})
    fail(world)
    empty(world)
    assert len(login.received) == 6
    assert len({one.id for one in login.received}) == 1
    counted = world.statistics.statistics().total.counts.details("webhook")
    assert counted == {"failed": 6, "dropped": 1}


def test_an_address_that_is_gone_is_left_alone(
    world: World, deliver: Deliver, login: LoginFlow
) -> None:
    login.respond = answer(410)
    deliver(**{APP: login.url})
    fail(world, 1)
    wait_until(lambda: world.outboxes.usage([APP])[0].off, PATIENCE)
    fail(world, 2)
    login.respond = answer(204)
    assert len(login.received) == 1
    assert world.outboxes.switch_on(APP)
    empty(world)
    assert len(login.received) == 3


def test_a_receiver_that_hangs_holds_up_no_other_app(
    world: World, deliver: Deliver, login: LoginFlow
) -> None:
    """Its own deliveries in flight are bounded."""
    free = threading.Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        free.wait(PATIENCE)
        answer(204)(handler)

    with receiving() as slow:
        slow.respond = hang
        deliver(**{APP: slow.url, "other": login.url})
        for number in range(2 * IN_FLIGHT):
            fail(world, number)
        arrived(slow, IN_FLIGHT)
        fail(world, 99, "other")
        empty(world, "other")
        assert len(login.received) == 1
        assert slow.most_at_a_time == IN_FLIGHT
        free.set()
        empty(world)
        assert len(slow.received) == 2 * IN_FLIGHT


def test_what_is_in_flight_at_the_end_goes_back(
    world: World, deliver: Deliver, login: LoginFlow
) -> None:
    """Another process delivers it at once, not when the lease ends."""
    free = threading.Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        free.wait(PATIENCE)
        answer(500)(handler)

    with receiving() as slow:
        slow.respond = hang
        ending = deliver(**{APP: slow.url})
        fail(world)
        arrived(slow, 1)
        ending.stop(0)
        deliver(**{APP: login.url})
        arrived(login, 1)
        free.set()
    assert login.received[0].id == slow.received[0].id


def test_what_is_in_flight_at_the_end_ends(
    world: World, deliver: Deliver, login: LoginFlow
) -> None:
    free = threading.Event()

    def wait(handler: BaseHTTPRequestHandler) -> None:
        free.wait(PATIENCE)
        answer(204)(handler)

    login.respond = wait
    ending = deliver(**{APP: login.url})
    fail(world)
    arrived(login, 1)
    stopping = threading.Thread(target=ending.stop)
    stopping.start()
    free.set()
    stopping.join(PATIENCE)
    empty(world)
    assert len(login.received) == 1


def test_what_is_being_taken_at_the_end_ends(
    world: World, deliver: Deliver, login: LoginFlow
) -> None:
    """The reply of Redis arrives after the signal."""

    def waits_for_redis() -> bool:
        return any(one["cmd"] == "fcall" and "b" in one["flags"] for one in looking.client_list())

    looking = redis.Redis.from_pool(world.client.connection_pool)
    ending = deliver(**{APP: login.url})
    fail(world)
    looking.client_pause(1000, all=False)
    ending.added(APP, 0)
    wait_until(lambda: waits_for_redis() or login.received, PATIENCE)
    ending.stop()
    assert len(login.received) == 1


def test_events_that_are_too_old_delay_no_other(
    valkey: redis.Redis, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage there may be thousands, and one look takes a few."""
    monkeypatch.setattr("verify_service.webhooks.dispatcher.POLL_SECONDS", 1000)
    monkeypatch.setattr(events, "KEPT_SECONDS", 0)
    world = World(valkey, None, NumberLimits())
    world.webhook_apps.add(APP)
    for number in range(3 * IN_FLIGHT):
        fail(world, number)
    with capture_logs() as lines:
        dispatcher = dispatching(world, **{APP: login.url})
        dispatcher.added(APP, 0)
        empty(world)
        dispatcher.stop()
    assert login.received == []
    dropped = [line["number"] for line in lines if line["event"] == "events_dropped"]
    assert sum(dropped) == 3 * IN_FLIGHT


def test_what_falls_out_is_logged(
    valkey: redis.Redis, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a decision or a look finds the outbox full."""
    monkeypatch.setattr(events, "OUTBOX_VERIFICATIONS", 1)
    world = World(valkey, None, NumberLimits())
    world.webhook_apps.add(APP)
    login.respond = answer(500)

    def lost() -> int:
        return sum(line["number"] for line in lines if line["event"] == "events_lost")

    with capture_logs() as lines:
        dispatcher = dispatching(world, **{APP: login.url})
        fail(world, 1)
        arrived(login, 1)
        fail(world, 2)
        wait_until(lambda: lost() == 1, PATIENCE)
        dispatcher.added(APP, 2)
        dispatcher.stop()
    assert lost() == 3


def test_an_event_of_another_release_delays_no_other(
    world: World, deliver: Deliver, login: LoginFlow
) -> None:
    """It has a word that this release does not know. A process of that one can still take it."""
    new = keys.outbox(APP)[0]
    fail(world, 1)
    text = world.client.lpop(new)
    world.client.rpush(new, text.replace("failed", "of another release"))
    other = fail(world, 2)
    deliver(**{APP: login.url})
    arrived(login, 1)
    wait_until(lambda: world.outboxes.usage([APP])[0].waiting == 1, PATIENCE)
    assert [one.read()["data"]["verificationId"] for one in login.received] == [other]


def test_a_bug_ends_no_dispatcher(
    world: World, deliver: Deliver, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis refuses a command that it should not refuse."""
    monkeypatch.setattr("verify_service.webhooks.dispatcher.POLL_SECONDS", 0.02)
    (new, *_), client = keys.outbox(APP), world.client
    client.set(new, "no list", ex=60)
    client.config_resetstat()
    deliver(**{APP: login.url})
    wait_until(lambda: "errorstat_WRONGTYPE" in client.info("errorstats"), PATIENCE)
    client.delete(new)
    fail(world)
    empty(world)
    assert login.types == ["verification.failed"]


def test_an_event_that_cannot_be_written_delays_no_other(world: World, login: LoginFlow) -> None:
    """A bug of ours. The event stays in the outbox, and does not stay in flight."""

    def render(event: Event) -> bytes:
        if event.verification.id == bad:
            raise ValueError
        return body(event)

    bad = fail(world, 1)
    dispatcher = dispatching(world, render, **{APP: login.url})
    good = {fail(world, number) for number in range(2, 2 * IN_FLIGHT)}
    arrived(login, len(good))
    dispatcher.stop()
    assert {one.read()["data"]["verificationId"] for one in login.received} == good
    assert world.outboxes.usage([APP])[0].waiting == 1


def test_redis_is_away_for_a_while(
    world: World, deliver: Deliver, login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dispatcher goes on looking, and its log has no traceback for each look."""
    monkeypatch.setattr("verify_service.webhooks.dispatcher.POLL_SECONDS", 0.02)
    admin = world.client
    with capture_logs() as lines:
        deliver(**{APP: login.url})
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal")
        admin.config_set("maxclients", 1)
        admin.config_resetstat()
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        try:
            wait_until(lambda: admin.info("stats")["rejected_connections"], PATIENCE)
        finally:
            admin.config_set("maxclients", 10_000)
        fail(world)
        empty(world)
    assert "bug" not in {line["event"] for line in lines}
    assert login.types == ["verification.failed"]
