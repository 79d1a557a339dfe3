"""What differs between two sets of tariffs on a day: prices cell by cell, fees, agreements, fuel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from linkstar_router.domain.measures import WEIGHTS
from linkstar_router.domain.tariff import Edition, Offer, Service, SizeClass, offer_on

__all__ = ["Difference", "differences"]


class Difference(NamedTuple):
    """One thing that differs; None where a side does not have it. Amounts are minor units."""

    service: str
    what: str
    where: str
    before: str | None
    after: str | None


def differences(before: Iterable[Service], after: Iterable[Service], day: int) -> Iterator[Difference]:
    """Yield what differs between the services of two sets on a day (ordinal), service by service."""
    old, new = _by_key(before), _by_key(after)
    for key in sorted(old.keys() | new.keys()):
        yield from _between(key, _on(old, key, day), _on(new, key, day))


def _by_key(services: Iterable[Service]) -> dict[str, Service]:
    return {service.key: service for service in services}


def _on(services: Mapping[str, Service], key: str, day: int) -> dict[tuple[str, str], str]:
    """Return everything a service charges on a day, by what and where."""
    if key not in services:
        return {}
    offer = offer_on(services[key], day)
    if offer.edition is None:
        return {("service", "price list"): offer.reason}
    return {("service", "price list"): offer.edition.tariff, **dict(_charges(offer, offer.edition))}


def _charges(offer: Offer, edition: Edition) -> Iterator[tuple[tuple[str, str], str]]:
    if offer.fuel is not None:
        yield ("fuel", "basis points"), str(offer.fuel.basis_points)
    if edition.contract is not None:
        for name, value in edition.contract._asdict().items():
            told = ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
            yield ("contract", name), told
    for fee in edition.fees:
        for zone, amount in fee.amounts.items():
            yield ("fee", f"{fee.code}: {fee.detail}, zone {zone}"), str(amount)
    for size in edition.classes:
        yield from _cells(size, edition)


def _cells(size: SizeClass, edition: Edition) -> Iterator[tuple[tuple[str, str], str]]:
    unit = edition.rounding[-1].unit
    for zone, (bounds, rows) in size.tables.items():
        for bound, row in zip(bounds, rows, strict=True):
            reach = f"tier {bound}" if size.side else f"to {(Decimal(bound) / WEIGHTS[unit]).normalize():f} {unit}"
            name = f", class {size.name}" if size.name else ""
            yield ("price", f"zone {zone}{name}, {reach}"), str(row.amount)


def _between(key: str, old: Mapping[tuple[str, str], str], new: Mapping[tuple[str, str], str]) -> Iterator[Difference]:
    for what, where in dict.fromkeys((*old, *new)):
        before, after = old.get((what, where)), new.get((what, where))
        if before != after:
            yield Difference(key, what, where, before, after)
