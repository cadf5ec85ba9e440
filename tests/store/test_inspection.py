"""The check before a release: its sentences on servers, missing rights and old libraries."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from redis.exceptions import ResponseError

from tests.connecting import connect
from tests.ports import free_port
from tests.redis_clients import store_client
from tests.servers import Server, redis_server
from tests.statuses import call_status
from tests.store.world import (
    APP,
    CLOCK_KEY,
    NUMBER,
    OPEN,
    OTHER_NUMBER,
    WRONG,
    KeptClock,
    World,
    keys_without_ttl,
)
from verify_service.domain import limits, timeline
from verify_service.domain.calls import Failed
from verify_service.domain.check_result import Severity
from verify_service.domain.errors import LimitReached, StoreUnavailable
from verify_service.domain.events import Result
from verify_service.domain.limits import DAY, HOUR, ConversionThreshold, NumberLimits, WideLimits
from verify_service.domain.models import DeliveryReport, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys
from verify_service.store.connection.client import Client, Command
from verify_service.store.functions import Functions
from verify_service.store.inspection import NEEDED_COMMANDS, inspect
from verify_service.store.libraries import keep_three
from verify_service.store.policy import encode

LUA = Path(__file__).parents[2] / "verify_service/store/lua"
GOOD: dict[str, Any] = {
    "redis_version": "7.4.1",
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "maxclients": 20,
}
ALL = ("function|load", *(name for name, _ in NEEDED_COMMANDS))
"""Every right that serving and counting need."""
COUNTING = ("hincrby", "hlen", "hkeys")
"""Those without which only the counts fail."""
EVENTS = ("rpush", "ltrim", "exists", "lrange", "llen", "zadd", "zrem", "zcard", "zrange")
"""Those without which only events fail, and the decisions that write them."""
OUR_KEYS = "~{verify}:*"
BESIDE = ("scan", "lrange", "lrem", "info", "function|list", "function|delete")
"""Rights that only the operator and the check before a release use."""
REFUSED = "refuses our user a command or a key; `python -m verify_service.cli.release` names it"


class FakedInfo:
    """A client of a server with these facts.

    Args:
        client: Replies to all other commands.
        has_functions: False for one that is too old for them.
    """

    def __init__(
        self,
        client: Client,
        facts: dict[str, Any],
        settings: dict[str, str] | None = None,
        *,
        has_functions: bool = True,
    ) -> None:
        self._client, self._facts = client, {**GOOD, **facts}
        self._settings, self._has_functions = settings or {}, has_functions
        self.longest_send_seconds = client.longest_send_seconds

    def send(self, *commands: Command, until: float = math.inf) -> list[Any]:
        return [self._reply(command) for command in commands]

    execute = Client.execute

    def _reply(self, command: Command) -> Any:
        match tuple(command):
            case ("INFO",):
                return "".join(f"{key}:{value}\r\n" for key, value in self._facts.items())
            case ("CONFIG", "GET", setting):
                found = self._settings.get(setting)
                return [] if found is None else [setting, found]
            case ("FUNCTION" | "FCALL" as name, *_) if not self._has_functions:
                return ResponseError(f"unknown command '{name}', with args beginning with: 'a'")
        return self._client.send(command)[0]


Severities = Callable[..., dict[str, Severity]]


@pytest.fixture
def severities(fake: redis.Redis) -> Severities:
    """Returns the sentences on a server, each with its severity."""

    def of(
        settings: dict[str, str] | None = None, *, has_functions: bool = True, **facts: Any
    ) -> dict[str, Severity]:
        client = FakedInfo(store_client(fake), facts, settings, has_functions=has_functions)
        return {result.sentence: result.severity for result in inspect(functions(client), 16)}

    return of


def functions(client: object, number_limits: NumberLimits | None = None) -> Functions:
    return Functions(cast(Client, client), encode(number_limits or NumberLimits(), WideLimits()))


@pytest.mark.parametrize(
    ("version", "severity"),
    [
        *(("6.2.14", Severity.ERROR), ("5", Severity.ERROR)),
        *(("7.0.0", Severity.GOOD), ("8.2.1", Severity.GOOD), ("10.0.0", Severity.GOOD)),
    ],
)
def test_an_old_version_is_reported(
    severities: Severities, version: str, severity: Severity
) -> None:
    found = severities(redis_version=version)
    assert [found[words] for words in found if version in words] == [severity]


def test_a_server_without_functions_is_reported(severities: Severities) -> None:
    """It names the problem and its version: one sentence for each."""
    found = severities(redis_version="6.2.14", has_functions=False)
    assert [words for words in found if found[words] is Severity.ERROR] == [
        "Redis 6.2.14 is too old; 7.0 or newer is needed.",
        "Redis has no functions: Redis 7.0 or newer, or Valkey, is needed.",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("renamed", ["FCALL", "FUNCTION"])
def test_functions_that_are_turned_off_are_reported(tmp_path: Path, renamed: str) -> None:
    """By a renamed command: the release check, readiness and a start report it."""
    server = Server(tmp_path / "server", {"rename-command": f'{renamed} ""'}).start()
    words = "has no functions: Redis 7.0 or newer, or Valkey, is needed"
    try:
        with connect(f"redis://127.0.0.1:{server.port}", pool=1, timeout=5) as client:
            errors = [
                one for one in inspect(functions(client), 16) if one.severity is Severity.ERROR
            ]
            assert [one.sentence for one in errors] == [f"Redis {words}."]
            with server.client() as plain:
                world = World(plain, None, NumberLimits(), connected=client)
                for ask in (world.store.ready, world.start):
                    with pytest.raises(StoreUnavailable) as gone:
                        ask()
                    assert gone.value.state == words
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("fsync", "words"),
    [
        ("always", "appendfsync always: a restart loses nothing"),
        ("everysec", "loses up to two seconds, so a used code may be right again. Set appendfsync"),
        ("no", "loses half a minute. Set appendfsync always"),
        (None, "appendfsync unknown: where the disk is slow, the end of the process loses up to"),
    ],
)
def test_data_that_a_restart_loses_is_reported(
    severities: Severities, fsync: str | None, words: str
) -> None:
    found = severities({"appendfsync": fsync} if fsync else {})
    assert [words in one for one in found].count(True) == 1
    (severity,) = [found[one] for one in found if words in one]
    assert severity is (Severity.GOOD if fsync == "always" else Severity.WARNING)


def test_a_master_without_min_replicas_is_reported(severities: Severities) -> None:
    """With replicas, and without a minimum of replicas in step."""
    always = {"appendfsync": "always"}
    found = severities({**always, "min-replicas-to-write": "0"}, connected_slaves=1)
    assert Severity.WARNING in found.values()
    for settings, replicas in (("1", 1), ("0", 0)):
        given = {**always, "min-replicas-to-write": settings}
        assert Severity.WARNING not in severities(given, connected_slaves=replicas).values()


# -- rights --------------------------------------------------------------------------------------

User = Callable[..., Client]


@pytest.fixture
def user(valkey: redis.Redis) -> Iterator[User]:
    """Makes a client whose user has every needed right except one, and these rules."""
    opened: list[Client] = []

    def client(lacking: str = "", *rules: str) -> Client:
        permitted = [f"+{right}" for right in (*ALL, *BESIDE) if right != lacking]
        rules = (*permitted, *(rules or (OUR_KEYS, f"~{CLOCK_KEY}")))
        valkey.execute_command("ACL SETUSER", "limited", "reset", "on", ">word", *rules)
        options = valkey.connection_pool.connection_kwargs
        url = f"redis://limited:word@{options['host']}:{options['port']}"
        opened.append(connect(url, pool=1, timeout=5))
        return opened[-1]

    yield client
    for one in opened:
        one.close()
    valkey.execute_command("ACL DELUSER", "limited")


def complaints(client: Client) -> dict[str, Severity]:
    found = inspect(functions(client), 16)
    return {one.sentence: one.severity for one in found if "user" in one.sentence}


def test_the_check_tries_every_command_of_the_functions() -> None:
    """The functions' commands are exactly those that the check before a release tries."""
    run = {
        command.lower()
        for path in LUA.rglob("*.lua")
        for command in re.findall(r"redis\.p?call\(\s*'(\w+)'", path.read_text("utf-8"))
    }
    assert run | {"fcall"} == {name for name, _ in NEEDED_COMMANDS}


WATCHED = replace(
    OPEN, day=(Window(9, HOUR),), conversion_prefix=ConversionThreshold(1, 1, blocks=True)
)


class Tour:
    """Runs every operation of login flows, the provider and the operator.

    A start of ``POOR`` makes the conversion guard block its prefix, and forget an old block.
    """

    POOR, NEW = "+79180000001", "+79190000001"

    def __init__(self, plain: redis.Redis, clock: KeptClock | None) -> None:
        """Prepare it with every right."""
        self.plain, self.clock = plain, clock
        world = self.world(None)
        world.operator.set_rule("+4917", "block", 60)
        world.operator.set_rule("+4918", "block", 5 * DAY)
        if clock:
            clock.advance(DAY + 61)
        world.start(self.POOR)
        self.new = world.new(NUMBER)
        self.begun = world.store.reserve(self.new).verification
        if clock:
            clock.advance(900)

    def world(self, client: Client | None) -> World:
        world = World(self.plain, self.clock, NumberLimits(code_ttl=600), WATCHED, connected=client)
        world.webhook_apps.add(APP)
        return world

    def starts(self, client: Client) -> set[str]:
        """Return the states that two starts report."""
        return states(self._starts(self.world(client)))

    def everything(self, client: Client) -> set[str]:
        """Return the states that every operation reports."""
        world = self.world(client)
        store, operator = world.store, world.operator
        report = DeliveryReport("request", NUMBER, call_status(FlashCallStatus.UNAVAILABLE), 100)
        return states(
            [
                store.ready,
                *self._starts(world),
                lambda: world.check(self.begun, WRONG),
                lambda: world.status(self.begun),
                lambda: store.record_callback(report),
                lambda: store.record(self.new, Failed("refused", refund=True)),
                lambda: store.cancel(self.begun.id, self.begun.app),
                lambda: operator.diagnose(NUMBER, "RU", ["login"]),
                lambda: operator.set_rule("+4917", "block", 60),
                operator.restrictions,
                operator.full_limits,
                lambda: operator.reset("country", "RU"),
                lambda: operator.set_rule("+4917", "none"),
                lambda: operator.pause(60),
                operator.resume,
                lambda: operator.unlock(NUMBER),
                lambda: deliver(world),
                lambda: world.outboxes.usage([APP]),
                lambda: operator.erase(NUMBER),
            ]
        )

    def _starts(self, world: World) -> list[Callable[[], object]]:
        return [lambda: world.reserve(self.POOR[:-1] + "2"), lambda: world.reserve(self.NEW)]


def deliver(world: World) -> None:
    """Take events and finish them, until there are none."""
    while taken := world.outbox.take({APP: 8}).events:
        for delivery in taken:
            world.outbox.finish(delivery, Result.DELIVERED)


def states(operations: Iterable[Callable[[], object]]) -> set[str]:
    """Run it; return StoreUnavailable's text. No other error may be raised."""
    found = set()
    for operation in operations:
        try:
            operation()
        except LimitReached:
            continue
        except StoreUnavailable as gone:
            found.add(gone.state)
    return found


def test_the_listed_rights_are_enough(
    user: User, valkey: redis.Redis, valkey_clock: KeptClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every operation of the service and the operator."""
    monkeypatch.setattr(limits, "WRONG_GUESSES", 1)
    tour, client = Tour(valkey, valkey_clock), user()
    assert complaints(client) == {}
    assert tour.everything(client) == set()


@pytest.mark.slow
@pytest.mark.parametrize("right", ALL)
def test_a_missing_right_is_named(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, right: str
) -> None:
    """Only that one. The operation reports that Redis refuses it, and nothing is a bug. Without a
    right to count, every operation works."""
    monkeypatch.setattr(limits, "WRONG_GUESSES", 1)
    monkeypatch.setattr(timeline, "EVENTS_SLACK", -timeline.EVENTS)
    valkey = request.getfixturevalue("valkey")
    # A clock that tests can move replaces TIME.
    clock = None if right == "time" else request.getfixturevalue("valkey_clock")
    client = request.getfixturevalue("user")(right)
    words = f"Our user lacks permissions that the service needs: permit +{right}."
    assert complaints(client) == {words: Severity.ERROR}
    tour = Tour(valkey, clock)
    if right == "function|load":
        valkey.execute_command("FUNCTION FLUSH")
    valkey.delete(keys.COUNTS)  # as at the beginning of an hour
    expected = set() if right in COUNTING else {REFUSED}
    if right not in ("del", *EVENTS):  # a start removes no key, and is no event
        assert tour.starts(client) == expected
    valkey.delete(keys.COUNTS)
    assert tour.everything(client) == expected


@pytest.mark.slow
@pytest.mark.skipif(not redis_server(), reason="needs Debian's redis-server")
@pytest.mark.parametrize("right", ["fcall", "function|load", "time", "get", "set", "hmget", "mget"])
def test_redis_reports_a_missing_right_in_other_words(tmp_path: Path, right: str) -> None:
    """In another way than Valkey, and both are understood."""
    rules = [f"+{one}" for one in (*ALL, *BESIDE) if one != right]
    user = f"limited on >word {OUR_KEYS} {' '.join(rules)}"
    server = Server(tmp_path / "server", {"user": user}, program=redis_server()).start()
    try:
        url = f"redis://limited:word@127.0.0.1:{server.port}"
        with server.client() as plain, connect(url, pool=1, timeout=5) as client:
            words = f"Our user lacks permissions that the service needs: permit +{right}."
            assert complaints(client) == {words: Severity.ERROR}
            tour = Tour(plain, None)
            if right == "function|load":
                plain.execute_command("FUNCTION FLUSH")
            assert tour.starts(client) == {REFUSED}
            store_client(plain).close()
    finally:
        server.kill()


def test_several_missing_rights_are_named_together(user: User) -> None:
    """Also if the library could not be loaded."""
    client = user("function|load", OUR_KEYS, "-hset", "-time")
    words = "Our user lacks permissions that the service needs: permit +function|load +time +hset."
    assert complaints(client) == {words: Severity.ERROR}


def test_a_right_that_connecting_needs_is_named(user: User, valkey: redis.Redis) -> None:
    """The number of a database is in the address."""
    user()
    options = valkey.connection_pool.connection_kwargs
    url = f"redis://limited:word@{options['host']}:{options['port']}/1"
    with connect(url, pool=1, timeout=5) as client:
        words = "Our user lacks permissions that the service needs: permit +select."
        assert complaints(client) == {words: Severity.ERROR}
        with pytest.raises(StoreUnavailable) as refused:
            World(valkey, None, NumberLimits(), connected=client).store.ready()
        assert refused.value.state == REFUSED


@pytest.mark.parametrize(
    ("right", "fails"),
    [
        ("lrem", "LREM, so the operator's command `erase` fails"),
    ],
)
def test_a_user_who_may_not_read_the_timeline_cannot_erase(
    user: User, valkey: redis.Redis, right: str, fails: str
) -> None:
    """Only the operator reads it, so it is a warning."""
    client = user(right)
    assert complaints(client) == {
        f"Our user may not run {fails}. Permit +{right}.": Severity.WARNING
    }
    world = World(valkey, None, NumberLimits(), connected=client)
    world.start()
    with pytest.raises(StoreUnavailable) as refused:
        world.operator.erase(NUMBER)
    assert refused.value.state == REFUSED


def test_a_user_who_may_not_scan_cannot_erase(user: User, valkey: redis.Redis) -> None:
    """Only the operator erases, so it is a warning."""
    client = user("scan")
    words = (
        "Our user may not run SCAN, so the operator's command `erase` fails, and `blocked` lists "
        "no full limit. Permit +scan."
    )
    assert complaints(client) == {words: Severity.WARNING}
    world = World(valkey, None, NumberLimits(), connected=client)
    world.start()
    with pytest.raises(StoreUnavailable) as refused:
        world.operator.erase(NUMBER)
    assert refused.value.state == REFUSED
    assert world.operator.full_limits() is None


@pytest.mark.parametrize("pattern", ["~verify:*", "%R~{verify}:*", "%W~{verify}:*"])
def test_a_key_pattern_that_does_not_fit_is_named(
    user: User, valkey: redis.Redis, pattern: str
) -> None:
    """By the pattern that has to be permitted."""
    tour, client = Tour(valkey, None), user("", pattern)
    words = f"Our user lacks permissions that the service needs: permit {OUR_KEYS}."
    assert complaints(client) == {words: Severity.ERROR}
    assert tour.everything(client) == {REFUSED}


# -- libraries of past releases ------------------------------------------------------------------


def kept(client: redis.Redis) -> list[str]:
    """Return the names of the server's libraries."""
    return sorted(str(library[1]) for library in client.execute_command("FUNCTION LIST"))


def release(client: object, count: int) -> Functions:
    """Return the functions of a release, each of which has other limits."""
    return functions(client, NumberLimits(max_checks=1 + count))


@pytest.mark.parametrize("server", ["fake", "valkey"])
def test_the_last_three_libraries_stay(request: pytest.FixtureRequest, server: str) -> None:
    """A rolled back release finds its own. Libraries that are not ours stay, too."""
    plain = request.getfixturevalue(server)
    plain.execute_command("FUNCTION FLUSH")
    foreign = "#!lua name=theirs\nredis.register_function('theirs', function() return 1 end)"
    plain.execute_command("FUNCTION LOAD", foreign)
    releases = [release(store_client(plain), count) for count in range(5)]
    for one in (*releases, releases[3]):
        assert list(keep_three(one)) == []
    assert kept(plain) == sorted(["theirs", *(one.name for one in releases[2:])])
    assert keys_without_ttl(plain) == []
    assert list(keep_three(releases[0])) == []
    assert kept(plain) == sorted(["theirs", *(releases[i].name for i in (0, 3, 4))])
    plain.execute_command("FUNCTION FLUSH")


def test_a_removed_library_is_loaded_when_needed(valkey: redis.Redis) -> None:
    """An old process may outlive three releases."""
    old = World(valkey, None, NumberLimits())
    old.start()
    for count in range(4):
        assert list(keep_three(release(store_client(valkey), count))) == []
    assert old.functions.name not in kept(valkey)
    old.start(OTHER_NUMBER)
    assert old.functions.name in kept(valkey)


@pytest.mark.parametrize("right", ["function|list", "function|delete"])
def test_a_user_without_the_right_to_remove_libraries_is_a_warning(
    user: User, valkey: redis.Redis, right: str
) -> None:
    """They only cost memory."""
    client = user(right)
    results = [found for count in range(5) for found in keep_three(release(client, count))]
    assert {one.severity for one in results} == {Severity.WARNING}
    assert all("Permit +function|list and +function|delete" in one.sentence for one in results)
    assert complaints(client) == {}


def test_libraries_that_cannot_be_cleaned_up_stop_no_release(valkey: redis.Redis) -> None:
    """Redis failed after it was checked."""
    options = valkey.connection_pool.connection_kwargs
    with connect(f"redis://{options['host']}:{free_port()}", pool=1, timeout=5) as client:
        (result,) = keep_three(release(client, 0))
    assert (result.severity, result.sentence) == (
        Severity.WARNING,
        "Redis cannot be reached; old function libraries are kept.",
    )
