"""A week of logins by a crowd of people, and its own ledger of their outcomes.

The crowd speaks HTTP and writes down what the answers say. What the console shows must be the same.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import fakeredis
import structlog
import time_machine

from tests.api.service import CONSOLE_TOKEN, ENVIRONMENT, KEY, OTHER_KEY, Service, wrong
from tests.api.standin import StandIn
from verify_service.domain.limits import DAY, HOUR
from verify_service.settings.settings import Settings

NOW = 1_790_000_000
"""2026-09-21 14:13:20 UTC."""
COUNTRIES = {"RU": ("+7916", 11), "KZ": ("+7701", 11), "DE": ("+49151", 13), "GB": ("+447400", 12)}
WEIGHTS = (12, 3, 2, 1)
APPS = {"shop": KEY, "bank": OTHER_KEY}
REASONS = {"providerThrottled": "throttled", "providerAccount": "account"}
PUMPED = "+7917913"


@dataclass(frozen=True)
class Event:
    """Something that an answer said."""

    at: int
    app: str
    country: str
    name: str


class Crowd:
    """People who log in to one service."""

    def __init__(self, service: Service, provider: StandIn, seed: int) -> None:
        self.service, self._provider = service, provider
        self.ledger: list[Event] = []
        self._usual_answer = provider.then
        self._dice = random.Random(seed)  # noqa: S311 — an order of events, no secret

    def lives_a_week(self, traveler: time_machine.Traveller) -> None:
        """Each hour of seven days some people log in, fewer at night."""
        for hour in range(NOW - 7 * DAY, NOW, HOUR):
            awake = 7 <= hour // HOUR % 24 < 22
            for person in range(self._dice.choice((1, 2, 3, 4) if awake else (0, 1))):
                traveler.move_to(hour + 300 * person, tick=False)
                self.log_in(traveler)
        traveler.move_to(NOW, tick=False)

    def log_in(self, traveler: time_machine.Traveller) -> None:
        """One person. The dice decide what goes wrong."""
        country = self._dice.choices(list(COUNTRIES), WEIGHTS)[0]
        app = self._dice.choices(list(APPS), (3, 1))[0]
        number = self._number(*COUNTRIES[country])
        fate = self._dice.random()
        if fate < 0.03:
            self._provider.answers(429, {"errorCode": 4})
        elif fate < 0.05:
            self._provider.loses()
        vid = self.start(number, country, app)
        self._provider.then = self._usual_answer
        if self._dice.random() < 0.04:
            self.start(number, country, app)
        if not vid:
            return
        traveler.shift(self._dice.randint(4, 25))
        arrives = fate < 0.05 or self._dice.random() < (0.7 if country == "KZ" else 0.94)
        self.called_back(number, country, app, "ANSWERED" if arrives else "UNAVAILABLE")
        traveler.shift(self._dice.randint(3, 30))
        if arrives and self._dice.random() < 0.92:
            self.types(vid, country, app)

    def start(self, number: str, country: str, app: str, **fields: str) -> str:
        """Start, and write down the answer; return the verificationId of a call that may ring."""
        answer = self.service.start(number, key=APPS[app], **fields)
        body = answer.json
        if answer.status_code == 429:
            self._write(app, country, f"refused.{body['limit']}")
            return ""
        self._write(app, country, "started")
        if answer.status_code == 502:
            self._write(app, country, f"failed.{REASONS[body['reason']]}")
            return ""
        self._write(app, country, body["call"]["state"])
        return str(body["verificationId"])

    def called_back(self, number: str, country: str, app: str, status: str) -> None:
        request = f"request-{len(self._provider.calls)}"
        answer = self.service.callback(
            requestId=request, number=number[1:], status=status, timestamp=int(time.time())
        )
        if answer.json["applied"]:
            self._write(app, country, "delivered" if status == "ANSWERED" else "undelivered")

    def types(self, vid: str, country: str, app: str) -> None:
        """Type the code, sometimes a wrong one before."""
        code = self._provider.code
        guesses = [code] if self._dice.random() < 0.9 else [wrong(code), code]
        for guess in guesses:
            answer = self.service.check(vid, guess, key=APPS[app])
            self._write(app, country, "approved" if answer.json["verified"] else "wrong")

    def pump(self, traveler: time_machine.Traveller) -> None:
        """An attacker has numbers of one prefix called, until its limit refuses."""
        traveler.move_to(NOW - 90, tick=False)
        for place in range(34):
            traveler.shift(2)
            number = f"{PUMPED}{place:04}"
            if self.start(number, "RU", "shop", clientIp=f"203.0.113.{place % 3}"):
                self.called_back(number, "RU", "shop", "ANSWERED")
        traveler.move_to(NOW, tick=False)

    def counts(self, since: int, app: str = "", country: str = "") -> Counter[str]:
        """Return how often each event was written down since a moment."""
        return Counter(
            event.name
            for event in self.ledger
            if event.at >= since and app in ("", event.app) and country in ("", event.country)
        )

    def _write(self, app: str, country: str, name: str) -> None:
        self.ledger.append(Event(int(time.time()), app, country, name))

    def _number(self, prefix: str, digits: int) -> str:
        missing = digits - len(prefix) + 1
        return prefix + "".join(self._dice.choice("0123456789") for _ in range(missing))


@contextmanager
def crowd(*, pumped: bool = True, seed: int = 1) -> Iterator[tuple[Crowd, StandIn]]:
    """Run a service that a crowd has used for a week. The clock goes on from NOW.

    Args:
        pumped: Whether an attacker used it in the last minutes.
    """
    provider = StandIn()
    environment = {
        **ENVIRONMENT,
        "PROVIDER_URL": provider.url,
        "CONSOLE_TOKEN": CONSOLE_TOKEN,
        "CALL_PRICE": "RU:0.9,*:2.5",
        "LOG_LEVEL": "ERROR",
    }
    try:
        with patch.dict(os.environ, environment):
            settings = Settings.from_env()
        with time_machine.travel(NOW - 7 * DAY, tick=False) as traveler:
            redis = fakeredis.FakeRedis(decode_responses=True, protocol=2)
            people = Crowd(Service(settings, redis), provider, seed)
            people.lives_a_week(traveler)
            if pumped:
                people.pump(traveler)
            traveler.move_to(NOW, tick=True)
            yield people, provider
    finally:
        provider.close()
        structlog.reset_defaults()
