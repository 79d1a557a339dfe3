"""What is wrong with some rows, as real files have it, and the code LinkStar must name for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["FLAWS", "Flaw"]


@dataclass(frozen=True)
class Flaw:
    """One damage. `code` is the expected rejection; none means that LinkStar repairs it or holds the order."""

    name: str
    fields: Mapping[str, str]
    outcome: Literal["rejected", "accepted", "held"] = "rejected"
    code: str | None = None
    country: str | None = None
    """Only for orders to this country."""
    channels: tuple[str, ...] | None = None
    """Only in files of these channels: our own states weights, so that it may name articles nobody registered."""


FLAWS: tuple[Flaw, ...] = (
    Flaw("missing postcode", {"postcode": ""}, code="postcode_malformed"),
    Flaw("postcode of another shape", {"postcode": "ABC"}, code="postcode_malformed"),
    Flaw("ZIP that lost its zero, not provable", {"postcode": "2139", "region": "", "city": "Springvale Heights"},
         code="postcode_damaged", country="US"),
    Flaw("ZIP that lost its zero, provable", {"postcode": "2139", "region": "MA", "city": "Cambridge"}, "accepted",
         country="US"),
    Flaw("ZIP in a spreadsheet wrapper", {"postcode": '="02139"', "region": "MA", "city": "Cambridge"}, "accepted",
         country="US"),
    Flaw("ZIP of another state", {"postcode": "90058", "region": "NY", "city": "Albany"}, "held", country="US"),
    Flaw("PLZ that lost its zero, provable", {"postcode": "4109", "city": "Leipzig"}, "accepted", country="DE"),
    Flaw("unknown SKU", {"sku": "GONE-404"}, code="sku_unknown", channels=("shopify", "amazon")),
    Flaw("negative quantity", {"quantity": "-2"}, code="quantity_invalid"),
    Flaw("quantity in words", {"quantity": "two"}, code="quantity_invalid"),
    Flaw("unknown country", {"country": "Atlantis"}, code="country_unknown"),
    Flaw("country by its Chinese name", {"country": "美国"}, "accepted", country="US"),
    Flaw("no receiver", {"name": ""}, code="field_missing"),
    Flaw("no street", {"street": ""}, code="field_missing"),
    Flaw("garbage date", {"placed_at": "soon"}, code="time_invalid"),
    Flaw("time without zone", {"placed_at": "2026-03-02 10:11:12"}, code="time_naive"),
    Flaw("weight no carrier takes", {"weight": "99999999"}, code="weight_invalid"),
    Flaw("weight in stones", {"weight_unit": "st"}, code="unit_unknown"),
    Flaw("unknown warehouse", {"warehouse": "MOON-1"}, code="warehouse_unknown"),
    Flaw("price that is no number", {"price": "12.9O"}, code="price_invalid"),
)  # fmt: skip
