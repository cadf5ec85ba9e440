"""What Redis holds of an Idempotency-Key and its body: digests that nobody makes without a secret.

A plain digest of a check's body would be no secret: there are 9,000 codes to try.
"""

from __future__ import annotations

from . import keyed
from .service import KEY, OTHER_KEY, Service
from .standin import StandIn


def kept(service: Service, idempotency: str = "one", key: str = KEY) -> set[str]:
    """Name and body digest of one and the same start; taken away, so that the next finds none."""
    keyed.start(service, idempotency, key=key)
    (name,) = service.redis.keys("i:*")
    body = service.redis.hget(name, "body")
    service.redis.flushall()
    return {name, body}


def test_another_secret_makes_other_digests(make, valkey, provider: StandIn) -> None:
    """Of the same key and of the same body."""
    service, stranger = make(valkey), make(valkey, NUMBER_SECRET="another-canary")
    assert kept(service) == kept(service)
    assert not kept(service) & kept(stranger)


def test_equal_bodies_are_equal_under_one_key_only(service: Service, provider: StandIn) -> None:
    """Whoever reads Redis cannot tell that two requests said the same."""
    assert not kept(service) & kept(service, "two")
    assert not kept(service) & kept(service, key=OTHER_KEY)
