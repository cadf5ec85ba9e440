"""The operator's command line: each command does what it prints."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest
import redis
from click.testing import CliRunner, Result

from tests.store.world import keys_without_ttl
from verify_service import cli
from verify_service.app import create_hand

from .service import NUMBER, OTHER_NUMBER, Service, wrong
from .standin import StandIn

Run = Callable[..., Result]


@pytest.fixture
def flask(timed: Service, fake: redis.Redis) -> Run:
    """Runs a command line against the service's Redis; none of it writes out a number."""
    group = click.Group()
    cli.install(group, create_hand(timed.settings, fake), timed.settings)

    def run(*words: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(group, list(words))
        assert (result.exit_code != 0) is fails, result.output
        assert fails or NUMBER not in result.output
        assert keys_without_ttl(fake) == []
        return result

    return run


def test_a_number_is_shown_lane_by_lane(timed: Service, provider: StandIn, flask: Run) -> None:
    vid = timed.started(deviceId="own")
    timed.check(vid, provider.code)
    vid = timed.started(deviceId="own")
    timed.check(vid, wrong(provider.code))
    lines = flask("number", "7 917 913-67-87").output.splitlines()
    assert lines[0] == "+7917•••••87"
    assert lines[1] == (
        "  strangers: 1 starts, 0 wrong guesses, 0 in a row; a start is let through"
    )
    assert lines[2].startswith("  device ")
    assert lines[2].endswith(
        ": 1 starts, 1 wrong guesses, 1 in a row; cooldown: a start waits 30 s"
    )


def test_unlock_ends_lock_and_failures(make, fake, clock, provider: StandIn, flask: Run) -> None:
    service = make(fake, LOCK_AFTER_FAILURES="3")
    vid = service.started()
    for _ in range(3):
        service.check(vid, wrong(provider.code))
    clock.passes(60)
    assert service.start().json["limit"] == "locked"
    assert flask("unlock", NUMBER).output == "Unlocked +7917•••••87: 1 lanes had wrong guesses.\n"
    assert service.start().status_code == 201
    assert flask("unlock", NUMBER).output == "Unlocked +7917•••••87: 0 lanes had wrong guesses.\n"


def test_erase_leaves_nothing_of_a_number(timed: Service, fake: redis.Redis, flask: Run) -> None:
    """And everything of the others."""
    vid, other = timed.started(), timed.started(OTHER_NUMBER)
    assert flask("erase", "--yes", NUMBER).output == "Erased 3 keys of +7917•••••87.\n"
    assert timed.status(vid).status_code == 404
    assert timed.status(other).status_code == 200
    assert timed.start().status_code == 201
    assert "Aborted" in flask("erase", NUMBER, fails=True).output


def test_a_blocked_prefix_calls_nobody(timed: Service, clock, flask: Run, provider) -> None:
    """Whole prefixes and longer ones; by its own end or the operator's word."""
    assert flask("block", "7917", "--for", "2h").output == "Blocked +7917 for 2 h.\n"
    refused = timed.start().json
    assert (refused["limit"], refused["retryAfter"]) == ("prefix", 7200)
    assert timed.start(OTHER_NUMBER).status_code == 201
    assert len(provider.calls) == 1
    clock.passes(60)
    assert flask("blocked").output == "+7917: block, by operator, for 1 h 59 m more\n"
    assert flask("allow", "+7917913").output == "Allowed +7917913 for 1 h.\n"
    assert timed.start().status_code == 201
    assert timed.start("+79170000001").json["limit"] == "prefix"
    assert flask("unblock", "+7917").output == "Nothing is held for +7917 any more.\n"
    assert flask("unblock", "+7917").output == "+7917 was not held.\n"
    assert timed.start("+79170000001").status_code == 201


def test_a_block_ends_by_itself(timed: Service, clock, flask: Run) -> None:
    flask("block", "+7917", "--for", "90")
    assert timed.start().json["retryAfter"] == 90
    clock.passes(90)
    assert timed.start().status_code == 201
    assert flask("blocked").output == "Nothing is blocked.\n"


def test_an_allowed_prefix_passes_the_prefix_limit(make, fake, clock, flask: Run) -> None:
    """But not the limits over more."""
    service = make(fake, STARTS_PER_PREFIX="1/3600", STARTS_PER_DAY="3/3600")
    assert service.start("+79170000001").status_code == 201
    assert service.start("+79170000002").json["limit"] == "prefix"
    flask("allow", "+7917000")
    assert service.start("+79170000002").status_code == 201
    assert service.start("+79170000003").status_code == 201
    assert service.start("+79170000004").json["limit"] == "day"


def test_what_the_guard_blocked_is_listed_and_can_be_ended(make, fake, clock, flask: Run) -> None:
    service = make(fake, CONVERSION_PREFIX="3/0.5")
    for count in range(3):
        service.started(f"+7917000000{count}")
    clock.passes(500)
    assert service.start("+79170000009").json["limit"] == "conversion"
    assert flask("blocked").output == "+7917000: block, by conversion, for 1 h more\n"
    flask("unblock", "+7917000")
    assert service.start("+79170000009").status_code == 201


def test_paused_calls(timed: Service, clock, provider: StandIn, flask: Run) -> None:
    """Starts get 503 with the seconds, readyz says so, checks go on."""
    vid = timed.started()
    assert flask("pause", "--for", "10m").output == "All calls are paused for 10 m.\n"
    refused = timed.start(OTHER_NUMBER)
    assert (refused.status_code, refused.json["status"]) == (503, "rpcError")
    assert refused.headers["Retry-After"] == "600"
    assert "paused" in refused.json["errorReason"]
    assert timed.request("GET", "/readyz").json["calls"] == "paused"
    assert flask("blocked").output == "all calls: paused, by operator, for 10 m more\n"
    assert timed.check(vid, provider.code).json["verified"] is True
    assert flask("resume").output == "Calls are placed again.\n"
    assert flask("resume").output == "Calls were not paused.\n"
    assert timed.request("GET", "/readyz").json["calls"] == "open"
    assert timed.start(OTHER_NUMBER).status_code == 201
    assert len(provider.calls) == 2


def test_a_pause_ends_by_itself(timed: Service, clock, flask: Run) -> None:
    flask("pause", "--for", "60s")
    assert timed.start().status_code == 503
    clock.passes(60)
    assert timed.start().status_code == 201


@pytest.mark.parametrize(
    "words",
    [
        ("number", "nobody"),
        ("block", "0"),
        ("block", "+7917x"),
        ("block", "+7917", "--for", "0"),
        ("pause", "--for", "2y"),
        ("pause", "--for", "400d"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(flask: Run, words: tuple[str, ...]) -> None:
    assert "Write" in flask(*words, fails=True).output


def test_every_command_explains_itself(flask: Run) -> None:
    """In one line each, which ends as a sentence does."""
    group = click.Group()
    cli.install(group, None, None)  # type: ignore[arg-type]
    assert set(group.commands) == {
        *("allow", "block", "blocked", "erase", "number", "pause", "resume", "security"),
        *("unblock", "unlock"),
    }
    for name in group.commands:
        assert flask(name, "--help").output.count(".") >= 1
