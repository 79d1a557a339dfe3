"""Dated exchange rates against the euro. They only compare services whose prices are in different currencies: every
amount that is told or charged stays in its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from linkstar_router.domain.agreements import div_round
from linkstar_router.domain.published import Shelf, is_trusted

__all__ = ["EXCHANGE_FILE", "Exchange", "ExchangeRates", "Rate", "load_exchange"]

EXCHANGE_FILE = "exchange_rates.csv"
_BASE = "EUR"
_QUANTA = 1_000_000


class Rate(NamedTuple):
    """What one euro buys of a currency from a day (ordinal) on, in millionths."""

    since: int
    quanta: int
    source: str


class Exchange(NamedTuple):
    """What turns amounts of one currency into another; `detail` says so in words."""

    times: int
    over: int
    detail: str

    def of(self, amount: int) -> int:
        """Return the amount in the other currency, rounded half up."""
        return div_round(amount * self.times, self.over)


class ExchangeRates:
    """Rates by currency, each in force until the next one."""

    def __init__(self, rates: Iterable[tuple[str, Rate]]) -> None:
        self._rates: dict[str, list[Rate]] = {_BASE: [Rate(date.min.toordinal(), _QUANTA, "")]}
        for currency, rate in sorted(rates):
            self._rates.setdefault(currency, []).append(rate)

    def between(self, currency: str, target: str, day: int) -> Exchange | None:
        """Return how to turn one currency into another by the rates of a day, or None when one is not known."""
        own, other = self._on(currency, day), self._on(target, day)
        if own is None or other is None:
            return None
        newest = max(own, other)
        worth = (Decimal(other.quanta) / own.quanta).quantize(Decimal("0.0001"))
        told = f"1 {currency} = {worth} {target} since {date.fromordinal(newest.since)} ({newest.source})"
        return Exchange(other.quanta, own.quanta, told)

    def _on(self, currency: str, day: int) -> Rate | None:
        rates = self._rates.get(currency, [])
        at = bisect_right([rate.since for rate in rates], day)
        return rates[at - 1] if at else None


def load_exchange(shelf: Shelf) -> ExchangeRates:
    """Return the rates of a shelf."""
    return ExchangeRates(
        (
            row["currency"],
            Rate(
                date.fromisoformat(row["effective_from"]).toordinal(),
                int(Decimal(row["per_eur"]) * _QUANTA),
                row["source"],
            ),
        )
        for _, row in shelf.rows(EXCHANGE_FILE)
        if is_trusted(row["confidence"])
    )
