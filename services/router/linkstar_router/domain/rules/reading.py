"""Reads the facts of an order that rules ask about."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from linkstar_contracts.values import Destination, Parcel, ServiceOptions, Warehouse
from linkstar_router.domain.areas import postcode_key
from linkstar_router.domain.eligibility import Traits
from linkstar_router.domain.rules.facts import Facts

__all__ = ["Asked", "facts_of"]

_NOTHING: frozenset[str] = frozenset()
_BATTERIES: dict[frozenset[object], frozenset[str]] = {}


class Asked(Protocol):
    """An order with what rules may look at; the last four are None where no rule asks for them."""

    @property
    def kind(self) -> str: ...
    @property
    def warehouse(self) -> Warehouse: ...
    @property
    def destination(self) -> Destination: ...
    @property
    def parcels(self) -> tuple[Parcel, ...]: ...
    @property
    def options(self) -> ServiceOptions: ...
    @property
    def channel(self) -> str | None: ...
    @property
    def skus(self) -> tuple[str, ...] | None: ...
    @property
    def categories(self) -> tuple[str, ...] | None: ...
    @property
    def tags(self) -> tuple[str, ...] | None: ...


def facts_of(order: Asked, traits: Traits, day: int) -> Facts:
    """Return the facts of an order; `traits` are its own, `day` is its local day at the warehouse."""
    place, options, parcels = order.destination, order.options, traits.parcels
    largest = parcels[0] if len(parcels) == 1 else tuple(map(max, zip(*parcels, strict=True)))
    declared = [parcel.declared_value.amount_minor for parcel in order.parcels]
    return Facts(
        place.country, place.region.strip().upper(), postcode_key(place.country, place.postcode),
        order.channel or "", order.warehouse.code, options.level, order.kind, traits.residential, traits.po_box,
        options.signature, options.insurance, options.appointment, traits.liquid, traits.hazmat,
        _battery_words(traits), _words(order.skus), _words(order.categories), _words(order.tags),
        largest[0], largest[1], largest[5], largest[4], len(parcels), traits.value_currency, sum(declared), day,
    )  # fmt: skip


def _words(values: Collection[str] | None) -> frozenset[str]:
    return frozenset(values) if values else _NOTHING


def _battery_words(traits: Traits) -> frozenset[str]:
    known = _BATTERIES.get(traits.batteries)
    if known is None:
        known = _BATTERIES[traits.batteries] = frozenset(battery.value for battery in traits.batteries)
    return known
