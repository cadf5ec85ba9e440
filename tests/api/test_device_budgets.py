"""A login flow that sends device ids protects its users: strangers cannot lock them out."""

from __future__ import annotations

from verify_service.domain.limits import DAY

from . import keyed
from .service import METRICS_TOKEN, NUMBER, OTHER_KEY, Service, wrong
from .standin import StandIn

OWN = "device of the owner"


def log_in(service: Service, provider: StandIn, device: str = OWN) -> None:
    vid = service.started(deviceId=device)
    assert service.check(vid, provider.code).json["verified"] is True


def test_strangers_lock_out_only_themselves(make, fake, provider: StandIn, clock) -> None:
    """After thirty wrong guesses by strangers the owner's device still starts and logs in."""
    service = make(fake, LOCK_AFTER_FAILURES="3", START_COOLDOWNS="0")
    log_in(service, provider)
    clock.passes(1)
    vid = service.started()
    for _ in range(3):
        service.check(vid, wrong(provider.code))
    assert service.start().json["limit"] == "locked"
    assert service.start(deviceId="made-up device").json["limit"] == "locked"
    log_in(service, provider)
    assert service.start().json["limit"] == "locked"


def test_strangers_use_up_only_their_own_starts(timed: Service, provider: StandIn, clock) -> None:
    """The strangers' cooldown does not apply to a known device."""
    log_in(timed, provider)
    clock.passes(1)
    timed.started()
    assert timed.start().json["limit"] == "cooldown"
    vid = timed.started(deviceId=OWN)
    assert timed.status(vid).json["restartIn"] == 30
    assert timed.start(deviceId=OWN).json["limit"] == "cooldown"


def test_strangers_close_a_prefix_only_to_themselves(make, fake, provider: StandIn, clock) -> None:
    """The prefix is full, and the conversion guard has blocked it after calls that were not
    answered. The owner's device logs in. A made-up device gets the same refusal as a stranger."""
    service = make(fake, STARTS_PER_PREFIX="20/86400", METRICS_TOKEN=METRICS_TOKEN)
    log_in(service, provider)
    clock.passes(DAY + 3_600)
    for count in range(20):
        service.started(f"{NUMBER[:-4]}{count:04}")
    clock.passes(600)
    calls = len(provider.calls)
    refused = service.start()
    assert refused.json["limit"] == "prefix"
    made_up = service.start(deviceId="made-up device")
    assert (made_up.status_code, made_up.json["limit"]) == (429, "prefix")
    assert made_up.json["retryAfter"] == refused.json["retryAfter"] > 3_600
    assert made_up.headers["Retry-After"] == str(made_up.json["retryAfter"])
    assert len(provider.calls) == calls
    assert service.metric('verify_refusals_total{limit="prefix"}') == 2
    assert len(service.events("scope_blocked")) == 1
    log_in(service, provider)
    assert len(provider.calls) == calls + 1


def test_a_closed_prefix_is_closed_to_made_up_devices(make, fake, provider: StandIn, clock) -> None:
    """By the conversion guard alone, with or without an Idempotency-Key. The number's own budgets
    do not change."""
    service = make(fake, STARTS_PER_PREFIX="1000/3600")
    log_in(service, provider)
    clock.passes(DAY + 3_600)
    for count in range(20):
        service.started(f"{NUMBER[:-4]}{count:04}")
    clock.passes(600)
    for _ in range(9):
        assert service.start(deviceId="made-up device").json["limit"] == "conversion"
        refused = keyed.start(service, "one", deviceId="made-up device")
        assert refused.json["limit"] == "conversion"
    log_in(service, provider)
    clock.passes(3_600)
    vid = service.started(deviceId="made-up device")
    assert service.status(vid).json["restartIn"] == 30


def test_a_device_belongs_to_its_app(timed: Service, provider: StandIn, clock) -> None:
    """A device id of one app means nothing to another app."""
    log_in(timed, provider)
    clock.passes(1)
    timed.started()
    assert timed.start(key=OTHER_KEY, deviceId=OWN).json["limit"] == "cooldown"
    assert timed.start(deviceId=OWN).status_code == 201


def test_a_device_id_is_not_stored(timed: Service, provider: StandIn, fake) -> None:
    """Redis holds a keyed digest of it."""
    log_in(timed, provider)
    kept = "".join(str(fake.dump(key)) for key in fake.scan_iter())
    assert "of the owner" not in kept
    assert kept
