"""Parcels, places and values as people type them."""

from __future__ import annotations

from typing import Any

import pytest

from linkstar_cli.screen import CommandError
from linkstar_cli.shipment import Goods, destination_of, parcels_of, warehouse_of


@pytest.mark.parametrize(
    ("text", "weight", "sides"),
    [
        ("12 lb 20x12x10 in", ("12", "lb"), ("20", "12", "10", "in")),
        ("0.5kg, 30 x 20.5 x 10cm", ("0.5", "kg"), ("30", "20.5", "10", "cm")),
        ("7 OZ 6x4x1 IN", ("7", "oz"), ("6", "4", "1", "in")),
    ],
)
def test_parcels_read_as_typed(text: str, weight: tuple[str, str], sides: tuple[str, ...]) -> None:
    [parcel] = parcels_of([text], Goods("45.00 USD", battery="in_equipment"), "US")
    assert (parcel["weight"]["value"], parcel["weight"]["unit"]) == weight
    assert tuple(parcel["dimensions"][name] for name in ("length", "width", "height", "unit")) == sides
    assert parcel["declared_value"] == {"amount_minor": 4500, "currency": "USD"}
    assert parcel["contents"]["battery"] == "in_equipment"


def test_equal_parcels_are_counted_and_numbered() -> None:
    parcels = parcels_of(["2 * 1 kg 10x10x10 cm", "2 kg 20x20x20 cm"], Goods("5"), "DE")
    assert [(parcel["number"], parcel["weight"]["value"]) for parcel in parcels] == [(1, "1"), (2, "1"), (3, "2")]
    assert {parcel["declared_value"]["currency"] for parcel in parcels} == {"EUR"}


@pytest.mark.parametrize(
    ("text", "country", "postcode"),
    [
        ("10001", "US", "10001"),
        ("US 10001", "US", "10001"),
        ("gb iv27 4hb", "GB", "IV27 4HB"),
        ("CA:V6B1A1", "CA", "V6B1A1"),
    ],
)
def test_places_default_to_the_country_of_the_warehouse(text: str, country: str, postcode: str) -> None:
    found = destination_of(text, "US", residential=True, po_box=False)
    assert (found["country"], found["postcode"]) == (country, postcode)


def _refusals() -> dict[str, Any]:
    return {
        "parcel-unreadable": lambda: parcels_of(["12 lb 20x12 in"], Goods("1"), "US"),
        "battery-unknown": lambda: parcels_of(["1 lb 5x5x5 in"], Goods("1", battery="lithum"), "US"),
        "value-unreadable": lambda: parcels_of([], Goods("1.005 USD"), "US"),
        "place-unreadable": lambda: destination_of(" ", "US", residential=True, po_box=False),
        "unknown-warehouse": lambda: warehouse_of("X", {}),
    }


@pytest.mark.parametrize("code", _refusals())
def test_what_cannot_be_read_is_a_coded_error(code: str) -> None:
    with pytest.raises(CommandError) as refused:
        _refusals()[code]()
    assert refused.value.code == code
    assert refused.value.remedy
