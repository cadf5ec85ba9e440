"""The client as configured: whom it trusts, what it repeats, what it keeps open and releases."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.connecting import connect
from tests.faults.tcp_proxy import TcpProxy, nothing, whole
from tests.provider.certificates import self_signed
from tests.servers import HOST
from tests.store.world import World
from tests.system.house import ROOT
from tests.system.redis_proxy import Fault, RedisProxy, lost
from tests.tls_front import TlsFront
from tests.waiting import wait_until
from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.limits import NumberLimits
from verify_service.store.connection.client import Client

TIMEOUT = 10
"""Seconds that suffice for a reply, on a busy machine too."""
SHORT = 0.5
PATIENCE = 30
PING = ("PING",)


def connections(valkey: redis.Redis) -> int:
    """Return how many connections the server has beside the one that asks."""
    return int(valkey.info("clients")["connected_clients"]) - 1


@pytest.fixture
def wire(valkey_url: str) -> Iterator[TcpProxy]:
    """A proxy to the real server."""
    proxy = TcpProxy(int(valkey_url.split(":")[2].partition("/")[0]))
    yield proxy
    proxy.close()


@pytest.fixture
def client(wire: TcpProxy) -> Iterator[Client]:
    with connect(f"redis://{HOST}:{wire.port}/0", pool=4, timeout=TIMEOUT) as client:
        yield client


@pytest.mark.slow
def test_verification_that_is_off_accepts_any_certificate(
    tmp_path: Path, valkey_url: str, valkey: redis.Redis
) -> None:
    """Only by an explicit setting: without it neither the authority nor the name is right."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    front = TlsFront(context, int(valkey_url.split(":")[2].partition("/")[0]))
    url = f"rediss://localhost:{front.port}"
    try:
        with connect(url, pool=1, timeout=2, verify=False) as client:
            assert client.send(PING) == ["PONG"]
        for ca_file in (None, str(certificate)):
            with (
                connect(url, pool=1, timeout=2, ca_file=ca_file) as client,
                pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"),
            ):
                client.send(PING)
    finally:
        front.close()


def test_an_unreadable_authority_is_reported_at_once(tmp_path: Path) -> None:
    """Before the first command. Without TLS the file is not read."""
    missing = str(tmp_path / "ca.pem")
    with pytest.raises(OSError, match="No such file"):
        connect("rediss://127.0.0.1", pool=1, timeout=1, ca_file=missing)
    for url in ("redis://127.0.0.1", "unix:///tmp/redis.sock"):
        connect(url, pool=1, timeout=1, ca_file=missing).close()


def test_a_broken_command_is_sent_only_once_more(valkey_url: str) -> None:
    """Only by us: a lost reply may hide a function that ran."""
    proxy = RedisProxy(int(valkey_url.split(":")[2].partition("/")[0]))
    try:
        with connect(f"redis://{HOST}:{proxy.port}", pool=1, timeout=2) as client:
            with proxy.losing(1):
                assert client.send(PING) == ["PONG"]
            assert proxy.commands == [[b"PING"]] * 2
            proxy.commands.clear()
            with proxy.broken(lost), pytest.raises(redis.ConnectionError):
                client.send(PING)
            assert proxy.commands == [[b"PING"]] * 2
            assert client.send(PING) == ["PONG"]
    finally:
        proxy.close()


def test_after_a_timeout_nothing_is_sent_again(
    client: Client, wire: TcpProxy, valkey: redis.Redis
) -> None:
    """A hung server would have twice as much to do when it wakes."""
    wire.back = nothing
    with connect(f"redis://{HOST}:{wire.port}/0", pool=1, timeout=SHORT) as impatient:
        with pytest.raises(redis.TimeoutError):
            impatient.send(("INCR", "count"))
        wire.back = whole
    assert client.send(("INCR", "count")) == [2]


def test_errors_of_the_server_are_replies(client: Client) -> None:
    """Each belongs to its command; the connection stays open."""
    wrong, right = client.send(("HGET", "missing"), PING)
    assert isinstance(wrong, redis.ResponseError)
    assert right == "PONG"
    assert client.send(PING) == ["PONG"]


def test_no_more_connections_than_the_pool_has(client: Client, valkey: redis.Redis) -> None:
    """Twenty callers share four."""
    before = connections(valkey)
    with ThreadPoolExecutor(20) as crowd:
        replies = list(crowd.map(lambda _: client.send(PING), range(200)))
    assert replies == [["PONG"]] * 200
    assert connections(valkey) - before <= 4


def test_closing_interrupts_no_exchange_and_leaves_nothing_open(
    client: Client, wire: TcpProxy, valkey: redis.Redis
) -> None:
    """A connection in use is closed when it is released, and so is one that is used afterwards."""
    before = connections(valkey)
    client.send(PING)
    busy, go = threading.Event(), threading.Event()

    def hold(piece: bytes) -> object:
        busy.set()
        assert go.wait(10)
        return whole(piece)

    with ThreadPoolExecutor(1) as late:
        wire.back = hold  # type: ignore[assignment]
        pending = late.submit(client.send, PING)
        assert busy.wait(10)
        client.close()
        wire.back = whole
        go.set()
        assert pending.result(10) == ["PONG"]
    assert client.send(PING) == ["PONG"]
    wait_until(lambda: connections(valkey) == before)


@pytest.mark.slow
def test_a_connection_that_never_opened_leaks_no_descriptor(wire: TcpProxy) -> None:
    """Refused, silent, not verified: a hundred of them, and none is left open."""
    with ExitStack() as stack:
        refused = TcpProxy()
        stack.callback(refused.close)
        stack.enter_context(refused.refusing())
        urls = {
            f"redis://{HOST}:{refused.port}": redis.ConnectionError,
            f"rediss://{HOST}:{wire.port}": redis.RedisError,
            f"redis+sentinel://{HOST}:{refused.port}/verify": redis.ConnectionError,
        }
        clients = {
            stack.enter_context(connect(url, pool=1, timeout=0.05)): error
            for url, error in urls.items()
        }
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(30):
            for one, error in clients.items():
                with pytest.raises(error):
                    one.send(PING)
        wait_until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before + 3, PATIENCE)


def send_on(other: list[int]) -> Fault:
    """A node that names another one as the master of each slot."""

    def reply(command: list[bytes]) -> bytes:
        host = b"$9\r\n127.0.0.1\r\n"
        if command[0] == b"CLUSTER":
            return b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n%b:%d\r\n" % (host, other[0])
        return b"-MOVED 1 127.0.0.1:%d\r\n" % other[0]

    return reply


def test_a_loop_of_redirects_ends(valkey_url: str) -> None:
    """Two nodes do this for a moment while a slot changes hands. It ends with an error that names
    the cause."""
    ours = RedisProxy(int(valkey_url.split(":")[2].partition("/")[0]))
    try:
        with (
            ours.broken(send_on([ours.port])),
            connect(f"redis+cluster://{HOST}:{ours.port}", pool=1, timeout=2) as client,
            pytest.raises(StoreUnavailable) as raised,
        ):
            World(redis.Redis(), None, NumberLimits(), connected=client).store.ready()
        assert "migrating our slot" in raised.value.state
    finally:
        ours.close()


def run(script: str, *words: object) -> None:
    """Run a program that fails by an assertion."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


FORKED = """
import os, sys
from tests.connecting import connect

client = connect(sys.argv[1], pool=2, timeout=2)
assert client.send(("ECHO", "before")) == ["before"]
child = os.fork()
mine = "parent" if child else "child"
for count in range(300):
    assert client.send(("ECHO", f"{mine} {count}")) == [f"{mine} {count}"]
if child:
    assert os.waitpid(child, 0)[1] == 0
    assert client.send(("ECHO", "after")) == ["after"]
"""


@pytest.mark.slow
def test_a_forked_process_has_connections_of_its_own(valkey_url: str) -> None:
    """Both continue at once, and each reads its own replies."""
    run(FORKED, valkey_url)


KILLED = """
import gevent.monkey
gevent.monkey.patch_all()
import os, random, sys
import gevent
from tests.connecting import connect

client = connect(sys.argv[1], pool=3, timeout=5)
dice = random.Random(7)

def ask(count):
    assert client.send(("ECHO", f"{count}")) == [f"{count}"]

def descriptors():
    return len(os.listdir("/proc/self/fd"))

gevent.joinall([gevent.spawn(ask, count) for count in range(9)], raise_error=True)
before = descriptors()
for turn in range(40):
    asking = [gevent.spawn(ask, f"{turn} {count}") for count in range(9)]
    gevent.sleep(dice.uniform(0, 0.01))
    for one in dice.sample(asking, 6):
        one.kill()
    gevent.joinall(asking, raise_error=True)
assert descriptors() <= before, (before, descriptors())
assert client.pool.waiting == 0

# One is ended in the very moment in which it is given a connection.
taken = [client.pool.acquire(0) for _ in range(3)]
waiter = gevent.spawn(ask, "waiter")
gevent.sleep(0)
assert client.pool.waiting == 1
waiter.kill(block=False)
client.pool.release(taken.pop())
waiter.join()
taken.append(client.pool.acquire(0))
for connection in taken:
    client.pool.release(connection)
gevent.joinall([gevent.spawn(ask, count) for count in range(9)], raise_error=True)
"""


@pytest.mark.slow
def test_a_killed_greenlet_loses_no_connection(wire: TcpProxy) -> None:
    """Wherever it was: in the queue, connecting, waiting for its reply. The connection is released,
    and the next caller does not read a reply that is not its own."""
    run(KILLED, f"redis://{HOST}:{wire.port}/0")
