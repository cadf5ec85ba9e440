"""The operator's command line: each command does what it prints."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click
import pytest
import redis
from click.testing import CliRunner, Result

from tests.redis_clients import store_client
from tests.store.world import keys_without_ttl
from verify_service import cli
from verify_service.app import create_operator
from verify_service.domain import limits
from verify_service.domain.durations import format_duration
from verify_service.store import keys

from . import keyed
from .service import METRICS_TOKEN, NUMBER, OTHER_KEY, OTHER_NUMBER, Service, wrong
from .standin import StandIn

Run = Callable[..., Result]


@pytest.fixture
def flask(timed: Service, fake: redis.Redis) -> Run:
    """Runs a command line against the service's Redis."""
    return run_for(timed, fake)


def run_for(service: Service, fake: redis.Redis) -> Run:
    """Return a function that runs a command line under a service's settings. None prints a full
    number."""
    group = click.Group()
    operator = create_operator(service.settings, store_client(fake))
    cli.install(group, operator, service.settings)

    def run(*words: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(group, list(words))
        assert (result.exit_code != 0) is fails, result.output
        assert fails or NUMBER not in result.output
        assert keys_without_ttl(fake) == []
        return result

    return run


@pytest.mark.parametrize(
    ("called", "asked"),
    [
        ("+7 917 913-67-87", "\u202a+7\u00a0917\u00a0913\u201167\u201187\u202c"),
        ("+241 06 03 12 34", "+241 6 03 12 34"),
        ("+52 55 1234 5678", "+52 1 55 1234 5678"),
    ],
)
def test_an_operator_finds_a_number_in_every_spelling(
    timed: Service, provider: StandIn, flask: Run, called: str, asked: str
) -> None:
    vid = timed.started(called)
    timed.check(vid, wrong(provider.code))
    assert "1 of 3 starts in 10 min" in flask("number", asked).output
    assert "1 wrong guess" in flask("unlock", asked).output


def test_a_number_is_shown_window_by_window(timed: Service, provider: StandIn, flask: Run) -> None:
    """First the scopes it shares with others, then each budget: used, maximum, and until when."""
    vid = timed.started(deviceId="own")
    timed.check(vid, provider.code)
    vid = timed.started(deviceId="own")
    timed.check(vid, wrong(provider.code))
    first, *lines = flask("number", "7 917 913-67-87").output.splitlines()
    shared = lines.index("Strangers: no limit of this number refuses a start.")
    device = shared + 5
    assert first == "+7917•••••87, RU"
    assert lines[0] == "No pause, block or shared limit refuses a start."
    assert lines[1] == "  prefix: 2 of 30 starts in 1 h; the oldest counts for 1 h 1 min more"
    assert [line.split(": ")[0].strip() for line in lines[1:shared]] == [
        *("prefix", "prefix", *["prefix, for known devices once it is full"] * 2),
        *("country", "country", "day", "app bank", "app bank", "app shop", "app shop"),
    ]
    assert lines[8] == "  app bank: 0 of 1000 starts in 1 h"
    assert lines[shared + 1 : device] == [
        "  1 of 3 starts in 10 min; the oldest counts for 10 min more",
        "  1 of 5 starts in 1 d; the oldest counts for 1 d more",
        "  0 of 9 wrong guesses in 1 d",
        "  0 wrong guesses in a row; 30 lock it for 90 d",
    ]
    assert lines[device].startswith("Known device ")
    assert lines[device].endswith(": the next start is possible in 30 s (`cooldown`).")
    assert lines[device + 1 :] == [
        "  1 of 3 starts in 10 min; the oldest counts for 10 min more",
        "  1 of 5 starts in 1 d; the oldest counts for 1 d more",
        "  1 of 9 wrong guesses in 1 d; the oldest counts for 1 d more",
        "  1 wrong guess in a row; 30 lock it for 90 d",
    ]


def test_a_full_window_shows_when_it_has_room(make, fake, clock, flask: Run) -> None:
    """To the second at which a start is let through."""
    service = make(fake, START_COOLDOWNS="0", STARTS_PER_NUMBER="2/600")
    service.started()
    clock.passes(200)
    service.started()
    clock.passes(100)
    said = run_for(service, fake)("number", NUMBER).output
    assert "Strangers: the next start is possible in 5 min (`number`).\n" in said
    assert "  2 of 2 starts in 10 min; room for one more in 5 min\n" in said
    clock.passes(299)
    assert service.start().json["limit"] == "number"
    clock.passes(1)
    service.started()


REFUSALS = {
    "the operator paused all calls for 10 min more": ("pause", "--for", "10m"),
    "the operator blocks its first 4 digits for 1 h more": ("block", "+7917"),
}


@pytest.mark.parametrize(("words", "command"), REFUSALS.items())
def test_a_number_shows_the_operators_restrictions(
    timed: Service, flask: Run, words: str, command: tuple[str, ...]
) -> None:
    timed.started()
    assert "is refused" not in flask("number", NUMBER).output
    flask(*command)
    assert words in flask("number", NUMBER).output
    assert timed.start(OTHER_NUMBER if "pause" in command else NUMBER).status_code in (403, 503)


def test_the_rule_with_the_longest_prefix_decides(timed: Service, flask: Run) -> None:
    """As for a start."""
    timed.started()
    flask("block", "+7917")
    flask("allow", "+7917913")
    said = flask("number", NUMBER).output
    assert "is refused" not in said
    assert "  prefix: allowed by the operator for 1 h more\n" in said


LIMITS = {
    "the limit `prefix` is full": {"STARTS_PER_PREFIX": "1/3600"},
    "the limit `country` is full": {"STARTS_PER_COUNTRY": "1/3600"},
    "the limit `day` is full": {"STARTS_PER_DAY": "1/3600"},
}


@pytest.mark.parametrize(("words", "variables"), LIMITS.items())
def test_a_number_shows_the_limits_over_all(
    make, fake, clock, words: str, variables: dict[str, str]
) -> None:
    """The time is the wait of a start. In dry run they refuse nothing."""
    service = make(fake, START_COOLDOWNS="0", **variables)
    service.started()
    seconds = service.start().json["retryAfter"]
    said = run_for(service, fake)("number", NUMBER).output
    whose = "Every stranger's start" if "prefix" in words else "Every start"
    assert f"{whose} is refused: {words} for {format_duration(seconds)} more." in said
    dry = make(fake, START_COOLDOWNS="0", GUARDS_DRY_RUN="*", **variables)
    said = run_for(dry, fake)("number", NUMBER).output
    assert "is refused" not in said
    assert (
        f"1 of 1 start in 1 h; room for one more in {format_duration(seconds)} (dry run)\n" in said
    )


def test_a_number_shows_the_limit_of_an_app_with_its_name(make, fake, clock) -> None:
    """It refuses no start of another app."""
    service = make(fake, START_COOLDOWNS="0", STARTS_PER_APP="1/3600")
    service.started()
    said = run_for(service, fake)("number", NUMBER).output
    assert "is refused" not in said
    assert "  app shop: 1 of 1 start in 1 h; room for one more in " in said
    assert "  app bank: 0 of 1 start in 1 h\n" in said
    assert service.start(key=OTHER_KEY).status_code == 201


def test_a_number_shows_the_conversion_guards_block(make, fake, clock) -> None:
    """It is shown before the first start that it will refuse, too."""
    service = make(fake, CONVERSION_PREFIX="3/0.5")
    run = run_for(service, fake)
    for count in range(3):
        service.started(f"+7917913678{count}")
    clock.passes(500)
    said = run("number", "+79179136781").output
    assert "  conversion, prefix: 0 of 3 starts approved\n" in said
    assert "refused: the conversion guard blocks its prefix for 1 h more. " in said
    assert service.start("+79179136781").json["limit"] == "conversion"
    said = run("number", "+79179136781").output
    assert "refused: the conversion guard blocks its prefix for 1 h more. " in said
    run("allow", "+7917913")
    assert "is refused" not in run("number", "+79179136781").output
    assert service.start("+79179136781").status_code == 201


def test_a_number_shows_that_its_destination_is_not_allowed(make, fake, clock) -> None:
    service = make(fake)
    service.started()
    run = run_for(make(fake, ALLOWED_COUNTRIES="KZ"), fake)
    assert "refused: Flash calls to numbers of region RU are not" in run("number", NUMBER).output
    run = run_for(make(fake, ALLOWED_COUNTRIES="KZ", GUARDS_DRY_RUN="destination"), fake)
    said = run("number", NUMBER).output
    assert "is refused" not in said
    assert "  destination (dry run), would refuse every start: Flash calls" in said


def test_a_breaker_that_pauses_calls_is_shown_and_ended(
    make, fake, clock, provider: StandIn
) -> None:
    """With the time of the next probe. `resume` ends it sooner."""
    service = make(fake, PROVIDER_BREAKER="1/60", START_COOLDOWNS="0")
    provider.answers(403, {"errorCode": 6})
    service.start(OTHER_NUMBER)
    run = run_for(service, fake)
    said = run("number", NUMBER).output
    words = "the breaker paused all calls because the provider fails; a start tries it in 1 min."
    assert f"Every start is refused: {words} " in said
    listed = "all calls: paused by the breaker until the provider works again; "
    ends = "; `resume` ends it now\n"
    assert run("blocked").output == f"{listed}a start tries it in 1 min{ends}"
    clock.passes(60)
    assert run("blocked").output == f"{listed}the next start tries it{ends}"
    run("pause")
    words = "Calls are placed again; they were paused by the operator and the breaker.\n"
    assert run("resume").output == words
    assert run("blocked").output == "Nothing is blocked.\n"
    assert run("resume").output == "Calls were not paused.\n"
    provider.reset()
    service.started()


def test_a_breakers_pause_does_not_apply_to_a_test_number(
    make, fake, clock, provider: StandIn
) -> None:
    """No call is placed for it, so its starts are let through."""
    day = datetime.now(UTC).date() + timedelta(days=9)
    tested = {"TEST_NUMBERS": f"{NUMBER}=1234@{day}", "PROVIDER_BREAKER": "1/60"}
    service = make(fake, START_COOLDOWNS="0", **tested)
    provider.answers(403, {"errorCode": 6})
    service.start(OTHER_NUMBER)
    run = run_for(service, fake)
    assert "is refused" not in run("number", NUMBER).output
    assert "the breaker paused all calls" in run("number", OTHER_NUMBER).output
    service.started(NUMBER)


def test_unlock_ends_lock_and_failures(make, fake, clock, provider: StandIn, flask: Run) -> None:
    service = make(fake, LOCK_AFTER_FAILURES="3")
    vid = service.started()
    for _ in range(3):
        service.check(vid, wrong(provider.code))
    clock.passes(60)
    assert service.start().json["limit"] == "locked"
    assert flask("unlock", NUMBER).output == "Unlocked +7917•••••87: 3 wrong guesses deleted.\n"
    assert service.start().status_code == 201
    assert flask("unlock", NUMBER).output == "Unlocked +7917•••••87: 0 wrong guesses deleted.\n"


def test_an_unknown_number_is_shown_too(timed: Service, flask: Run) -> None:
    """What refuses its starts is known all the same, so it is no error."""
    timed.started(OTHER_NUMBER)
    said = flask("number", NUMBER)
    assert said.exit_code == 0
    assert "No pause, block or shared limit refuses a start." in said.output
    assert said.output.endswith("No start, guess or device is stored for this number itself.\n")
    assert "this number itself" not in flask("number", OTHER_NUMBER).output


@pytest.mark.parametrize("command", ["unlock", "erase"])
def test_a_command_for_an_unknown_number_fails(timed: Service, flask: Run, command: str) -> None:
    """The exit status is 1: for a mistyped number, nothing is reported as done."""
    timed.started(OTHER_NUMBER)
    words = (command, "--yes", NUMBER) if command == "erase" else (command, NUMBER)
    said = flask(*words, fails=True)
    assert re.search(r"Error: Nothing is stored .*\+7917•••••87\.", said.output)
    assert said.exit_code == 1


@pytest.mark.parametrize("command", ["number", "unlock", "erase"])
@pytest.mark.parametrize("typed", ["89179136787", "+7917913678", "+791791367877", "name"])
def test_an_impossible_number_is_refused(flask: Run, command: str, typed: str) -> None:
    """As in a start. The number is not repeated."""
    words = (command, "--yes", typed) if command == "erase" else (command, typed)
    said = flask(*words, fails=True)
    assert said.exit_code == 1
    assert "number" in said.output
    assert typed not in said.output


def test_a_test_number_need_not_exist(make, fake, clock) -> None:
    """Its budgets are like any other's."""
    day = datetime.now(UTC).date() + timedelta(days=9)
    service = make(fake, TEST_NUMBERS=f"+79990000000=1234@{day}", ALLOWED_COUNTRIES="KZ")
    service.started("+79990000000")
    said = run_for(service, fake)("number", "+79990000000").output
    assert "the next start is possible in 30 s (`cooldown`)" in said
    assert "is refused" not in said


def test_erase_leaves_nothing_of_a_number(timed: Service, fake: redis.Redis, flask: Run) -> None:
    """All other numbers keep everything."""
    vid, other = timed.started(), timed.started(OTHER_NUMBER)
    assert flask("erase", "--yes", NUMBER).output == "Erased 3 keys of +7917•••••87.\n"
    assert timed.status(vid).status_code == 404
    assert timed.status(other).status_code == 200
    assert timed.start().status_code == 201
    assert "Aborted" in flask("erase", NUMBER, fails=True).output


def test_a_blocked_prefix_is_not_called(timed: Service, clock, flask: Run, provider) -> None:
    """Whole prefixes and longer ones, until the block expires or the operator ends it."""
    assert (
        flask("block", "7917", "--for", "2h").output
        == "Blocked +7917 for 2 h. `unblock +7917` ends it.\n"
    )
    refused = timed.start()
    assert (refused.status_code, refused.json["status"]) == (403, "prohibitedForServiceError")
    assert {*refused.json} == {"status", "reason", "errorReason"}
    assert "Retry-After" not in refused.headers
    assert timed.start(OTHER_NUMBER).status_code == 201
    assert len(provider.calls) == 1
    clock.passes(60)
    assert flask("blocked").output == (
        "+7917: blocked by the operator for 1 h 59 min more; `unblock +7917` ends it\n"
    )
    assert flask("allow", "+7917913").output == (
        "Allowed +7917913 for 1 h. `unblock +7917913` ends it.\n"
    )
    assert timed.start().status_code == 201
    assert timed.start("+79170000001").json["reason"] == "blocked"
    assert flask("unblock", "+7917").output == (
        "+7917 has no block, exemption or alarm any more.\n"
    )
    assert "+7917 has no block, exemption or alarm." in flask("unblock", "+7917", fails=True).output
    assert timed.start("+79170000001").status_code == 201


def test_a_block_goes_before_limits_and_pauses(make, fake: redis.Redis, provider: StandIn) -> None:
    """It is about the destination: no wait of a login flow helps, so none is returned."""
    service = make(fake, METRICS_TOKEN=METRICS_TOKEN, GUARDS_DRY_RUN="prefix")
    run = run_for(service, fake)
    vid = service.started()
    run("block", "+7917")
    for command in ("blocked", "pause"):
        run(command)
        refused = service.start()  # the cooldown would refuse it as well
        assert (refused.status_code, refused.json["reason"]) == (403, "blocked")
        line = service.events("request")[-1]
        assert (line["limit"], line["scope"], line["http"]) == ("blocked", "+79••", 403)
    assert len(provider.calls) == 1
    assert service.metric('verify_refusals_total{limit="blocked"}') == 2
    assert service.check(vid, provider.code).json["verified"] is True


def test_a_block_binds_no_idempotency_key(timed: Service, flask: Run) -> None:
    """An earlier start under its key is answered as it was."""
    first = keyed.start(timed, "first").json
    flask("block", "+7917")
    again = keyed.start(timed, "first")
    assert (again.status_code, again.json["verificationId"]) == (201, first["verificationId"])
    assert keyed.start(timed, "second", "+79170000001").status_code == 403
    flask("unblock", "+7917")
    assert keyed.start(timed, "second", "+79170000002").status_code == 201


def test_a_block_expires(timed: Service, clock, flask: Run) -> None:
    flask("block", "+7917", "--for", "90")
    assert timed.start().json["reason"] == "blocked"
    clock.passes(89)
    assert timed.start().json["reason"] == "blocked"
    clock.passes(1)
    assert timed.start().status_code == 201
    assert flask("blocked").output == "Nothing is blocked.\n"


def test_an_allowed_prefix_is_exempt_from_the_prefix_limit(make, fake, clock, flask: Run) -> None:
    """The limits over more than a prefix still apply."""
    service = make(fake, STARTS_PER_PREFIX="1/3600", STARTS_PER_DAY="3/3600")
    assert service.start("+79170000001").status_code == 201
    assert service.start("+79170000002").json["limit"] == "prefix"
    flask("allow", "+7917000")
    assert service.start("+79170000002").status_code == 201
    assert service.start("+79170000003").status_code == 201
    assert service.start("+79170000004").json["limit"] == "day"


def test_a_guards_block_is_listed_and_can_be_ended(make, fake, clock, flask: Run) -> None:
    service = make(fake, CONVERSION_PREFIX="3/0.5")
    for count in range(3):
        service.started(f"+7917000000{count}")
    clock.passes(500)
    assert service.start("+79170000009").json["limit"] == "conversion"
    said = "+7917000: blocked by conversion for 1 h more: 0 of 3 starts approved; "
    assert flask("blocked").output == f"{said}`unblock +7917000` ends it\n"
    flask("unblock", "+7917000")
    assert service.start("+79170000009").status_code == 201


def test_a_second_block_in_a_row_is_numbered(
    make, fake, clock, provider: StandIn, flask: Run
) -> None:
    """With its own counts."""
    service = make(fake, CONVERSION_PREFIX="3/0.5", START_COOLDOWNS="0")
    for count in range(3):
        service.started(f"+7917000000{count}")
    clock.passes(500)
    service.start("+79170000009")
    clock.passes(3600)
    service.check(service.started("+79170000010"), provider.calls[-1].code)
    for count in range(11, 14):
        service.started(f"+791700000{count}")
    clock.passes(500)
    assert service.start("+79170000009").json["limit"] == "conversion"
    clock.passes(60)
    said = "for 1 h 59 min more, second block in a row: 1 of 4 starts approved"
    assert f"+7917000: blocked by conversion {said}; " in flask("blocked").output
    clock.passes(7200)
    assert flask("blocked").output == "Nothing is blocked.\n"
    assert "no block, exemption or alarm" in flask("unblock", "+7917000", fails=True).output


@pytest.mark.parametrize(
    ("scope", "number"), [("001", "+881612345678"), ("KZ", "+77011234567"), ("kz", "+77011234567")]
)
def test_a_country_can_be_unblocked_as_it_is_listed(
    make, fake, clock, *, flask: Run, scope: str, number: str
) -> None:
    service = make(
        *(fake,),
        **{"CONVERSION_COUNTRY": "1/0.5", "CONVERSION_PREFIX": "1000/0.5"},
        **{"ALLOWED_COUNTRIES": "*,001", "ALLOWED_NUMBER_TYPES": "MOBILE,UNKNOWN"},
    )
    service.started(number)
    clock.passes(500)
    service.start(number)
    said = f"{scope.upper()}: alarm by conversion: 0 of 1 start approved; not repeated for 1 h"
    assert said in flask("blocked").output
    assert flask("unblock", scope).output == (
        f"{scope.upper()} has no block, exemption or alarm any more.\n"
    )
    assert flask("blocked").output == "Nothing is blocked.\n"


def test_an_alarm_can_be_ended_as_it_is_listed(
    make, fake, clock, *, monkeypatch, provider: StandIn, flask: Run
) -> None:
    """So the next alarm can be raised at once."""
    monkeypatch.setattr(limits, "WRONG_GUESSES", 2)
    service = make(fake)
    vid = service.started()
    for _ in range(2):
        service.check(vid, wrong(provider.code))
    said = "failureRate: alarm: 2 of 2 guesses wrong; not repeated for 1 h more\n"
    assert flask("blocked").output == said
    assert flask("unblock", "failurerate").output == (
        "failureRate has no block, exemption or alarm any more.\n"
    )
    assert flask("blocked").output == "Nothing is blocked.\n"


@pytest.mark.parametrize("typed", ["unknown", "Unknown"])
def test_a_number_without_a_country_has_a_scope_too(
    flask: Run, fake: redis.Redis, typed: str
) -> None:
    """The guard counts it as ``unknown``."""
    hold(fake, "conversion unknown", level=1, total=25, count=3)
    said = "unknown: blocked by conversion for 1 h more: 3 of 25 starts approved; "
    assert flask("blocked").output == f"{said}`unblock unknown` ends it\n"
    assert flask("unblock", typed).output == (
        "unknown has no block, exemption or alarm any more.\n"
    )
    assert flask("blocked").output == "Nothing is blocked.\n"


def test_a_block_of_another_release_is_listed(flask: Run, fake: redis.Redis) -> None:
    """While two releases overlap, members may be missing, and there may be others."""
    hold(fake, "conversion +7917", level=2, another="word")
    said = "+7917: blocked by conversion for 1 h more, second block in a row; "
    assert flask("blocked").output == f"{said}`unblock +7917` ends it\n"


def hold(fake: redis.Redis, field: str, **members: object) -> None:
    """Write a block for an hour, as a guard does."""
    entry = {"kind": "block", "until": 1_790_003_600_000, **members}
    fake.hset(keys.RESTRICTIONS, field, json.dumps(entry))
    fake.expire(keys.RESTRICTIONS, 60)


@pytest.mark.parametrize("typed", ["RUS", "operator", "+7x", ""])
def test_an_invalid_scope_is_refused(flask: Run, typed: str) -> None:
    assert "Write a scope as `blocked` lists it" in flask("unblock", typed, fails=True).output


def test_pause_refuses_starts(timed: Service, clock, provider: StandIn, flask: Run) -> None:
    """Starts get 503 with `Retry-After`, readyz reports it, and checks work."""
    vid = timed.started()
    assert flask("pause", "--for", "10m").output == (
        "All calls are paused for 10 min. `resume` ends it.\n"
    )
    refused = timed.start(OTHER_NUMBER)
    assert (refused.status_code, refused.json["status"]) == (503, "rpcError")
    assert refused.headers["Retry-After"] == "600"
    assert "paused" in refused.json["errorReason"]
    assert timed.request("GET", "/readyz").json["calls"] == "paused"
    assert flask("blocked").output == (
        "all calls: paused by the operator for 10 min more; `resume` ends it\n"
    )
    assert timed.check(vid, provider.code).json["verified"] is True
    words = "Calls are placed again; they were paused by the operator.\n"
    assert flask("resume").output == words
    assert flask("resume").output == "Calls were not paused.\n"
    assert timed.request("GET", "/readyz").json["calls"] == "open"
    assert timed.start(OTHER_NUMBER).status_code == 201
    assert len(provider.calls) == 2


def test_a_pause_expires(timed: Service, clock, flask: Run) -> None:
    flask("pause", "--for", "60s")
    assert timed.start().status_code == 503
    clock.passes(60)
    assert timed.start().status_code == 201


@pytest.mark.parametrize(
    "words",
    [
        ("number", "name"),
        ("block", "0"),
        ("block", "+7917x"),
        ("block", "+7917", "--for", "0"),
        ("pause", "--for", "2y"),
        ("pause", "--for", "400d"),
        ("pause", "--for", "-5"),
        ("pause", "--for", ""),
        ("pause", "--for", "9" * 40),
        ("block", "+79179136787"),
        ("block", "+79179136"),
        ("allow", "+44207183875"),
    ],
)
def test_an_invalid_argument_is_refused_in_a_sentence(flask: Run, words: tuple[str, ...]) -> None:
    refused = flask(*words, fails=True)
    assert refused.exit_code == 1
    assert "Error: Write" in refused.output
    assert flask("blocked").output == "Nothing is blocked.\n"


@pytest.mark.parametrize(
    "words", ["+7 917 913", "7917913", "+7(917)913", "\u200e+7\u00a0917\u2011913"]
)
def test_a_prefix_has_the_spellings_of_a_number(flask: Run, words: str) -> None:
    assert flask("block", words).output == (
        "Blocked +7917913 for 1 h. `unblock +7917913` ends it.\n"
    )


FULL = [
    ("prefix", "STARTS_PER_PREFIX", "+7917913"),
    ("country", "STARTS_PER_COUNTRY", "RU"),
    ("app", "STARTS_PER_APP", "shop"),
    ("day", "STARTS_PER_DAY", ""),
]


@pytest.mark.parametrize(("limit", "variable", "scope"), FULL)
def test_a_full_limit_is_listed_and_can_be_ended(
    make, fake, clock, *, limit: str, variable: str, scope: str
) -> None:
    """With its windows, until when, and the command that lets the next start through."""
    service = make(fake, START_COOLDOWNS="0", **{variable: "2/3600,9/86400"})
    run = run_for(service, fake)
    for count in range(2):
        assert run("blocked").output == "Nothing is blocked.\n"
        service.started(f"{NUMBER[:-1]}{count}")
    seconds = service.start(f"{NUMBER[:-1]}3").json["retryAfter"]
    command = f"reset {limit} {scope}".rstrip()
    assert run("blocked").output == (
        f"{scope or 'every number'}: the limit `{limit}` is full: 2 of 2 starts in 1 h; room for "
        f"one more in {format_duration(seconds)}; `{command}` ends it\n"
    )
    assert run(*command.split()).output == f"{command.removeprefix('reset ')} counts from zero.\n"
    assert run("blocked").output == "Nothing is blocked.\n"
    service.started(f"{NUMBER[:-1]}3")


def test_a_full_limit_of_a_client_is_listed_and_can_be_ended(make, fake, clock) -> None:
    """By its address, or by the digest that the list and the log have. Others are not changed."""
    service = make(fake, START_COOLDOWNS="0", STARTS_PER_CLIENT_IP="1/3600")
    run = run_for(service, fake)
    service.started(clientIp="2001:db8::1")
    service.started(OTHER_NUMBER, clientIp="203.0.113.7")
    both = run("blocked").output
    assert both.count("the limit `clientIp` is full: 1 of 1 start in 1 h") == 2
    assert "2001:db8" not in both
    run("reset", "clientIp", "2001:db8::ffff")
    (left,) = run("blocked").output.splitlines()
    assert left in both
    run("reset", "clientIp", left.partition(":")[0])
    assert run("blocked").output == "Nothing is blocked.\n"
    service.started(clientIp="2001:db8::2")


def test_a_full_limit_in_dry_run_is_marked(make, fake, clock) -> None:
    service = make(fake, STARTS_PER_DAY="1/3600", GUARDS_DRY_RUN="day")
    service.started()
    said = run_for(service, fake)("blocked").output
    assert said.startswith("every number: the limit `day` is full (dry run): 1 of 1 start in 1 h;")


def test_the_starts_of_known_devices_are_listed_too(make, fake, clock, provider: StandIn) -> None:
    """A prefix has as many again for them; one command ends both."""
    service = make(fake, START_COOLDOWNS="0", STARTS_PER_PREFIX="1/3600")
    vid = service.started(deviceId="own")
    service.check(vid, provider.code)
    service.started(deviceId="own")
    run = run_for(service, fake)
    strangers, devices = run("blocked").output.splitlines()
    assert strangers.startswith("+7917913: the limit `prefix` is full: ")
    assert devices.startswith("+7917913: the limit `prefix, for known devices once it is full` is ")
    assert devices.endswith("`reset prefix +7917913` ends it")
    run("reset", "prefix", "+7917913")
    assert run("blocked").output == "Nothing is blocked.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prefix", "+7917999"), "prefix +7917999 has counted nothing."),
        (("country", "KZ"), "country KZ has counted nothing."),
        (("day",), "day has counted nothing."),
        (("prefix", "canary"), "Write a prefix as the first digits of E.164"),
        (("prefix",), "Write a prefix as the first digits of E.164"),
        (("clientIp", "example.org"), "Write a client as its address"),
        (("clientIp",), "Write a client as its address"),
        (("cooldown", "+7917913"), "'cooldown' is not one of 'clientIp', 'prefix', "),
    ],
)
def test_a_limit_that_counted_nothing_is_reported(
    flask: Run, words: tuple[str, ...], said: str
) -> None:
    assert said in flask("reset", *words, fails=True).output


def test_every_command_is_listed_with_a_whole_sentence(flask: Run) -> None:
    """Each under its topic, and no sentence is cut off."""
    listed = flask("operator", "--help").output
    assert "…" not in listed
    rows = dict(re.findall(r"^  ([a-z]+)  +(.*)$", listed.partition("One number:")[2], re.M))
    assert set(rows) == {
        *("allow", "block", "blocked", "erase", "number", "pause", "resume", "security"),
        *("reset", "unblock", "unlock", "webhook"),
    }
    assert all(re.fullmatch(r"[A-Z].{10,43}\.", row) for row in rows.values()), rows


@pytest.mark.parametrize(
    "name",
    [
        *("allow", "block", "blocked", "erase", "number", "pause", "resume", "security"),
        "unblock",
        "reset",
        "webhook",
    ],
)
def test_every_command_works_with_and_without_the_group(flask: Run, name: str) -> None:
    """Its own help has more text than the list."""
    alone = flask(name, "--help").output
    assert flask("operator", name, "--help").output.partition("\n")[2] == alone.partition("\n")[2]
    words = alone.partition("\n\n")[2].partition("Options:")[0]
    assert words.count(".") >= 2
