"""What the operator sees of events: /metrics, /console, `doctor` and the checks of a release."""

from __future__ import annotations

import re

import pytest

from tests.console.operator_browser import OperatorBrowser
from tests.ports import free_port
from tests.waiting import wait_until
from tests.webhooks.login_flow import SECRET, LoginFlow, answer
from verify_service.cli.checks import CHECKS, check_line
from verify_service.domain.limits import HOUR
from verify_service.settings.parsers import sha256_hex

from .service import CONSOLE_TOKEN, KEY, METRICS_TOKEN, Service
from .test_doctor import doctor
from .told import TOKEN, login, rang, told

__all__ = ["login", "told"]

WAITING, OLDEST = (
    f'{name}{{app="shop"}}' for name in ("verify_events_waiting", "verify_oldest_event_seconds")
)
OFF = 'verify_webhook_off_seconds{app="shop"}'


def counted(service: Service, detail: str) -> float:
    """Return how many events there were in the present hour and the one before."""
    labels = f'{{app="shop",detail="{detail}",event="webhook"}}'
    return service.metric(f"verify_recent_events{labels}")


def checks(service: Service) -> list[str]:
    """Return what the checks of a release say about the receivers."""
    lines = [check_line(one) for check in CHECKS for one in check(service.settings)]
    assert TOKEN not in "".join(lines)
    return [line for line in lines if "Webhooks: " in line]


def test_metrics_of_events_that_arrive(told: Service, login: LoginFlow) -> None:
    assert [told.metric(name) for name in (WAITING, OLDEST, OFF)] == [0, 0, 0]
    assert OFF in told.metrics()
    rang(told)
    wait_until(lambda: counted(told, "delivered") == 1)
    assert (told.metric(WAITING), counted(told, "failed")) == (0, 0)
    total = 'verify_events_total{app="shop",detail="delivered",event="webhook"}'
    assert told.metric(total) == 1


@pytest.mark.slow
def test_metrics_of_events_that_wait(told: Service, login: LoginFlow) -> None:
    login.respond = answer(500)
    rang(told)
    wait_until(lambda: counted(told, "failed") == 1)
    assert told.metric(WAITING) == 1
    wait_until(lambda: told.metric(OLDEST) >= 1)


def test_metrics_without_addresses_have_no_series(make, valkey) -> None:
    service = make(valkey, METRICS_TOKEN=METRICS_TOKEN)
    assert "verify_events_waiting{" not in service.metrics()


def test_the_page_shows_how_events_fare(told: Service, login: LoginFlow) -> None:
    operator = OperatorBrowser(told).signed_in()
    (row,) = operator.open().rows("Events by app")
    assert row == ["shop", "0", "–", "0", "0", "0", "0", "–", "–"]
    login.respond = answer(500)
    rang(told)
    wait_until(lambda: counted(told, "failed") == 1)
    (row,) = operator.open().rows("Events by app")
    assert row[:2] == ["shop", "1"]
    assert re.fullmatch(r"20\d\d-.* UTC", row[2])
    assert row[3:] == ["0", "1", "0", "0", "–", "–"]
    assert TOKEN not in operator.open().html


def test_the_page_shows_an_address_that_is_off(told: Service, login: LoginFlow) -> None:
    """In the verdict, in its table, and among what is blocked."""
    login.respond = answer(410)
    rang(told)
    wait_until(lambda: told.metric(OFF) > HOUR)
    page = OperatorBrowser(told).signed_in().open()
    command = "flask --app wsgi webhook on shop"
    assert [one for one in page.findings if "shop: no event is posted" in one and command in one]
    (row,) = page.rows("Events by app")
    assert row[-1] == command
    assert re.fullmatch(r"20\d\d-.* UTC", row[-2])
    assert [row[-1] for row in page.rows("What is blocked")] == [command]


def test_the_page_of_a_service_without_addresses(make, valkey) -> None:
    service = make(valkey, CONSOLE_TOKEN=CONSOLE_TOKEN)
    page = OperatorBrowser(service).signed_in().open()
    assert "Do events arrive?" not in page.text


def test_doctor_names_an_address_that_is_off(told: Service, login: LoginFlow) -> None:
    login.respond = answer(410)
    rang(told)
    wait_until(lambda: told.metric(OFF) > HOUR)
    found = doctor(told)
    assert "Warning: shop: no event is posted\n" in found.output
    assert "  Ends it: flask --app wsgi webhook on shop\n" in found.output
    assert found.exit_code == 0
    assert TOKEN not in found.output


def test_a_receiver_that_can_be_reached_passes(told: Service, login: LoginFlow) -> None:
    """A connection is opened, and no event posted."""
    assert checks(told) == ["ok       Webhooks: shop: 127.0.0.1 can be reached; two secrets sign."]
    assert login.received == []


def test_a_receiver_that_cannot_be_reached_is_a_warning(make, valkey_url: str) -> None:
    """Logins do not depend on it."""
    service = make(
        REDIS_URL=valkey_url,
        APP_ENV="development",
        WEBHOOKS=f"shop=http://127.0.0.1:{free_port()}/?token={TOKEN}",
        WEBHOOK_SECRETS=f"shop={SECRET},bank={SECRET}",
    )
    unreachable, without = checks(service)
    assert unreachable.startswith(
        "warning  Webhooks: shop: 127.0.0.1 cannot be reached: Connection"
    )
    assert without == (
        "warning  Webhooks: bank has a secret, and no address in WEBHOOKS: it receives no events."
    )
    found = doctor(service)
    assert "Warning: shop: 127.0.0.1 cannot be reached: Connection refused\n" in found.output
    assert found.exit_code == 0


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_has_a_row_for_each_app(make, valkey, count: int) -> None:
    """In the order of their names."""
    apps = [f"app{number}" for number in range(count)]
    service = make(
        valkey,
        APP_ENV="development",
        CONSOLE_TOKEN=CONSOLE_TOKEN,
        ACCESS_KEYS=",".join(f"{app}={sha256_hex(KEY + app)}" for app in apps),
        WEBHOOKS=",".join(f"{app}=http://127.0.0.1:1/" for app in reversed(apps)),
        WEBHOOK_SECRETS=",".join(f"{app}={SECRET}" for app in apps),
    )
    page = OperatorBrowser(service).signed_in().open()
    assert [row[0] for row in page.rows("Events by app")] == apps
