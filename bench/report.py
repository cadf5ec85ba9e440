"""The tables: on the terminal, and as Markdown for docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench import model
from bench.growth import FUNCTIONS
from bench.parts import IN_FLIGHT
from bench.results import Results, Run
from bench.stack import FLOOR, OURS

REQUESTS = {
    "start": "start, the provider answers at once",
    "start, 300 ms": "start, it takes 300 ms",
    "start, 1 s": "start, it takes 1 s",
    "callback": "callback",
    "status": "status",
    "check, wrong": "check, wrong",
    "check, right": "check, right",
}
RATIO_TARGETS = {"start": 1.3, "status": 1.2, "check, wrong": 1.2, "check, right": 1.2}
"""At most so many times the floor's CPU."""
COMPARED = ("service", "floor", "ratio: least", "median", "most", "target")
WITHOUT_RATIO = ("5xx", "far: added ms")


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: Of its section in docs/performance.md.
        title: What the figures are, with their unit.
    """

    name: str
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return it for the page."""
        lines = [self.head, ["---", *["---:"] * (len(self.head) - 1)], *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{self.title}\n\n{table}"

    def text(self) -> str:
        """Return it for a terminal."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[n]) for line in lines) for n in range(len(self.head))]
        shown = (
            "  ".join(
                cell.ljust(width) if n == 0 else cell.rjust(width)
                for n, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
        return "\n".join([self.title, "", *shown])


def tables(run: Run) -> list[Table]:
    """Return the tables of all parts that were measured."""
    results, sizes = run.results, run.sizes
    made = (
        _cpu(results),
        _in_flight(results),
        _once(results),
        _redis(results),
        _functions(results),
        _growth(results, sizes),
        _workers(results, run.workers),
        _peers(results),
        _model(results, sizes),
    )
    return [table for table in made if table.rows]


def _cpu(results: Results) -> Table:
    rows = []
    for name, label in REQUESTS.items():
        if not results.has(f"{name}: cpu"):
            continue
        ratio = results.ratio(f"{name}: cpu").median
        target = RATIO_TARGETS.get(name)
        rows.append(
            [
                label,
                *(f"{results.median(f'{name}: cpu', one):,.0f}" for one in (OURS, FLOOR)),
                *_ratio(results, f"{name}: cpu"),
                _target(ratio, target, "{:.1f}") if target else "",
                *(f"{results.median(f'{name}: rate', one):,.0f}" for one in (OURS, FLOOR)),
            ]
        )
    return Table(
        "cpu",
        "CPU of all processes of the server for one request, in microseconds, and requests a "
        "second:",
        ["request", *COMPARED, "a second: service", "floor"],
        rows,
    )


def _in_flight(results: Results) -> Table:
    figures: list[tuple[str, str, str, float | None]] = [
        ("check p50 idle", "check, p50, without starts (ms)", "{:.1f}", None),
        ("check p99 idle", "check, p99, without starts (ms)", "{:.1f}", None),
        ("check p50 meanwhile", "check, p50, meanwhile (ms)", "{:.1f}", None),
        ("check p99 meanwhile", "check, p99, meanwhile (ms)", "{:.0f}", 80),
        ("starts a second", "starts a second", "{:.0f}", -450),
        ("loaded memory", "memory of all processes (MB)", "{:.0f}", 200),
    ]
    title = f"{IN_FLIGHT} starts in flight, a provider that takes 1 s, 100 checks a second:"
    return _absolute("in-flight", title, results, figures)


def _once(results: Results) -> Table:
    figures: list[tuple[str, str, str, float | None]] = [
        ("boot", "from the command to the first answer (s)", "{:.2f}", 0.7),
        ("5xx", "answers 5xx, in all parts and rounds", "{:.0f}", 0),
        ("idle memory", "memory of all processes, idle (MB)", "{:.0f}", None),
        ("far: check p50", "check, p50, Redis 1 ms away (ms)", "{:.1f}", 4),
        ("far: check p99", "check, p99, Redis 1 ms away (ms)", "{:.1f}", None),
        ("far: added ms", "what the proxy really added to a PING (ms)", "{:.2f}", None),
    ]
    return _absolute("once", "Boot, failures, memory, and a Redis 1 ms away:", results, figures)


def _absolute(
    name: str,
    title: str,
    results: Results,
    figures: Sequence[tuple[str, str, str, float | None]],
) -> Table:
    """Return a table of figures with their targets; a negative target is a lower bound."""
    rows = []
    for key, label, form, target in figures:
        if results.has(key):
            of = results.total if key == "5xx" else results.median
            shown = [form.format(of(key, one)) for one in (OURS, FLOOR)]
            ratio = ["", "", ""] if key in WITHOUT_RATIO else _ratio(results, key)
            reached = "" if target is None else _target(of(key), target, "{:g}")
            rows.append([label, *shown, *ratio, reached])
    return Table(name, title, ["", *COMPARED], rows)


def _ratio(results: Results, key: str) -> list[str]:
    ratio = results.ratio(key)
    return [f"{figure:.2f}" for figure in (ratio.least, ratio.median, ratio.most)]


def _target(figure: float, target: float, form: str) -> str:
    reached = figure >= -target if target < 0 else figure <= target
    bound = f"≥ {form.format(-target)}" if target < 0 else f"≤ {form.format(target)}"
    return f"{bound}: {'reached' if reached else 'missed'}"


def _redis(results: Results) -> Table:
    rows = [
        [
            label,
            f"{results.median(f'{name}: exchanges'):.0f}",
            f"{results.median(f'{name}: commands'):.0f}",
            *(f"{results.median(f'{name}: redis cpu', one):.0f}" for one in (OURS, FLOOR)),
        ]
        for name, label in REQUESTS.items()
        if results.has(f"{name}: cpu")
    ]
    return Table(
        "redis",
        "What Redis does for one request: round trips, commands inside the functions, and its CPU "
        "in microseconds:",
        ["request", "round trips", "commands", "CPU: service", "CPU: floor"],
        rows,
    )


def _functions(results: Results) -> Table:
    rows = [
        [name, *(f"{results.median(f'{name}: {kind}, busy Redis'):.0f}" for kind in KINDS)]
        for name in FUNCTIONS
        if results.has(f"{name}: cpu, busy Redis")
    ]
    if rows:
        per = model.redis_milliseconds(results)
        rows.append(["all but status: a complete verification", f"{1000 * per:.0f}", "", ""])
    return Table(
        "functions",
        "What a busy Redis takes for one call: CPU in microseconds, the time inside the function, "
        "and the bytes that are stored for the number afterwards:",
        ["function", "CPU", "inside", "bytes"],
        rows,
    )


KINDS = ("cpu", "inside", "bytes")


def _growth(results: Results, sizes: Sequence[int]) -> Table:
    rows = [
        [
            f"{size:,}",
            f"{results.median(f'{size} pending: bytes'):.0f}",
            *(
                form.format(results.median(f"{size} pending: {what}: {kind}"))
                for what in ("check", "status", "start")
                for kind, form in (("cpu", "{:,.0f}"), ("redis cpu", "{:.0f}"), ("p50", "{:.1f}"))
            ),
        ]
        for size in sorted(sizes)
        if results.has(f"{size} pending: bytes")
    ]
    each = [
        f"{what}: {kind}"
        for what in ("check", "status", "start")
        for kind in ("CPU", "Redis", "p50 ms")
    ]
    return Table(
        "growth",
        "With more and more pending verifications in Redis: bytes for each, and for one request "
        "the CPU of the processes and of Redis in microseconds:",
        ["pending", "bytes each", *each],
        rows,
    )


def _workers(results: Results, counts: Sequence[int]) -> Table:
    rows = [
        [
            f"{count}",
            *(
                f"{results.median(f'{count} workers: {what}: {kind}', one):,.0f}"
                for what in ("check", "start")
                for kind in ("rate", "cpu")
                for one in (OURS, FLOOR)
            ),
        ]
        for count in counts
        if results.has(f"{count} workers: check: rate")
    ]
    each = [
        f"{what}: {system}"
        for what in ("checks a second", "CPU of a check", "starts a second", "CPU of a start")
        for system in ("service", "floor")
    ]
    return Table(
        "workers",
        "By the number of worker processes (the clients, the provider and Redis have the same "
        "cores):",
        ["workers", *each],
        rows,
    )


def _peers(results: Results) -> Table:
    rows = list(_scaled(results)) if results.has("start once: cpu", FLOOR) else []
    return Table(
        "peers",
        "The Node peer's CPU, scaled by the floor of this run, in microseconds:",
        ["request", "floor then", "Node peer then", "floor now", "Node peer, scaled", "service"],
        rows,
    )


def _scaled(results: Results) -> Iterator[list[str]]:
    for label, name, floor_name, floor_then, peer_then in (
        ("check, wrong", "check, wrong", "check, wrong", 496, 1092),
        ("start", "start", "start once", 1177, 1738),
    ):
        floor = results.median(f"{floor_name}: cpu", FLOOR)
        ours, scaled = results.median(f"{name}: cpu"), peer_then * floor / floor_then
        figures = [f"{one:,.0f}" for one in (floor_then, peer_then, floor)]
        yield [label, *figures, f"{scaled:,.0f}", f"{ours:,.0f}: {_below(ours, scaled)}"]


def _below(ours: float, peer: float) -> str:
    return "below" if ours < peer else "not below"


def _model(results: Results, sizes: Sequence[int]) -> Table:
    rows: list[list[str]] = []
    needed: tuple[Callable[[], bool], ...] = (
        lambda: results.has("start, 1 s: cpu"),
        lambda: results.has("callback: cpu"),
        lambda: results.has("reserve: cpu, busy Redis"),
        lambda: results.has(f"{max(sizes)} pending: bytes"),
    )
    if all(has() for has in needed):
        rows = model.rows(results, max(sizes))
    return Table(
        "model",
        f"{model.STARTS_A_SECOND:,} starts a second, each with a callback, a wrong and a right "
        "check:",
        ["what", "one takes", "arithmetic", "needed", "one gives out at"],
        rows,
    )
