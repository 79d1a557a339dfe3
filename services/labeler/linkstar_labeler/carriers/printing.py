"""From a chosen route, opened consignee and tracking numbers to the labels of all its parcels: always the same labels for
the same input, so that a reprint equals the first print.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from linkstar_contracts.events import RouteChosen
from linkstar_contracts.values import Consignee, Parcel, Warehouse
from linkstar_labeler.carriers.number_range import NumberRangeCarrier, Piece
from linkstar_labeler.domain.countries import country_name
from linkstar_labeler.domain.label_layout import Label

__all__ = ["make_labels"]


def make_labels(
    carrier: NumberRangeCarrier, route: RouteChosen, consignee: Consignee, numbers: Sequence[str], created_at: datetime
) -> list[Label]:
    """Return one label per parcel. A return travels from the consignee to the warehouse.

    Addresses end with the country's name when the parcel crosses a border, and without one when it stays at home.
    """
    abroad = consignee.country != route.warehouse.country
    home, away = _warehouse_lines(route.warehouse, abroad), _consignee_lines(consignee, abroad)
    inbound = route.kind == "return"
    sender, receiver = (away, home) if inbound else (home, away)
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
