"""`make bench` measures the real processes and prints ratios."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 300
KINDS = ("start, the provider answers at once", "callback", "status", "check, wrong")


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def row(text: str, label: str) -> list[float]:
    """Return the figures of a row, and no words."""
    line = next(line for line in text.splitlines() if line.startswith(f"{label}  "))
    cells = re.split(r"\s{2,}", line)[1:]
    return [float(cell.replace(",", "")) for cell in cells if re.fullmatch(r"[\d.,]+", cell)]


def test_ratios_are_those_of_the_rounds() -> None:
    """Service and floor answer every kind of request, and each round has a ratio."""
    done = bench("--only", "requests", "--rounds", "2", "--many", "40")
    assert done.returncode == 0, done.stderr
    for kind in KINDS:
        ours, floor, least, median, most, *_ = row(done.stdout, kind)
        assert least <= median <= most
        assert median == pytest.approx((least + most) / 2, abs=0.02)
        assert median == pytest.approx(ours / floor, rel=0.3)


def test_redis_alone_at_a_distance_and_full() -> None:
    done = bench("--only", "far,functions,growth", "--growth", "100,2000", "--quick", "--many=40")
    assert done.returncode == 0, done.stderr
    ours, floor, *_ = row(done.stdout, "check, p50, Redis 1 ms away (ms)")
    assert min(ours, floor) > 0.5
    reserve, record = row(done.stdout, "reserve"), row(done.stdout, "record")
    assert reserve[0] > record[0] > 0
    assert 300 < row(done.stdout, "2,000")[0] < 1500


def test_the_page_describes_one_run() -> None:
    done = bench("--only", "requests", "--write")
    assert done.returncode == 2
    assert "--write needs all parts" in done.stderr


def test_an_unknown_part_is_named() -> None:
    done = bench("--only", "checks")
    assert done.returncode == 2
    assert "checks: no such part" in done.stderr
