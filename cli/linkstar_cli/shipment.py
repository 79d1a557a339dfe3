"""A shipment as people type it: `--from US-LA --to "US 10001" --parcel "12 lb 20x12x10 in"`, made a quote request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from linkstar_cli.screen import CommandError
from linkstar_contracts.text import CURRENCY_EXPONENTS
from linkstar_contracts.values import BatteryClass
from linkstar_sandbox.order_files.catalogue import CURRENCY_OF

_NUMBER = r"\d+(?:\.\d+)?"
_PARCEL = re.compile(
    rf"(?:(?P<count>\d+)\s*\*\s*)?(?P<weight>{_NUMBER})\s*(?P<unit>g|kg|oz|lb)[\s,]+"
    rf"(?P<length>{_NUMBER})\s*x\s*(?P<width>{_NUMBER})\s*x\s*(?P<height>{_NUMBER})\s*(?P<side>mm|cm|in)"
)
_PLACE = re.compile(r"(?:(?P<country>[A-Z]{2})[ :])?\s*(?P<postcode>\S.*)")
_BATTERIES = tuple(str(each.value) for each in BatteryClass if each is not BatteryClass.UNKNOWN)
_AMOUNT = re.compile(rf"(?P<amount>{_NUMBER})\s*(?P<currency>[A-Z]{{3}})?")


@dataclass(frozen=True)
class Goods:
    """What holds for every parcel typed: its value, and what makes it special to carry."""

    value: str
    battery: str = "none"
    liquid: bool = False
    hazmat: bool = False


def parcels_of(texts: list[str], goods: Goods, country: str) -> list[dict[str, Any]]:
    """Return the parcels; `3 * 2 kg 30x20x10 cm` stands for three equal ones."""
    if goods.battery not in _BATTERIES:
        raise CommandError(
            "battery-unknown", f"{goods.battery!r} is no class of batteries.", f"Say one of: {', '.join(_BATTERIES)}."
        )
    value, contents = _money(goods.value, country), {"battery": goods.battery, "liquid": goods.liquid}
    found: list[dict[str, Any]] = []
    for text in texts:
        match = _PARCEL.fullmatch(text.strip().lower())
        if match is None:
            raise CommandError(
                "parcel-unreadable", f"{text!r} is no weight and three sides.", 'Write e.g. "12 lb 20x12x10 in".'
            )
        parcel = {
            "weight": {"value": match["weight"], "unit": match["unit"]},
            "dimensions": {name: match[name] for name in ("length", "width", "height")} | {"unit": match["side"]},
            "declared_value": value,
            "contents": contents | {"hazmat": goods.hazmat},
        }
        first = len(found) + 1
        found += [{"number": number, **parcel} for number in range(first, first + int(match["count"] or 1))]
    return found


def destination_of(text: str, home: str, *, residential: bool, po_box: bool) -> dict[str, Any]:
    """Return the destination; a postcode without a country lies in the warehouse's."""
    match = _PLACE.fullmatch(text.strip().upper())
    if match is None:
        raise CommandError("place-unreadable", f"{text!r} is no place.", 'Write e.g. --to "US 10001".')
    return {
        "country": match["country"] or home, "postcode": match["postcode"][:10], "residential": residential,
        "po_box": po_box,
    }  # fmt: skip


def warehouse_of(code: str, known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the warehouse of this code."""
    if code not in known:
        raise CommandError(
            "unknown-warehouse", f"There is no warehouse {code!r}.", f"Name one of {', '.join(sorted(known))}."
        )
    return known[code]


def _money(text: str, country: str) -> dict[str, Any]:
    match = _AMOUNT.fullmatch(text.strip().upper())
    currency = (match and match["currency"]) or CURRENCY_OF.get(country, "USD")
    if match is None or currency not in CURRENCY_EXPONENTS:
        raise CommandError("value-unreadable", f"{text!r} is no amount.", 'Write e.g. --value "45.00 USD".')
    minor = Decimal(match["amount"]).scaleb(CURRENCY_EXPONENTS[currency])
    if minor != minor.to_integral_value():
        raise CommandError("value-unreadable", f"{text!r} has a part of the smallest coin.", "Write fewer decimals.")
    return {"amount_minor": int(minor), "currency": currency}
