"""Call slots: a hung provider holds no more than the limit, and nothing leaks."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import resource
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.waiting import wait_until
from verify_service.domain.calls import Failed, Placed, Unknown
from verify_service.domain.errors import TooManyCallsInFlight
from verify_service.provider.flash_call import FlashCall

from .harness import (
    CODE,
    NUMBER,
    SOON,
    TOKEN,
    assert_silent,
    free_slots,
    place,
    provider_at,
    success,
)
from .server import PATIENCE, Peer, Server, Step, hang, reply, reset, send

NOWHERE = "http://127.0.0.1:9"
FDS = Path("/proc/self/fd")


def test_the_limit_of_calls_in_flight_is_exact() -> None:
    """With N slots in use the next call is refused. A released slot can be reserved again."""
    provider = provider_at(NOWHERE, max_in_flight=3)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(provider.reserve_slot())
        with provider.reserve_slot(), pytest.raises(TooManyCallsInFlight):
            stack.enter_context(provider.reserve_slot())
        assert free_slots(provider) == 1
    assert free_slots(provider) == 3


def test_a_block_that_places_no_call_releases_its_slot() -> None:
    """Also if it ends in an error, as a refused reservation does."""
    provider = provider_at(NOWHERE)
    with provider.reserve_slot():
        pass
    with pytest.raises(KeyError), provider.reserve_slot():
        raise KeyError
    assert free_slots(provider) == 1


def test_a_slot_is_free_once_place_returned() -> None:
    """No exchange holds a slot beyond its block."""
    with Server(success("Connection: close")) as server:
        provider = provider_at(server.url)
        for _ in range(50):
            assert isinstance(place(provider), Placed)
    assert free_slots(provider) == 1


@pytest.mark.slow
def test_a_hung_exchange_holds_its_slot_until_the_deadline() -> None:
    """Meanwhile it counts as in flight."""
    with Server(hang) as server, ThreadPoolExecutor(1) as pool:
        provider = provider_at(server.url, deadline=10 * SOON, max_in_flight=2)
        outcome = pool.submit(place, provider)
        wait_until(lambda: server.requests)
        assert free_slots(provider) == 1
        assert isinstance(outcome.result(PATIENCE), Unknown)
        assert free_slots(provider) == 2


def test_an_error_while_interpreting_releases_the_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bug in reading an answer does not leak a slot."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(FlashCall, "outcome", broken)
    with Server(success("Connection: close")) as server:
        provider = provider_at(server.url)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError), provider.reserve_slot() as slot:
                slot.place(NUMBER, CODE)
    assert free_slots(provider) == 1


@pytest.mark.parametrize("ending", ["\nline", "\N{CYRILLIC SMALL LETTER EF}"])
def test_a_token_that_fits_in_no_header_ends_the_boot(ending: str) -> None:
    """Before the first start. The traceback does not show the token."""
    with pytest.raises(ValueError, match="cannot be sent") as error:
        provider_at(NOWHERE, access_key=TOKEN + ending)
    assert_silent("".join(traceback.format_exception(error.value)))


def test_an_error_of_ours_is_raised() -> None:
    """An error that is no failure of a connection is a bug and is raised, and the slot is
    released."""
    provider = provider_at(NOWHERE)
    with pytest.raises(AttributeError), provider.reserve_slot() as slot:
        slot.place(None, CODE)  # type: ignore[arg-type]
    assert free_slots(provider) == 1


def test_without_free_descriptors_the_start_is_refunded() -> None:
    """No socket can be made: nothing was sent."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    provider, taken = provider_at(NOWHERE), []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limits[0]), limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        outcome = place(provider)
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert isinstance(outcome, Failed)
    assert outcome.refund


def test_many_at_once_are_one_post_each() -> None:
    """32 callers over 32 slots: 64 POSTs over no more connections than callers."""
    with Server(success(), keep_alive=True) as server:
        provider = provider_at(server.url, max_in_flight=32)
        with ThreadPoolExecutor(32) as pool:
            outcomes = list(pool.map(lambda _: place(provider), range(64)))
    assert all(isinstance(outcome, Placed) for outcome in outcomes)
    assert len(server.requests) == 64
    assert server.connections <= 32
    assert free_slots(provider) == 32


@pytest.mark.slow
@pytest.mark.skipif(not FDS.exists(), reason="counts descriptors as Linux shows them")
def test_500_exchanges_leak_neither_threads_nor_descriptors() -> None:
    """Answers, losses and resets in turn leave the process as it was."""
    turns: list[Step] = [
        success("Connection: close"),
        send(b"HTTP/1.1 200 OK\r\nConte"),
        send(reply(200, b"{", "Connection: keep-alive", length=9)),
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}"),
        send(reply(307, b"", "Location: /elsewhere", "Connection: close")),
        send(reply(200, b"x" * 100_000)),
        reset,
    ]
    coming = itertools.cycle(turns)

    def take_turns(peer: Peer) -> None:
        next(coming)(peer)

    before = threading.active_count()
    with Server(take_turns) as server:
        provider = provider_at(server.url)
        place(provider)
        wait_until(lambda: threading.active_count() <= before + 1)
        threads, descriptors = threading.active_count(), _descriptors()
        gc.disable()
        try:
            for _ in range(500):
                place(provider)
            wait_until(lambda: threading.active_count() <= threads)
            wait_until(lambda: _descriptors() <= descriptors)
        finally:
            gc.enable()
            gc.collect()
    assert len(server.requests) == 501


def _descriptors() -> int:
    return len(list(FDS.iterdir()))
