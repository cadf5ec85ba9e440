"""The service's store without the service: fills Redis, and keeps it busy.

``python -m bench.store fill FIRST MANY`` stores pending verifications of the numbers from FIRST on,
each with a device and a client address of its own, reports progress, and prints a thousand of the
ids as JSON. ``python -m bench.store measure FIRST MANY`` prints the microseconds that Redis takes
for each function. The settings are those of the service, from the environment.

Callers are greenlets whose commands are sent together, `CALLERS` in one exchange: the master is as
busy as if all the web processes of a large installation called it.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gevent
import redis
from gevent.event import AsyncResult

from verify_service.domain.calls import CallOutcome, Placed
from verify_service.domain.codes import CodeDigester
from verify_service.domain.idempotency import IdempotencyKeys
from verify_service.domain.ids import VerificationIds
from verify_service.domain.models import DeliveryReport, NewVerification
from verify_service.provider.flash_call import FlashCall
from verify_service.settings.settings import Settings
from verify_service.store.connection.client import Client, Command, connect
from verify_service.store.functions import Functions
from verify_service.store.policy import encode
from verify_service.store.verifications import RedisStore

CALLERS = 32
FILLERS = 500
"""More in one exchange than `CALLERS`, because only the result counts."""
EXCHANGE_SECONDS = 60.0
"""The longest that an exchange may take. It has many commands, and a busy machine is slow."""
SAMPLE = 1000
APP, CODE, WRONG = "shop", "4321", "0999"
Item = TypeVar("Item")
Result = TypeVar("Result")


class Crowd(Client):
    """A client whose callers wait until all of them have sent, and then share one exchange."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.pool, 0)
        self._client = client
        self._waiting: list[tuple[Sequence[Command], AsyncResult[list[Any]]]] = []

    def send(self, *commands: Command, until: float = math.inf) -> list[Any]:  # noqa: ARG002
        """Wait for the exchange."""
        result: AsyncResult[list[Any]] = AsyncResult()
        self._waiting.append((commands, result))
        replies: list[Any] = result.get()
        return replies

    def all(
        self, work: Callable[[Item], Result], items: Sequence[Item], callers: int = CALLERS
    ) -> list[Result]:
        """Return the results of ``work``, called for so many items at a time."""
        results: list[Result] = []
        for first in range(0, len(items), callers):
            greenlets = [gevent.spawn(work, item) for item in items[first : first + callers]]
            gevent.sleep(0)
            while self._waiting:
                self._exchange()
                gevent.sleep(0)
            gevent.joinall(greenlets, raise_error=True)
            results += [greenlet.value for greenlet in greenlets]
        return results

    def _exchange(self) -> None:
        waiting, self._waiting = self._waiting, []
        replies = iter(self._client.send(*(one for commands, _ in waiting for one in commands)))
        for commands, result in waiting:
            result.set([next(replies) for _ in commands])


class Numbers:
    """Verifications of many numbers, in the store that the settings describe."""

    def __init__(self, settings: Settings) -> None:
        client = connect(settings.redis_url, pool=1, timeout=EXCHANGE_SECONDS)
        policy = encode(settings.number_limits, settings.wide_limits)
        Functions(client, policy).load()
        self.crowd = Crowd(client)
        self._ids = VerificationIds(settings.number_secret)
        self._digester = CodeDigester(settings.code_secret)
        self._nonces = IdempotencyKeys(settings.number_secret)
        functions = Functions(self.crowd, policy)
        self.store = RedisStore(functions, self._ids, settings.wide_limits, lambda _: None)

    def new(self, number: int) -> NewVerification:
        """Return the verification of one number."""
        id_ = self._ids.create(f"+{number}")
        return NewVerification(
            id_,
            APP,
            f"+{number}",
            None,
            digest=self._digester.sign(id_, CODE),
            device=self._ids.device(f"+{number}", APP, f"device of {number}"),
            client=self._ids.client(f"network of {number}"),
            country="RU",
        )

    def start(self, number: int) -> str:
        """Reserve a verification and record that its call is placed; return its id."""
        new = self.new(number)
        self.store.reserve(new)
        self.store.record(new, _placed(number))
        return new.id

    def check(self, id_: str, code: str) -> None:
        """Check one code."""
        nonce = self._nonces.nonce(APP, id_, None)
        self.store.check(id_, APP, self._digester.candidates(id_, code), nonce)


def _placed(number: int) -> CallOutcome:
    return Placed(f"call of {number}", "7917913", 11)


def fill(numbers: Numbers, first: int, many: int) -> list[str]:
    """Store pending verifications; return the ids of some of them."""
    kept: list[str] = []
    step = 10_000
    for done in range(0, many, step):
        group = range(first + done, first + min(done + step, many))
        kept += numbers.crowd.all(numbers.start, group, FILLERS)[:: max(1, many // SAMPLE)]
        print(done + len(group), flush=True)
    return kept[:SAMPLE]


def measure(
    numbers: Numbers, first: int, many: int, server: redis.Redis
) -> dict[str, dict[str, float]]:
    """Return what each function takes of Redis: ``cpu``, and of that ``inside`` the function.

    ``bytes`` is what a number takes after it.
    """
    group = range(first, first + many)
    new = numbers.crowd.all(numbers.new, group)
    pairs = list(zip(new, group, strict=True))
    known = FlashCall("http://127.0.0.1", "", "raw", 1000).status("BUSY_HERE")
    assert known  # noqa: S101 - for mypy
    now = int(time.time())
    store = numbers.store
    steps: dict[str, Callable[[tuple[NewVerification, int]], object]] = {
        "reserve": lambda pair: store.reserve(pair[0]),
        "record": lambda pair: store.record(pair[0], _placed(pair[1])),
        "callback": lambda pair: store.record_callback(
            DeliveryReport(f"call of {pair[1]}", f"+{pair[1]}", known, now)
        ),
        "status": lambda pair: store.status(pair[0].id, APP),
        "check, wrong": lambda pair: numbers.check(pair[0].id, WRONG),
        "check, right": lambda pair: numbers.check(pair[0].id, CODE),
    }
    empty = server.info("memory")["used_memory"]
    found = {}
    for name, step in steps.items():
        server.config_resetstat()
        before = _cpu_seconds(server)
        numbers.crowd.all(step, pairs)
        cpu = _cpu_seconds(server) - before
        inside = server.info("commandstats")["cmdstat_fcall"]["usec_per_call"]
        memory = (server.info("memory")["used_memory"] - empty) / many
        found[name] = {"cpu": 1e6 * cpu / many, "inside": inside, "bytes": memory}
    return found


def _cpu_seconds(server: redis.Redis) -> float:
    found: dict[str, float] = server.info("cpu")
    return found["used_cpu_sys"] + found["used_cpu_user"]


def main(task: str, first: int, many: int) -> None:
    """Run one task; the last line of the output is its result."""
    settings = Settings.from_env()
    numbers = Numbers(settings)
    if task == "fill":
        print(json.dumps(fill(numbers, first, many)))
    else:
        host, port = settings.redis_url.nodes[0]
        with redis.Redis(host=host, port=port) as server:
            print(json.dumps(measure(numbers, first, many, server)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
