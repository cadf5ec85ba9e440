"""What a login flow gains by naming devices: nobody else can lock its people out."""

from __future__ import annotations

from verify_service.domain.limits import DAY

from . import keyed
from .service import METRICS_TOKEN, NUMBER, OTHER_KEY, Service, wrong
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


def test_strangers_close_a_prefix_to_themselves_only(make, fake, provider: StandIn, clock) -> None:
    """Its windows are full and the conversion guard has closed it, after calls that nobody
    answered. The owner's device gets in; one that somebody made up is told what strangers are."""
    service = make(fake, STARTS_PER_PREFIX="20/86400", METRICS_TOKEN=METRICS_TOKEN)
    log_in(service, provider)
    clock.passes(DAY + 3_600)
    for count in range(20):
        service.started(f"{NUMBER[:-4]}{count:04}")
    clock.passes(600)
    calls = len(provider.calls)
    refused = service.start()
    assert refused.json["limit"] == "prefix"
    made_up = service.start(deviceId="device of nobody")
    assert (made_up.status_code, made_up.json["limit"]) == (429, "prefix")
    assert made_up.json["retryAfter"] == refused.json["retryAfter"] > 3_600
    assert made_up.headers["Retry-After"] == str(made_up.json["retryAfter"])
    assert len(provider.calls) == calls
    assert service.metric('verify_refusals_total{limit="prefix"}') == 2
    assert len(service.events("place_blocked")) == 1
    log_in(service, provider)
    assert len(provider.calls) == calls + 1


def test_a_closed_prefix_is_closed_to_made_up_devices(make, fake, provider: StandIn, clock) -> None:
    """By the conversion guard alone, under a key or not; its number has lost nothing by it."""
    service = make(fake, STARTS_PER_PREFIX="1000/3600")
    log_in(service, provider)
    clock.passes(DAY + 3_600)
    for count in range(20):
        service.started(f"{NUMBER[:-4]}{count:04}")
    clock.passes(600)
    for _ in range(9):
        assert service.start(deviceId="device of nobody").json["limit"] == "conversion"
        refused = keyed.start(service, "one", deviceId="device of nobody")
        assert refused.json["limit"] == "conversion"
    log_in(service, provider)
    clock.passes(3_600)
    vid = service.started(deviceId="device of nobody")
    assert service.status(vid).json["restartIn"] == 30


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
