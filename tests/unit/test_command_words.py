"""The sentences of the command line: durations, plurals, and what ends a restriction."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from verify_service.cli.durations import Duration
from verify_service.cli.sentences import (
    budget_lines,
    counted,
    refusal_lines,
    restriction_line,
)
from verify_service.domain.diagnosis import (
    Callers,
    DeviceBudget,
    Diagnosis,
    Refusal,
    Restriction,
    WindowUsage,
)
from verify_service.domain.durations import format_duration
from verify_service.domain.limits import WideLimits
from verify_service.domain.models import Wait, Window

DAY = 86_400
PAGE = (Path(__file__).parents[2] / "docs/command-line.md").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0 s"), (59, "59 s"), (600, "10 min"), (4320, "1 h 12 min"), (90_061, "1 d 1 h")),
        *((86_401, "1 d 1 s"), (7_776_000, "90 d")),
    ],
)
def test_a_duration_in_words(seconds: int, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("366d", 366 * DAY)]
)
def test_a_duration_is_parsed(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5h", "h", "367d", "9" * 9, "2 h", "1w"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(click.ClickException, match="Write a duration"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("count", "word", "words"),
    [(1, "start", "1 start"), (0, "start", "0 starts"), (2, "wrong guess", "2 wrong guesses")],
)
def test_a_count_has_its_plural(count: int, word: str, words: str) -> None:
    assert counted(count, word) == words


@pytest.mark.parametrize(
    ("level", "turn"),
    [
        *((1, ""), (2, ", second block in a row"), (10, ", tenth block in a row")),
        (11, ", block 11 in a row"),
    ],
)
def test_a_block_is_numbered(level: int, turn: str) -> None:
    guard = Restriction("conversion", "+7917913", "block", 4320, level, total=25, count=3)
    sentence = f"blocked by conversion for 1 h 12 min more{turn}: 3 of 25 starts approved"
    assert restriction_line(guard) == f"+7917913: {sentence}; `unblock +7917913` ends it"


@pytest.mark.parametrize(
    ("restriction", "line"),
    [
        (
            Restriction("operator", "", "pause", 540),
            "all calls: paused by the operator for 9 min more; `resume` ends it",
        ),
        (
            Restriction("breaker", "", "pause", 40),
            (
                "all calls: paused by the breaker until the provider works again; "
                "a start tries it in 40 s; `resume` ends it now"
            ),
        ),
        (
            Restriction("operator", "+7917", "allow", 60),
            "+7917: allowed by the operator for 1 min more; `unblock +7917` ends it",
        ),
        (
            Restriction("conversion", "+7917913", "would-block", 0, total=25, count=3),
            "+7917913: would be blocked by conversion without the dry run: 3 of 25 starts approved",
        ),
        (
            Restriction("failureRate", "failureRate", "alarm", 300, total=600, count=412),
            "failureRate: alarm: 412 of 600 guesses wrong; not repeated for 5 min more",
        ),
        (
            Restriction("webhook", "shop", "off", 82_800),
            "shop: no event is posted for 23 h more, after a 410; `webhook on shop` ends it",
        ),
        (
            Restriction("operator", "+7917", "block", 60),
            "+7917: blocked by the operator for 1 min more; `unblock +7917` ends it",
        ),
    ],
)
def test_a_restriction_shows_its_end_and_the_command(restriction: Restriction, line: str) -> None:
    assert restriction_line(restriction) == line


SHOWN_ON_THE_PAGE = [
    Restriction("operator", "", "pause", 540),
    Restriction("conversion", "+7917913", "block", 4320, level=2, total=25, count=3),
    Restriction("conversion", "KZ", "alarm", 2400, total=210, count=12),
    Restriction("failureRate", "failureRate", "alarm", 300, total=600, count=412),
    Restriction("breaker", "", "pause", 40),
    Restriction("webhook", "shop", "off", 82_800),
]


@pytest.mark.parametrize("restriction", SHOWN_ON_THE_PAGE)
def test_the_page_shows_what_the_command_prints(restriction: Restriction) -> None:
    assert restriction_line(restriction) in PAGE


NUMBER = "+79179136787"
UNCALLED = "Flash calls to numbers of region RU are not enabled."


def diagnosis(*refusals: Refusal, destination: str = "") -> Diagnosis:
    return Diagnosis(NUMBER, "RU", (), refusals, 0, (), (), destination)


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (
            Refusal("pause", "", 600),
            (
                "Every start is refused: the operator paused all calls for 10 min more. "
                "`resume` ends the pause."
            ),
        ),
        (
            Refusal("breaker", "", 60),
            (
                "Every start is refused: the breaker paused all calls because the provider fails; "
                "a start tries it in 1 min. `resume` ends the pause."
            ),
        ),
        (
            Refusal("rule", "+7917", 60),
            (
                "Every start is refused: the operator blocks its first 4 digits for 1 min more. "
                "`unblock` ends it."
            ),
        ),
        (
            Refusal("conversion", "RU", 60),
            (
                "Every start is refused: the conversion guard blocks its country for 1 min more. "
                "`unblock` or `allow` ends it."
            ),
        ),
        (
            Refusal("prefix", "+7917913", 60, Callers.STRANGERS),
            (
                "Every stranger's start is refused: the limit `prefix` is full for 1 min more. "
                "`allow` exempts the prefix, `reset prefix` has it count from zero."
            ),
        ),
        (
            Refusal("day", "", 60, Callers.DEVICES),
            (
                "Every known device's start is refused: the limit `day` is full for 1 min more. "
                "STARTS_PER_DAY sets the limit, `reset day` has it count from zero."
            ),
        ),
    ],
)
def test_a_refusal_shows_its_end_and_the_command(refusal: Refusal, sentence: str) -> None:
    """No prefix stands beside the masked number: both together would show nine of its digits."""
    assert list(refusal_lines(diagnosis(refusal), WideLimits())) == [sentence]


def test_the_page_shows_a_number_as_the_command_does() -> None:
    (line,) = refusal_lines(diagnosis(Refusal("rule", "+7917", 58 * 60)), WideLimits())
    budget = DeviceBudget(
        "",
        0,
        Wait("number", 552_000),
        (
            WindowUsage(3, Window(3, 600), 552),
            WindowUsage(3, Window(5, DAY), 23 * 3600 + 59 * 60),
        ),
        (WindowUsage(0, Window(9, DAY), 0),),
    )
    shown = PAGE[PAGE.index(line) :]
    own = shown.index(next(budget_lines(budget, 30)))
    assert shown[own : own + 5] == list(budget_lines(budget, 30))


def test_a_destination_that_is_not_allowed_is_shown() -> None:
    """In dry run it refuses nothing."""
    found = diagnosis(destination=UNCALLED)
    assert list(refusal_lines(found, WideLimits())) == [f"Every start is refused: {UNCALLED}"]
    dry_run = WideLimits(dry_run=frozenset({"destination"}))
    assert list(refusal_lines(found, dry_run)) == [
        "No pause, block or shared limit refuses a start.",
        f"  destination (dry run), would refuse every start: {UNCALLED}",
    ]


@pytest.mark.parametrize(
    ("wait", "sentence"),
    [
        (None, "no limit of this number refuses a start."),
        (Wait("cooldown", 30_000), "the next start is possible in 30 s (`cooldown`)."),
        (
            Wait("locked", 86_400_000),
            "the next start is possible in 1 d (`locked`). `unlock` ends it.",
        ),
    ],
)
def test_a_budget_shows_its_end_and_the_command(wait: Wait | None, sentence: str) -> None:
    budget = DeviceBudget("", 1, wait, (), ())
    assert list(budget_lines(budget, 30)) == [
        f"Strangers: {sentence}",
        "  1 wrong guess in a row; 30 lock it for 90 d",
    ]
