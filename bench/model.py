"""From the figures of one machine to an installation: what 10,000 starts a second would need."""

from __future__ import annotations

import math

from bench.results import Results

STARTS_A_SECOND = 10_000
BUSY = 0.7
"""The share of a core that is planned for; the rest is for peaks."""
PROVIDER_REQUESTS = 30
"""Requests a second that the provider's partner admits for an account."""
POOL = 4
"""REDIS_POOL, the connections of a process."""
MAX_IN_FLIGHT = 500
"""PROVIDER_MAX_IN_FLIGHT, the starts of a process that wait for the provider."""
KEPT_SECONDS = 300 + 3600
"""A verification is stored until an hour after its end, which CODE_TTL sets."""
OF_THE_WEB = ("start, 1 s", "callback", "check, wrong", "check, right")
OF_REDIS = ("reserve", "record", "callback", "check, wrong", "check, right")


def redis_milliseconds(results: Results) -> float:
    """Return the CPU that a complete verification takes of a busy Redis."""
    return sum(results.median(f"{name}: cpu, busy Redis") for name in OF_REDIS) / 1000


def rows(results: Results, largest: int) -> list[list[str]]:
    """Return one row for each resource, the scarcest first.

    Args:
        largest: The number of pending verifications whose bytes were measured.
    """
    redis = redis_milliseconds(results)
    master = 1000 * BUSY / redis
    web = sum(results.median(f"{name}: cpu") for name in OF_THE_WEB) / 1000
    core = 1000 * BUSY / web
    processes = math.ceil(STARTS_A_SECOND / core)
    size = results.median(f"{largest} pending: bytes")
    kept = STARTS_A_SECOND * KEPT_SECONDS * size / 1e9
    in_flight = math.ceil(STARTS_A_SECOND / MAX_IN_FLIGHT)
    thousands = f"{STARTS_A_SECOND:,}"
    return [
        [
            "the provider's limit",
            f"1 of {PROVIDER_REQUESTS} requests a second",
            f"{thousands} / {PROVIDER_REQUESTS}",
            f"{math.ceil(STARTS_A_SECOND / PROVIDER_REQUESTS)} times the limit",
            f"{PROVIDER_REQUESTS} starts a second",
        ],
        [
            "cores of web processes",
            f"{web:.1f} ms of CPU",
            f"{thousands} × {web:.1f} ms / {BUSY}",
            f"{processes:,} cores, a process on each",
            f"{core:,.0f} a second and core",
        ],
        [
            "Redis masters",
            f"{redis:.2f} ms of CPU",
            f"{thousands} × {redis:.2f} ms / {BUSY}",
            f"{math.ceil(STARTS_A_SECOND / master)} masters; one is possible today",
            f"{master:,.0f} a second",
        ],
        [
            "starts in flight",
            "1 s at the provider",
            f"{thousands} × 1 s / {MAX_IN_FLIGHT}",
            f"{in_flight} processes, fewer than the cores ask for",
            f"{MAX_IN_FLIGHT} a second and process",
        ],
        [
            "connections to Redis",
            f"{POOL} a process",
            f"{processes:,} × {POOL}",
            f"{processes * POOL:,} connections to each master",
            "10,000, Redis' default maxclients",
        ],
        [
            "memory of Redis",
            f"{size:.0f} bytes for {KEPT_SECONDS:,} s",
            f"{thousands} × {KEPT_SECONDS:,} s × {size:.0f}",
            f"{kept:.0f} GB, on all masters together",
            "the memory of the machine",
        ],
    ]
