"""From a chosen route, opened consignee and tracking numbers to the labels of all its parcels: always the same labels for
the same input, so that a reprint equals the first print.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from linkstar_contracts.events import RouteChosen
from linkstar_contracts.values import Consignee, Item, Parcel, Warehouse
from linkstar_labeler.carriers.number_range import NumberRangeCarrier, Piece
from linkstar_labeler.domain.countries import country_name
from linkstar_labeler.domain.label_layout import Label
from linkstar_labeler.domain.packing_slip import Slip, SlipLine

__all__ = ["make_labels", "make_slips"]

_NO_LINES = "The order was given without lines."
_OTHER_PARCELS = "Every line of this order stands on the slip of another parcel."


def make_labels(
    carrier: NumberRangeCarrier, route: RouteChosen, consignee: Consignee, numbers: Sequence[str], created_at: datetime
) -> list[Label]:
    """Return one label per parcel. A return travels from the consignee to the warehouse.

    Addresses end with the country's name when the parcel crosses a border, and without one when it stays at home.
    """
    inbound = route.kind == "return"
    sender, receiver = _ends(route, consignee)
    goal: Warehouse | Consignee = route.warehouse if inbound else consignee
    region = "" if inbound else consignee.region
    made_on, count = created_at.date(), len(route.parcels)
    service = route.route.service
    labels = []
    for parcel, number in zip(route.parcels, numbers, strict=True):
        piece = Piece(goal.postcode, goal.country, region, parcel.weight, made_on, parcel.number, count)
        symbols = carrier.symbols(number, service, piece)
        labels.append(
            Label(
                carrier.title, carrier.services[service].title, sender, receiver,
                _facts(parcel, count, created_at), route.shipment_id,
                symbols.tracking, symbols.data, symbols.routing,
                "TEST - NOT FOR SHIPMENT" if route.test else "", from_warehouse=not inbound,
            )
        )  # fmt: skip
    return labels


def make_slips(
    carrier: NumberRangeCarrier | None,
    route: RouteChosen,
    consignee: Consignee,
    numbers: Sequence[str],
    created_at: datetime,
) -> list[Slip]:
    """Return one packing slip per parcel. Order lines that name no parcel stand on the slip of the first."""
    inbound = route.kind == "return"
    sender, receiver = _ends(route, consignee)
    service = _service_title(carrier, route)
    contents = _contents(route)
    slips = []
    for parcel, number in zip(route.parcels, numbers, strict=True):
        facts = (
            ("ORDER", route.order_id), ("SHIPMENT", route.shipment_id), ("DATE", created_at.date().isoformat()),
            ("PARCEL", f"{parcel.number}/{len(route.parcels)}"), ("CARRIER", service), ("TRACKING", number),
        )  # fmt: skip
        lines = tuple(SlipLine(item.quantity, item.sku, item.description) for item in contents[parcel.number])
        note = _OTHER_PARCELS if route.items else _NO_LINES
        slips.append(Slip("RETURN SLIP" if inbound else "PACKING SLIP", facts, sender, receiver, lines, note))
    return slips


def _service_title(carrier: NumberRangeCarrier | None, route: RouteChosen) -> str:
    known = carrier.services.get(route.route.service) if carrier else None
    if carrier is None or known is None:
        return f"{route.route.carrier} {route.route.service}".upper()
    return known.title if known.title.startswith(carrier.title.upper()) else f"{carrier.title} {known.title}"


def _contents(route: RouteChosen) -> dict[int, list[Item]]:
    """Return each parcel's order lines; the first parcel's have also those that name none, or one that is not sent."""
    contents: dict[int, list[Item]] = {parcel.number: [] for parcel in route.parcels}
    first = route.parcels[0].number
    for item in route.items:
        contents.get(item.parcel or first, contents[first]).append(item)
    return contents


def _ends(route: RouteChosen, consignee: Consignee) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the address lines of sender and receiver."""
    abroad = consignee.country != route.warehouse.country
    home, away = _warehouse_lines(route.warehouse, abroad), _consignee_lines(consignee, abroad)
    return (away, home) if route.kind == "return" else (home, away)


def _facts(parcel: Parcel, count: int, created_at: datetime) -> tuple[str, ...]:
    weight = f"{parcel.weight.value.normalize():f} {parcel.weight.unit}"
    return f"PARCEL {parcel.number}/{count}", weight, created_at.date().isoformat()


def _warehouse_lines(warehouse: Warehouse, abroad: bool) -> tuple[str, ...]:
    return warehouse.code, warehouse.postcode, *_country_line(warehouse.country, abroad)


def _country_line(country: str, abroad: bool) -> tuple[str, ...]:
    return (country_name(country),) if abroad else ()


def _consignee_lines(consignee: Consignee, abroad: bool) -> tuple[str, ...]:
    """City line by country: region and postcode after the city in North America, postcode first elsewhere."""
    if consignee.country in ("US", "CA"):
        city = f"{consignee.city} {consignee.region} {consignee.postcode}"
    else:
        city = f"{consignee.postcode} {consignee.city}"
    lines = (consignee.name, consignee.company, consignee.street, consignee.street2, city)
    return (*(" ".join(line.split()) for line in lines if line), *_country_line(consignee.country, abroad))
