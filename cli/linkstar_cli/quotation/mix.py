"""What a mix of shipments costs with the best service of each kind, with each carrier alone, and from which volume on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from linkstar_cli.quotation.profile import Kind

__all__ = ["BreakEven", "Quoted", "break_evens", "by_currency"]


@dataclass(frozen=True)
class Quoted:
    """A kind of shipment with its quote: the routes best first, the services that are out, the notices."""

    kind: Kind
    routes: Sequence[Mapping[str, Any]]
    excluded: Sequence[Mapping[str, Any]]
    notices: Sequence[Mapping[str, Any]]

    @property
    def currency(self) -> str:
        """The currency of its prices; empty when nothing can take it."""
        return str(self.routes[0]["total"]["currency"]) if self.routes else ""

    def best_minor(self, carriers: frozenset[str] | None = None) -> int | None:
        """Return the price of the first route, of these carriers if named."""
        fits = (route for route in self.routes if carriers is None or route["carrier"] in carriers)
        return next((int(route["total"]["amount_minor"]) for route in fits), None)

    @property
    def paid_now_minor(self) -> int | None:
        """What one costs today. All currencies of carriers have two decimals."""
        return None if self.kind.paid_now is None else int(self.kind.paid_now.scaleb(2).to_integral_value())


@dataclass(frozen=True)
class BreakEven:
    """From how many parcels a month on a fixed monthly cost is earned back; `volume` is None when never."""

    what: str
    against: str
    fixed_minor: int
    saving_per_parcel: Fraction
    volume: int | None
    expected: int
    """Parcels the mix brings in a month."""


def by_currency(quoted: Iterable[Quoted]) -> dict[str, list[Quoted]]:
    """Return the kinds that something can take, by the currency of their prices: amounts of one group may be added."""
    found: dict[str, list[Quoted]] = {}
    for each in quoted:
        if each.routes:
            found.setdefault(each.currency, []).append(each)
    return found


def break_evens(group: Sequence[Quoted], fixed_minor: int, fees: Mapping[str, int]) -> list[BreakEven]:
    """Return when the quotation pays against today's prices, and each carrier with a monthly fee against all others.

    A carrier with a fee is used only for the kinds it carries for less; the share of the mix stays as it is.
    """
    found = []
    known = [each for each in group if each.paid_now_minor is not None]
    if known:
        saving = sum(((each.paid_now_minor or 0) - (each.best_minor() or 0)) * each.kind.per_month for each in known)
        found.append(_break_even("this quotation", "what is paid now", fixed_minor, saving, known))
    carriers = frozenset(route["carrier"] for each in group for route in each.routes)
    for carrier in sorted(fees.keys() & carriers):
        saving = sum(_saved_by(carrier, each, carriers) * each.kind.per_month for each in group)
        found.append(_break_even(carrier, "the other carriers", fees[carrier], saving, group))
    return found


def _saved_by(carrier: str, each: Quoted, carriers: frozenset[str]) -> int:
    own, others = each.best_minor(frozenset({carrier})), each.best_minor(carriers - {carrier})
    return max(0, others - own) if own is not None and others is not None else 0


def _break_even(what: str, against: str, fixed_minor: int, saving: int, group: Sequence[Quoted]) -> BreakEven:
    expected = sum(each.kind.per_month for each in group)
    per_parcel = Fraction(saving, expected)
    volume = max(1, ceil(fixed_minor / per_parcel)) if per_parcel > 0 else None
    return BreakEven(what, against, fixed_minor, per_parcel, volume, expected)
