"""Hard rules: which services may carry a shipment at all. Every refusal has a code and a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from linkstar_contracts.values import BatteryClass, Parcel, ServiceOptions
from linkstar_router.domain.measures import Measured, measure
from linkstar_router.domain.tariff import LEVELS, Limit, Offer, Service

__all__ = ["Refusal", "Traits", "parcels_refusal", "service_refusal", "traits_of"]


class Refusal(NamedTuple):
    """Why a service is excluded."""

    code: str
    detail: str


class Traits(NamedTuple):
    """A shipment as the rules see it, worked out once for all services."""

    parcels: tuple[Measured, ...]
    batteries: frozenset[BatteryClass]
    liquid: bool
    hazmat: bool
    value_minor: int
    value_currency: str
    level: int
    options: ServiceOptions
    residential: bool
    po_box: bool
    areas: frozenset[str]
    barred: frozenset[str]
    values: tuple[int, ...] = ()
    """Declared values of the parcels where they are to be insured, in minor units."""
    returning: bool = False

    @property
    def contents(self) -> frozenset[str]:
        """What is inside, in the words of surcharges: battery classes and `liquid`."""
        batteries = {battery.value for battery in self.batteries if battery is not BatteryClass.NONE}
        return frozenset(batteries | {"liquid"} if self.liquid else batteries)

    @property
    def rules(self) -> tuple[object, ...]:
        """All that `service_refusal` looks at; the value of the goods only where they are to be insured."""
        options = self.options
        return (
            self.batteries, self.liquid, self.hazmat, options.level, options.signature, options.appointment,
            options.insurance and (self.values, self.value_currency), self.residential, self.po_box, self.areas,
            self.barred, self.returning,
        )  # fmt: skip


def traits_of(
    parcels: Sequence[Parcel], options: ServiceOptions, *, residential: bool, po_box: bool, areas: frozenset[str],
    barred: Iterable[str], returning: bool = False,
) -> Traits:  # fmt: skip
    """Collect what the rules need."""
    currencies = {parcel.declared_value.currency for parcel in parcels}
    return Traits(
        parcels=tuple(measure(parcel) for parcel in parcels),
        batteries=frozenset(parcel.contents.battery for parcel in parcels),
        liquid=any(parcel.contents.liquid for parcel in parcels),
        hazmat=any(parcel.contents.hazmat for parcel in parcels),
        value_minor=max(parcel.declared_value.amount_minor for parcel in parcels),
        value_currency=currencies.pop() if len(currencies) == 1 else "",
        level=LEVELS[options.level], options=options, residential=residential, po_box=po_box, areas=areas,
        barred=frozenset(barred),
        values=tuple(parcel.declared_value.amount_minor for parcel in parcels) if options.insurance else (),
        returning=returning,
    )  # fmt: skip


def service_refusal(service: Service, traits: Traits) -> Refusal | None:
    """Return why the service itself is not allowed or not able, whatever the parcel's size and lane."""
    if service.key in traits.barred:
        return Refusal("rejected_by_carrier", "the carrier refused this shipment before")
    if traits.po_box and not service.po_box:
        return Refusal("po_box", "does not deliver to PO boxes")
    if service.receiver != "any" and (service.receiver == "residential") != traits.residential:
        return Refusal("coverage", f"serves {service.receiver} addresses only")
    if service.takes != "any" and (service.takes == "returns") != traits.returning:
        return Refusal("coverage", f"takes {service.takes} only")
    if service.level < traits.level:
        return Refusal("level", f"slower than the level {traits.options.level} asked for")
    return _contents_refusal(service, traits) or _extras_refusal(service, traits) or _area_refusal(service, traits)


def _contents_refusal(service: Service, traits: Traits) -> Refusal | None:
    if traits.hazmat:
        return Refusal("hazmat", "takes no dangerous goods without a contract")
    if not traits.batteries <= service.batteries:
        worst = max(battery.value for battery in traits.batteries - service.batteries)
        return Refusal("battery", f"does not take lithium batteries: {worst}")
    if traits.liquid and not service.liquid:
        return Refusal("liquid", "does not take liquids")
    return None


def _extras_refusal(service: Service, traits: Traits) -> Refusal | None:
    if traits.options.signature and service.signature == "none":
        return Refusal("signature", "no published price for a signature")
    if traits.options.appointment and not service.appointment:
        return Refusal("appointment", "no published price for an appointment")
    insured_up_to = max(service.cover_minor, service.insured_up_to)
    if traits.options.insurance and (traits.value_currency != service.currency or traits.value_minor > insured_up_to):
        return Refusal("insurance", f"covers {insured_up_to} minor units of {service.currency} and no more")
    return None


def _area_refusal(service: Service, traits: Traits) -> Refusal | None:
    for area in traits.areas & service.closed_areas.keys():
        return Refusal("coverage", f"{area}: {service.closed_areas[area]}")
    return None


def parcels_refusal(offer: Offer, limits: tuple[Limit, ...], parcels: tuple[Measured, ...]) -> Refusal | None:
    """Return the first weight or size limit that a parcel exceeds."""
    for parcel in parcels:
        for measure_index, bound, text in limits:
            if parcel[measure_index] > bound:
                return Refusal("weight" if measure_index == 0 else "size", f"limit of {offer.service.key}: {text}")
    return None
