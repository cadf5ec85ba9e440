"""The verdict follows from what is stored, so it is the same on every page and every machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from verify_service.domain.check_result import EVICTION, PERSISTENCE, CheckResult, Severity
from verify_service.domain.counts import Counts, Period, Statistics, Tally
from verify_service.domain.diagnosis import LimitUsage, Restriction, WindowUsage
from verify_service.domain.errors import OUT_OF_MEMORY
from verify_service.domain.finding import Finding, Level
from verify_service.domain.limits import WIDE_LIMITS
from verify_service.domain.models import Window
from verify_service.domain.outboxes import OutboxUsage
from verify_service.domain.redis_memory import RedisMemory
from verify_service.domain.situation import Situation
from verify_service.domain.timeline import Attempt, TimelineEvent
from verify_service.domain.verdict import verdict

NOW = 1_790_000_000_000
HOUR, DAY = 3_600, 86_400
RUNBOOK = Path(__file__).parents[2] / "docs/operate.md"


def attempt(*events: str, ago: int = 100) -> Attempt:
    """A verification with these events, a second after each other, that began so long ago.

    Each is ``name``, ``name.detail`` or ``name.detail.cause``.
    """
    begin = NOW - ago * 1000
    found = (each.split(".") for each in ("started", *events))
    return Attempt(
        id="",
        app="shop",
        country="RU",
        number="+7917•••••87",
        events=tuple(
            TimelineEvent(begin + place * 1000, *fields) for place, fields in enumerate(found)
        ),
    )


def periods(
    count: int, seconds: int, countries: dict[int, dict[str, Counts]]
) -> tuple[Period, ...]:
    """Consecutive periods; what happened is given by their place from the end."""
    begin = NOW // 1000 - count * seconds
    return tuple(
        Period(begin + place * seconds, seconds, Tally(countries=countries.get(count - place, {})))
        for place in range(count)
    )


def situation(attempts: Iterable[Attempt] = ()) -> Situation:
    nothing = Statistics(NOW, periods(24, HOUR, {}), periods(31, DAY, {}), Tally())
    return Situation(NOW, statistics=nothing, attempts=tuple(attempts))


GOOD = attempt("placed", "delivered.ANSWERED", "approved", ago=200)
PAUSED = Restriction("operator", "", "pause", 600)
FULL = LimitUsage("prefix", "+7917913", (WindowUsage(30, Window(30, HOUR), 420),))
LIMITED = "+7917913 is limited: 30 starts in 1 h, someone may earn from them"


def test_all_is_well() -> None:
    found = verdict(situation([GOOD] * 5))
    assert (found.sentence, found.findings) == ("It works", ())


@pytest.mark.parametrize(
    ("calls", "title"),
    [
        ([attempt("failed.account")], "The provider refuses our account"),
        (
            [attempt("failed.refused.9"), attempt("failed.account.6")],
            "The provider refuses our account: the balance is too low",
        ),
        (
            [attempt("failed.account.10")],
            "The provider refuses our account: it takes our requests for incorrectly formed",
        ),
        ([attempt("failed.unreachable")] * 3, "The provider fails"),
        ([attempt("unknown", "delivered.ANSWERED")] * 3, "The provider fails"),
        ([attempt("failed.refused")] * 5, "The provider refuses every call"),
        (
            [attempt("failed.refused"), *[attempt("failed.unreadable")] * 3],
            "The provider fails",
        ),
    ],
)
def test_a_provider_that_fails(calls: list[Attempt], title: str) -> None:
    """The newest calls decide: a later success ends it."""
    found = verdict(situation([*calls, GOOD]))
    assert (found.sentence, found.level) == (title, Level.BAD)
    assert found.findings[0].remedy
    assert verdict(situation([GOOD, *calls])).sentence == "It works"


@pytest.mark.parametrize(
    "calls",
    [
        [attempt("failed.unreachable")] * 2,
        [attempt("failed.refused")] * 4,
        [attempt("failed.invalidNumber")] * 9,
    ],
)
def test_bad_luck_is_no_fault(calls: list[Attempt]) -> None:
    """Two calls are no sign. A number that does not exist is not the provider's fault."""
    assert verdict(situation([*calls, GOOD])).sentence == "It works"


def test_callbacks_that_do_not_arrive() -> None:
    """Overdue, three times in a row; refused ones name the variable."""
    silent = [attempt("placed", "approved")] * 3
    stopped = situation([*silent, GOOD])
    found = verdict(stopped)
    assert found.sentence == "The provider's callbacks do not arrive"
    assert "callback_refused" in found.findings[0].remedy
    refused = verdict(replace(stopped, refused_callbacks={"appKey": 3}))
    assert "set CALLBACK_APP_KEYS" in refused.findings[0].remedy
    forged = verdict(replace(stopped, refused_callbacks={"appKey": 1}))
    assert "CALLBACK_APP_KEYS" not in forged.findings[0].remedy
    assert "callback_refused`, they say why" in forged.findings[0].remedy
    early = [attempt("placed", ago=20)] * 3
    assert verdict(situation([*early, GOOD])).sentence == "It works"


def test_the_address_of_callbacks_is_named() -> None:
    """And the request that shows whether callbacks can reach it."""
    stopped = situation([*[attempt("placed", "approved")] * 3, GOOD])
    [unknown] = verdict(stopped).findings
    address = "https://<host>/callbacks/flashcall"
    assert f"`POST {address}`" in unknown.remedy
    assert f"`curl -X POST {address} -d '{{}}'` has to answer 401" in unknown.remedy
    assert "callback_refused`, they say why" in unknown.remedy
    assert "Logins need no callback" in unknown.detail
    known = replace(stopped, refused_callbacks={}, secret_callback_path=True)
    [silent] = verdict(known).findings
    assert "has refused no callback: none reaches it" in silent.remedy
    assert "they say why" not in silent.remedy
    assert f"`POST {address}/<CALLBACK_PATH_SECRET>`" in silent.remedy


def test_the_breakers_pause_follows_from_the_fault() -> None:
    """It is no fault of its own, unless the cause is not known any more."""
    pause = Restriction("breaker", "", "pause", 6)
    failing = replace(situation([attempt("failed.unreachable")] * 3), restrictions=(pause,))
    found = verdict(failing)
    assert (found.sentence, found.level) == ("The provider fails", Level.BAD)
    [_, note] = found.findings
    assert (note.level, note.detail) == (Level.NOTE, "By the breaker. Calls failed in a row.")
    probe = "In 6 s one start tries the provider; the pause ends if that succeeds."
    assert note.remedy == probe
    [alone] = verdict(replace(situation(), restrictions=(pause,))).findings
    assert (alone.level, alone.remedy) == (Level.BAD, probe)
    due = replace(situation(), restrictions=(replace(pause, seconds=0),))
    assert verdict(due).findings[0].remedy.startswith("The next start tries the provider;")


def test_what_refuses_starts_is_listed_with_its_command() -> None:
    """A pause stops all of them; a full prefix is a warning."""
    found = verdict(replace(situation(), restrictions=(PAUSED,), full_limits=(FULL,)))
    assert found.sentence == "all calls: paused, and 1 more"
    assert [one.command for one in found.findings] == [
        "flask --app wsgi resume",
        "flask --app wsgi block +7917913 --for 1d",
    ]
    assert [one.command_words for one in found.findings] == ["Ends it", "Stops the calls"]
    blocked = Restriction("conversion", "+7917913", "block", 3_600)
    by_guard = verdict(replace(situation(), restrictions=(blocked,)))
    assert by_guard.findings[0].command_words == "Stops the calls"
    [country] = verdict(replace(situation(), restrictions=(replace(blocked, scope="KZ"),))).findings
    assert (country.level, country.command) == (Level.BAD, "flask --app wsgi unblock KZ")
    assert "Every start of the country is refused" in country.remedy
    warned = verdict(replace(situation(), full_limits=(FULL,)))
    assert warned.sentence == f"It works, but {LIMITED}"
    counted = replace(FULL, started=30, approved=2)
    [finding] = verdict(replace(situation(), full_limits=(counted,))).findings
    assert "30 of 30 starts in 1 h. Of its last 30 starts, 2 were approved." in finding.detail
    assert finding.detail.endswith("It has room for one more start in 7 min.")
    russia = LimitUsage("country", "RU", FULL.windows)
    [finding] = verdict(replace(situation(), full_limits=(russia,))).findings
    assert finding.title == "RU: too many starts"
    assert finding.command_words == "Lets starts through again"


@pytest.mark.parametrize("kind", ["block", "allow"])
@pytest.mark.parametrize("scope", ["+7917913", "+7917"])
def test_what_is_full_is_part_of_the_operators_rule(kind: str, scope: str) -> None:
    """The operator has decided about the prefix: neither its limit nor the guard warns any more."""
    rule = Restriction("operator", scope, kind, 600)
    guard = Restriction("conversion", "+7917913", "block", 3_600)
    found = verdict(replace(situation(), restrictions=(rule, guard), full_limits=(FULL,)))
    assert (found.sentence, found.level) == ("It works", Level.NOTE)
    [note] = found.findings
    assert "+7917913: 30 of 30 starts in 1 h." in note.detail
    other = replace(rule, scope="+7918")
    found = verdict(replace(situation(), restrictions=(other,), full_limits=(FULL,)))
    assert found.sentence == f"It works, but {LIMITED}"


def test_what_the_operator_did_is_a_note() -> None:
    block = Restriction("operator", "+7917", "block", 600)
    found = verdict(replace(situation(), restrictions=(block,)))
    assert (found.sentence, found.level, len(found.findings)) == ("It works", Level.NOTE, 1)


def test_a_country_is_compared_with_its_own_week() -> None:
    good = Counts({"started": 100, "placed": 100, "delivered.10": 90, "approved.20": 80})
    bad = Counts({"started": 20, "placed": 20, "delivered.10": 2, "approved.20": 1})
    counted = Statistics(
        NOW,
        periods(24, HOUR, {1: {"RU": bad}}),
        periods(31, DAY, {1: {"RU": bad}, 3: {"RU": good}}),
        Tally(),
    )
    found = verdict(replace(situation(), statistics=counted))
    assert found.sentence == "It works, but RU: few calls are delivered"
    assert found.findings[0].detail == "2 of 20, 10 %; in seven days 92 of 120, 77 %."


def test_a_redis_that_is_gone_or_weak() -> None:
    """Nothing else is known without it."""
    gone = verdict(Situation(NOW, redis_problem="cannot be reached"))
    assert (gone.sentence, gone.level) == ("Redis cannot be reached", Level.BAD)
    warning = CheckResult(Severity.WARNING, "Redis", "Set noeviction.", EVICTION)
    weak = verdict(replace(situation(), warnings=(warning,)))
    assert weak.sentence == "Redis may evict limits and codes"


def test_keys_that_redis_evicted_stay_a_note() -> None:
    """Until Redis restarts: what it has forgotten is not back with the right policy."""
    memory = RedisMemory(4_096_000, 4_194_304, "noeviction", 1_740)
    assert str(memory) == "3.9 of 4.0 MB, noeviction; evicted 1,740"
    found = verdict(replace(situation(), memory=memory))
    assert (found.sentence, found.level) == ("It works", Level.NOTE)
    assert found.findings[0].title == "Redis has evicted 1,740 keys"
    assert verdict(replace(situation(), memory=replace(memory, evicted=0))).findings == ()


def test_what_was_found_in_other_ways_is_sorted_in() -> None:
    other = Finding(Level.BAD, "The settings are wrong", "", "", "health")
    found = verdict(replace(situation(), full_limits=(FULL,)), other)
    assert found.sentence == "The settings are wrong, and 1 more"


def test_each_finding_names_a_section_of_the_runbook() -> None:
    """A rule of the operator has none: the operator knows why."""
    restrictions = [
        *(PAUSED, Restriction("breaker", "", "pause", 6)),
        *(
            Restriction("conversion", "+7917913", "block", 60),
            Restriction("webhook", "shop", "off", 60),
        ),
        *(
            Restriction("failureRate", "failureRate", "alarm", 60),
            Restriction("conversion", "KZ", "alarm", 60),
        ),
    ]
    full = [LimitUsage(name, "x", FULL.windows) for name in WIDE_LIMITS]
    warnings = [
        CheckResult(Severity.WARNING, "Redis", "", name) for name in (EVICTION, PERSISTENCE)
    ]
    outboxes = [OutboxUsage("shop", 3, 900, 0)]
    shown = replace(
        situation(),
        restrictions=restrictions,
        full_limits=full,
        warnings=warnings,
        outboxes=outboxes,
    )
    found = [
        *verdict(shown).findings,
        *verdict(situation([attempt("failed.account")])).findings,
        *verdict(situation([attempt("failed.unreachable")] * 3)).findings,
        *verdict(situation([attempt("failed.refused")] * 5)).findings,
        *verdict(situation([attempt("placed")] * 3)).findings,
        *verdict(Situation(NOW, redis_problem="cannot be reached")).findings,
        *verdict(Situation(NOW, redis_problem=OUT_OF_MEMORY)).findings,
    ]
    headings = re.findall(r"^### (\w+)$", RUNBOOK.read_text("utf-8"), re.M)
    assert {one.runbook for one in found} <= {heading.lower() for heading in headings}
    assert len(found) == 20
