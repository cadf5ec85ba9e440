"""Starts with callbacks, guesses and further starts at the same moment, from many threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis

from tests.redis_clients import store_client
from tests.speed import examples
from tests.store.rules import Number
from tests.store.world import OPEN
from verify_service.api.context import EXTENSION
from verify_service.domain.limits import NumberLimits
from verify_service.domain.verification import Verifications
from verify_service.store.functions import Functions
from verify_service.store.policy import encode
from verify_service.store.verifications import RedisStore

from .scenes import Event, Scene
from .stage import Phone, Stage

SCENES = examples(1_000)
LIMITS = NumberLimits(cooldowns=(3_600,), code_ttl=3_600, deadline=3_600)
"""No test takes as long as any of these."""
THREADS = 4
"""Scenes at a time. Each has a crew of its own, one thread for each concurrent request."""
CREW = 6


@pytest.fixture
def stage(make, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The application over a real server, with a provider that runs the scenes' code."""
    phone = Phone()
    monkeypatch.setattr("verify_service.app.CallProvider", lambda *_: phone)
    app = make(valkey).app
    found = app.extensions[EXTENSION].verifications

    def under(limits: NumberLimits) -> tuple[NumberLimits, Verifications]:
        functions = Functions(store_client(valkey), encode(limits, OPEN))
        return limits, replace(found, store=RedisStore(functions, found.ids, OPEN, print))

    return Stage(phone, valkey, under(LIMITS), under(replace(LIMITS, deadline=0)))


def test_some_order_explains_every_answer(stage: Stage) -> None:
    """1,000 starts with concurrent callbacks, guesses, cancels and starts are linearizable.

    For each there is an order of its events, consistent with their order in time, in which the
    rules give every answer that was given, applied or not, and the service's final state.
    """
    seeds = iter(range(SCENES))

    def play(_: int) -> list[Scene]:
        with ThreadPoolExecutor(CREW) as crew:
            return [played(Scene(stage, seed, crew), seed) for seed in seeds]

    with ThreadPoolExecutor(THREADS) as threads:
        scenes = [scene for part in threads.map(play, range(THREADS)) for scene in part]
    assert len(scenes) == SCENES
    for scene in scenes:
        assert possible(scene), f"seed {scene.seed}: no order explains the answers"


def played(scene: Scene, seed: int) -> Scene:
    try:
        scene.play()
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    return scene


def possible(scene: Scene) -> list[Number]:
    """Return the possible final states of the number."""
    ends = [Number(scene.limits)]
    for moment, sequences in enumerate(scene.acts, 1):
        found = {}
        for rules in ends:
            rules.now = moment
            found.update({end.key(): end for end in orders(rules, sequences)})
        ends = list(found.values())
    return ends


def orders(rules: Number, sequences: list[list[Event]]) -> Iterator[Number]:
    """Yield the rules after each possible merge of the sequences of events."""
    if not any(sequences):
        yield rules
    for index, sequence in enumerate(sequences):
        if sequence:
            fork = rules.fork()
            if sequence[0](fork):
                yield from orders(fork, [*sequences[:index], sequence[1:], *sequences[index + 1 :]])
