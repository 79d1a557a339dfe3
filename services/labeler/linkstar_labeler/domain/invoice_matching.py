"""Carriers' invoices against what was bought, line by line: what each line should have been, and what it is instead.

The expectations of all lines of one tracking number and code sum to what the label's price says of it, once in its life.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from linkstar_labeler.domain.charge_codes import share
from linkstar_labeler.domain.invoice_lines import BilledLine

__all__ = ["BilledBefore", "BoughtParcel", "Kind", "Match", "match"]


class Kind(str, Enum):
    """What a billed line turned out to be."""

    MATCHED = "matched"
    PRICE_DIFFERS = "price_differs"
    WEIGHT_DIFFERS = "weight_differs"
    UNKNOWN_SHIPMENT = "unknown_shipment"
    DUPLICATE_LINE = "duplicate_line"
    VOIDED_BUT_BILLED = "voided_but_billed"
    NEVER_SCANNED = "never_scanned"


@dataclass(frozen=True, slots=True)
class BoughtParcel:
    """A parcel as it was bought: parcel `parcel` of `parcels` of a label. `expected` is the label's, by code."""

    tenant: str
    shipment_id: str
    shard: int
    active: bool
    scanned: bool
    currency: str
    parcel: int
    parcels: int
    expected: Mapping[str, int]
    grams: Decimal | None
    """The label's billable weight; None where it is not that of one parcel."""


@dataclass(frozen=True, slots=True)
class BilledBefore:
    """A line of an earlier import."""

    tracking_number: str
    code: str
    carrier_code: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Match:
    """A line, what it is, and what was expected of it."""

    line: BilledLine
    kind: Kind
    expected_minor: int
    parcel: BoughtParcel | None

    @property
    def variance_minor(self) -> int:
        """What was billed beyond the expectation."""
        return self.line.amount.amount_minor - self.expected_minor


def match(
    lines: Sequence[BilledLine], bought: Mapping[str, BoughtParcel], before: Iterable[BilledBefore]
) -> list[Match]:
    """Judge the lines in their order. All are in the currency of their label."""
    earlier = list(before)
    known = {(each.tracking_number, each.carrier_code, each.amount_minor) for each in earlier}
    consumed = {(each.tracking_number, each.code) for each in earlier}
    special = [_special(line, bought.get(line.tracking_number), known) for line in lines]
    charges: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (line, kind) in enumerate(zip(lines, special, strict=True)):
        if kind in (None, Kind.NEVER_SCANNED):
            charges[line.tracking_number, line.code].append(place)
    expected = [0] * len(lines)
    for (number, code), places in charges.items():
        left = 0 if (number, code) in consumed else _expectation(bought[number], code)
        for place, wanted in zip(
            places, _shared([lines[each].amount.amount_minor for each in places], left), strict=True
        ):
            expected[place] = wanted
    return [
        Match(
            line,
            kind or _ordinary(line, bought[line.tracking_number], wanted),
            wanted,
            bought.get(line.tracking_number),
        )
        for line, kind, wanted in zip(lines, special, expected, strict=True)
    ]


def _special(line: BilledLine, parcel: BoughtParcel | None, known: set[tuple[str, str, int]]) -> Kind | None:
    """Return what a line is whatever its amount; None where the amount decides. What was billed is noted in `known`."""
    if parcel is None:
        return Kind.UNKNOWN_SHIPMENT
    identity = (line.tracking_number, line.carrier_code, line.amount.amount_minor)
    if identity in known and line.amount.amount_minor:
        return Kind.DUPLICATE_LINE
    known.add(identity)
    if not parcel.active:
        return Kind.VOIDED_BUT_BILLED
    return None if parcel.scanned else Kind.NEVER_SCANNED


def _shared(billed: Sequence[int], expectation: int) -> list[int]:
    """Divide an expectation among the lines of one charge, so that it is all used. Where more was billed, the first lines
    get it, and no line is expected to be more than it is; where less was billed, or a line takes back, the last gets what
    is left.
    """
    greedy = min(billed) >= 0 and sum(billed) > expectation
    shares, left = [], expectation
    for amount in billed[:-1]:
        shares.append(min(amount, left) if greedy else amount)
        left -= shares[-1]
    return [*shares, left]


def _expectation(parcel: BoughtParcel, code: str) -> int:
    return share(parcel.expected.get(code, 0), parcel.parcel, parcel.parcels)


def _ordinary(line: BilledLine, parcel: BoughtParcel, expected: int) -> Kind:
    if line.amount.amount_minor == expected:
        return Kind.MATCHED
    heavier = line.grams is not None and parcel.grams is not None and line.grams != parcel.grams
    return Kind.WEIGHT_DIFFERS if heavier else Kind.PRICE_DIFFERS
