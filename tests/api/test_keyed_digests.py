"""Redis holds keyed digests of an Idempotency-Key and its body. Making one takes the secret.

A plain digest of a check's body would be no protection: there are only 9,000 codes to try.
"""

from __future__ import annotations

import json

from verify_service.domain.ids import VerificationKey
from verify_service.store import keys

from . import keyed
from .service import KEY, NUMBER, OTHER_KEY, OTHER_NUMBER, Service, wrong
from .standin import StandIn


def kept(service: Service, idempotency: str = "one", key: str = KEY) -> set[str]:
    """Return the key's name and body digest of one start, and delete it for the next."""
    keyed.start(service, idempotency, key=key)
    (name,) = service.redis.keys(keys.idempotency_key("*"))
    body = json.loads(service.redis.get(name))["body"]
    service.redis.flushall()
    return {name, body}


def guessed(
    service: Service, provider: StandIn, idempotency: str = "one", number: str = NUMBER
) -> set[str]:
    """Return the name and body digest of a wrong guess; each time of another verification."""
    vid = service.started(number)
    keyed.check(service, idempotency, vid, wrong(provider.code))
    (name,) = service.redis.keys(keys.verification(VerificationKey(tag="*", short_id="*")))
    guesses = json.loads(service.redis.get(name))["guesses"]
    service.redis.flushall()
    ((name, guess),) = guesses.items()
    return {name, guess["body"]}


def test_another_secret_makes_other_digests(make, valkey, provider: StandIn) -> None:
    """Of the same key and of the same body."""
    service, stranger = (
        make(valkey),
        make(valkey, NUMBER_SECRET="another-canary-of-at-least-32-bytes"),
    )
    assert kept(service) == kept(service)
    assert not kept(service) & kept(stranger)


def test_equal_bodies_have_equal_digests_under_one_key_only(
    service: Service, provider: StandIn
) -> None:
    """A reader of Redis cannot see that two requests had the same body."""
    assert not kept(service) & kept(service, "two")
    assert not kept(service) & kept(service, key=OTHER_KEY)


def test_equal_guesses_never_have_equal_digests(service: Service, provider: StandIn) -> None:
    """Not even under one key: each verification has names of its own."""
    seen = [guessed(service, provider), guessed(service, provider)]
    seen += [guessed(service, provider, "two"), guessed(service, provider, "one", OTHER_NUMBER)]
    assert len(set().union(*seen)) == 8
