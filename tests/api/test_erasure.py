"""After a number is erased, Redis holds nothing that leads to it."""

from __future__ import annotations

import re

import redis

from verify_service.app import create_operator
from verify_service.domain.ids import VerificationIds

from . import keyed
from .service import NUMBER, NUMBER_SECRET, OTHER_NUMBER, Service, wrong
from .standin import StandIn

IDS = VerificationIds(NUMBER_SECRET.encode())
_ID = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{40}(?![A-Za-z0-9_-])")


def everything(client: redis.Redis) -> list[str]:
    """Return every key, field and value."""
    texts = []
    for key in client.scan_iter():
        texts.append(key)
        if client.type(key) == "hash":
            texts += [text for pair in client.hgetall(key).items() for text in pair]
        elif client.type(key) == "list":
            texts += client.lrange(key, 0, -1)
        else:
            texts.append(client.get(key))
    return texts


def traces(client: redis.Redis, number: str) -> list[str]:
    """Return what leads to the number: its digits, its tag, and the ids that contain the tag."""
    digits, tag = number.removeprefix("+"), IDS.tag(number)

    def leads_to_it(text: str) -> bool:
        tags = {IDS.locate(shape).tag for shape in _ID.findall(text)}
        return digits in text or tag in text or tag in tags

    return [text for text in everything(client) if leads_to_it(text)]


def do_everything(service: Service, provider: StandIn, clock, number: str = NUMBER) -> None:
    """Start, repeat, guess, call back with known and unknown statuses, use devices, begin a
    lock."""
    fields = {"deviceId": "own", "clientIp": "203.0.113.7", "reference": "order 1"}
    placed = len(provider.calls)
    vid = keyed.start(service, f"start {number}", number, **fields).json["verificationId"]
    assert keyed.start(service, f"start {number}", number, **fields).status_code == 201
    code = provider.calls[placed].code
    keyed.check(service, f"check {number}", vid, wrong(code))
    assert keyed.check(service, f"right {number}", vid, code).json["verified"] is True
    keyed.check(service, f"late {number}", vid, code)
    service.callback(number=number, requestId=f"request-{placed + 1}")
    service.callback(number=number, requestId="unknown")
    clock.passes(60)
    second = service.started(number, **fields)
    service.check(second, wrong(provider.calls[-1].code))
    service.cancel(second)
    keyed.start(service, f"stranger {number}", number)
    keyed.start(service, f"refused {number}", number)


def test_nothing_leads_to_an_erased_number(make, fake, clock, provider: StandIn) -> None:
    """Another number with the same history loses nothing."""
    service = make(fake)
    operator = create_operator(service.settings, service.client)
    do_everything(service, provider, clock)
    do_everything(service, provider, clock, OTHER_NUMBER)
    others = traces(fake, OTHER_NUMBER)
    assert len(traces(fake, NUMBER)) == len(others) > 8
    # The number, three verifications, the Idempotency-Keys of two of them, and the timeline.
    assert operator.erase(NUMBER) == 7
    assert traces(fake, NUMBER) == []
    assert traces(fake, OTHER_NUMBER) == others
    assert service.start().status_code == 201


def test_an_operators_rule_for_one_number_is_erased_with_it(make, fake, clock) -> None:
    """If a rule is longer than a prefix; a country with longer numbers may have such a prefix."""
    service = make(fake)
    operator = create_operator(service.settings, service.client)
    for prefix in (NUMBER, NUMBER[:-3], NUMBER[:-4]):
        operator.store.set_rule(prefix, "block", 60)
    assert operator.erase(NUMBER) == 2
    assert [held.scope for held in operator.restrictions()] == [NUMBER[:-4]]
