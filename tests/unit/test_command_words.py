"""The words of the command line: durations, plurals, and what is held."""

from __future__ import annotations

import click
import pytest

from verify_service.cli.durations import Duration, span
from verify_service.cli.sentences import counted, restriction_line
from verify_service.domain.diagnosis import Restriction

DAY = 86_400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0 s"), (59, "59 s"), (600, "10 min"), (4320, "1 h 12 min"), (90_061, "1 d 1 h")),
        *((86_401, "1 d 1 s"), (7_776_000, "90 d")),
    ],
)
def test_a_span(seconds: int, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("366d", 366 * DAY)]
)
def test_a_duration(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5h", "h", "367d", "9" * 9, "2 h", "1w"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(click.ClickException, match="Write a duration"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("count", "word", "words"),
    [(1, "start", "1 start"), (0, "start", "0 starts"), (2, "wrong guess", "2 wrong guesses")],
)
def test_a_count(count: int, word: str, words: str) -> None:
    assert counted(count, word) == words


@pytest.mark.parametrize(
    ("level", "turn"),
    [
        *((1, ""), (2, ", second block in a row"), (10, ", tenth block in a row")),
        (11, ", block 11 in a row"),
    ],
)
def test_which_block_in_a_row(level: int, turn: str) -> None:
    held = Restriction("conversion", "+7917913", "block", 4320, level, total=25, count=3)
    words = f"3 of 25 starts got in{turn}, 1 h 12 min more"
    assert restriction_line(held) == f"+7917913: blocked by conversion: {words}"
