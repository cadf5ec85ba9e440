"""What calls cost, in a currency of the operator's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from verify_service.domain.counts import APPROVED, Counts

EVERY_OTHER = "*"
"""Stands for the countries without a price of their own."""


@dataclass(frozen=True, slots=True)
class Spend:
    """What the calls of a period cost, at most: the provider may not charge each of them.

    Attributes:
        calls: Calls that were placed or may have been.
        approved: The logins they led to.
        amount: What those with a price cost.
        unpriced: Calls to countries without a price.
    """

    calls: int = 0
    approved: int = 0
    amount: Decimal = Decimal(0)
    unpriced: int = 0

    @property
    def per_login(self) -> Decimal | None:
        """The amount for each approved login; None without logins, or if a price is missing."""
        return self.amount / self.approved if self.approved and not self.unpriced else None

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            self.calls + other.calls,
            self.approved + other.approved,
            self.amount + other.amount,
            self.unpriced + other.unpriced,
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of a call, by country (ISO 3166); :data:`EVERY_OTHER` for the others."""

    by_country: Mapping[str, Decimal]

    def __bool__(self) -> bool:
        return bool(self.by_country)

    def of(self, country: str) -> Decimal | None:
        """Return the price of a call to a country; None if there is none."""
        return self.by_country.get(country, self.by_country.get(EVERY_OTHER))

    def spend(self, country: str, counts: Counts) -> Spend:
        """Return what the calls to a country cost."""
        price, calls, approved = self.of(country), counts.calls, counts.of(APPROVED)
        if price is None:
            return Spend(calls, approved, unpriced=calls)
        return Spend(calls, approved, price * calls)
