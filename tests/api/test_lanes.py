"""What a login flow gains by naming devices: nobody else can lock its people out."""

from __future__ import annotations

from .service import OTHER_KEY, Service, wrong
from .standin import StandIn

OWN = "device of the owner"


def log_in(service: Service, provider: StandIn, device: str = OWN) -> None:
    vid = service.started(deviceId=device)
    assert service.check(vid, provider.code).json["verified"] is True


def test_strangers_lock_themselves_out_only(make, fake, provider: StandIn, clock) -> None:
    """Thirty wrong guesses of strangers; the owner's device starts and gets in."""
    service = make(fake, LOCK_AFTER_FAILURES="3", START_COOLDOWNS="0")
    log_in(service, provider)
    clock.passes(1)
    vid = service.started()
    for _ in range(3):
        service.check(vid, wrong(provider.code))
    assert service.start().json["limit"] == "locked"
    assert service.start(deviceId="device of nobody").json["limit"] == "locked"
    log_in(service, provider)
    assert service.start().json["limit"] == "locked"


def test_strangers_use_up_their_own_starts_only(timed: Service, provider: StandIn, clock) -> None:
    """Their cooldown says nothing to a known device."""
    log_in(timed, provider)
    clock.passes(1)
    timed.started()
    assert timed.start().json["limit"] == "cooldown"
    vid = timed.started(deviceId=OWN)
    assert timed.status(vid).json["restartIn"] == 30
    assert timed.start(deviceId=OWN).json["limit"] == "cooldown"


def test_a_device_belongs_to_its_app(timed: Service, provider: StandIn, clock) -> None:
    """The name that one app gave means nothing with another."""
    log_in(timed, provider)
    clock.passes(1)
    timed.started()
    assert timed.start(key=OTHER_KEY, deviceId=OWN).json["limit"] == "cooldown"
    assert timed.start(deviceId=OWN).status_code == 201


def test_a_devices_name_is_not_kept(timed: Service, provider: StandIn, fake) -> None:
    """What Redis holds of it is a keyed digest."""
    log_in(timed, provider)
    kept = "".join(str(fake.dump(key)) for key in fake.scan_iter())
    assert "of the owner" not in kept
    assert kept
