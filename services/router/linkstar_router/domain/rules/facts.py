"""An order as rules see it: plain values only, so that one compiled function can test it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FIELDS", "NOWHERE", "Facts"]


class Facts(NamedTuple):
    """What rules may ask about. Measures are quanta (`domain/measures.py`) and those of the largest parcel."""

    country: str
    state: str
    """Region of the destination in capitals."""
    postcode: str
    """Sortable key of the destination's postcode (`domain/areas.py`)."""
    channel: str
    warehouse: str
    level: str
    kind: str
    residential: bool
    po_box: bool
    signature: bool
    insurance: bool
    appointment: bool
    liquid: bool
    hazmat: bool
    battery: frozenset[str]
    sku: frozenset[str]
    category: frozenset[str]
    tag: frozenset[str]
    weight: int
    longest_side: int
    length_girth: int
    volume: int
    parcels: int
    currency: str
    """Of the declared values; empty where parcels state several."""
    value: int
    """Sum of the declared values, in minor units."""
    day: int
    """Local day of the order at its warehouse, as an ordinal."""


FIELDS = Facts._fields
NOWHERE = Facts(
    "", "", "", "", "", "standard", "order", True, False, False, False, False, False, False, frozenset({"none"}),
    frozenset(), frozenset(), frozenset(), 0, 0, 0, 0, 1, "", 0, 0,
)  # fmt: skip
"""The plainest order there is; examples are told by how they differ from it."""
