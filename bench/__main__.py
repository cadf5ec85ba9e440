"""``make bench``: measures, prints tables, and on request renews docs/performance.md."""

from __future__ import annotations

import datetime
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from bench import growth, machine, page, parts
from bench.parts import Bench
from bench.processes import PRODUCTION
from bench.report import tables
from bench.results import Results, Run
from bench.stack import provider

MANY = 800
"""Requests of each kind in a round; twice as many of the cheap kinds."""
ROUNDS, QUICK_ROUNDS = 5, 1
SIZES, QUICK_SIZES = (1_000, 100_000, 1_000_000), (1_000, 10_000)
WORKERS, QUICK_WORKERS = (1, 2, 4), (1, 2)
PARTS = ("requests", "slow", "far", "functions", "workers", "growth")


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers with commas between them."""

    name = "n,n,…"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return them."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(int(one) for one in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list such as 1000,100000", param, ctx)
        if min(found) < 1:
            self.fail("every number must be at least 1", param, ctx)
        return found


def _parts(_ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    chosen = tuple(value.split(","))
    if unknown := sorted(set(chosen) - set(PARTS)):
        raise click.BadParameter(f"{', '.join(unknown)}: no such part", param=param)
    return chosen


@click.command(context_settings={"max_content_width": 100})
@click.option("--rounds", type=click.IntRange(1), help=f"Rounds of each part.  [default: {ROUNDS}]")
@click.option(
    "--many",
    default=MANY,
    show_default=True,
    type=click.IntRange(20),
    help="Requests of each kind in a round; twice as many of checks and of the status.",
)
@click.option(
    "--only",
    default=",".join(PARTS),
    show_default=True,
    callback=_parts,
    help="Only these parts, with commas between them.",
)
@click.option(
    "--growth",
    "sizes",
    type=Numbers(),
    help="Numbers of pending verifications.  [default: 1000,100000,1000000]",
)
@click.option("--workers", type=Numbers(), help="Numbers of workers.  [default: 1,2,4]")
@click.option("--quick", is_flag=True, help="One round, and less growth: for a first impression.")
@click.option(
    "--write",
    "written",
    is_flag=True,
    help="Renew docs/performance.md, its figures and its plots, after all parts.",
)
@click.option(
    "--render",
    is_flag=True,
    help="Measure nothing: write page and plots again, from docs/performance.json.",
)
def main(
    *,
    rounds: int | None,
    many: int,
    only: tuple[str, ...],
    sizes: tuple[int, ...] | None,
    workers: tuple[int, ...] | None,
    quick: bool,
    written: bool,
    render: bool,
) -> None:
    """Measure the service beside the floor (the least that its stack costs), in turns.

    With all parts it takes about a quarter of an hour on two cores. Let nothing else run meanwhile:
    ratios stand a busy machine, latencies do not.
    """
    if render:
        page.write(Run.load(page.DOCS / page.FIGURES))
        return
    if not sys.platform.startswith("linux"):
        raise click.ClickException("The figures of processes are read as Linux has them.")
    if not PRODUCTION.exists():
        raise click.ClickException("Run `make bench`: it installs the packages of production.")
    if written and set(only) != set(PARTS):
        raise click.UsageError("--write needs all parts: the page describes one run.")
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    sizes = tuple(sorted(sizes or (QUICK_SIZES if quick else SIZES)))
    workers = workers or (QUICK_WORKERS if quick else WORKERS)
    results = _measure(rounds, many, only, sizes, workers)
    run = Run(_described(rounds), sizes, workers, results)
    click.echo("\n\n".join([run.description, *(table.text() for table in tables(run))]))
    if written:
        page.write(run)


def _measure(
    rounds: int, many: int, only: Sequence[str], sizes: Sequence[int], workers: Sequence[int]
) -> Results:
    results, began = Results(), time.monotonic()

    def say(what: str) -> None:
        click.echo(f"{time.monotonic() - began:5.0f} s  {what}", err=True)

    with tempfile.TemporaryDirectory(prefix="bench-") as folder, provider(Path(folder)) as calls:
        bench = Bench(results, calls, rounds, many, Path(folder), say)
        measure: dict[str, Callable[[], None]] = {
            "requests": lambda: parts.requests(bench),
            "slow": lambda: parts.slow(bench),
            "far": lambda: parts.far_redis(bench),
            "functions": lambda: growth.functions(bench),
            "workers": lambda: parts.workers(bench, workers),
            "growth": lambda: growth.growth(bench, sizes),
        }
        for part in PARTS:
            if part in only:
                measure[part]()
    return results


def _described(rounds: int) -> str:
    today = datetime.datetime.now(datetime.UTC).date()
    of = "One round" if rounds == 1 else f"Medians of {rounds} rounds"
    return f"{machine.description()} {of}, {today:%Y-%m-%d}."


if __name__ == "__main__":
    main(prog_name="python -m bench")
