"""The lines of a label: what is missing in them, too long for them, or not readable by carriers' machines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from linkstar_contracts.values import Consignee, Notice
from linkstar_ingest.domain.phones import is_possible_phone

__all__ = ["LINE", "is_po_box", "label_notices", "street_notices"]

LINE = 35
"""Characters a line of UPS, FedEx and DHL labels holds."""
_SERVED = frozenset({"US", "CA", "GB", "DE", "FR"})
_ANNOUNCED = frozenset({"GB", "DE", "FR"})
"""Countries whose carriers announce a delivery by phone or e-mail."""
_PO_BOX = re.compile(
    r"\bP\.?\s*O\.?\s*(?:box|b\.)|\bpost\s*office\s*box|\bpostfach\b|\bbo[iî]te\s+postale|\b(?:BP|CP|CS)\s*\d|"
    r"\bcase\s+postale|\bC\.?P\.?\s+\d|\bapartado\b",
    re.IGNORECASE,
)
_PARCEL_LOCKER = re.compile(r"\b(?:packstation|postfiliale)\s*\d", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_UNIT = re.compile(
    r"(?:\b(?:apt|apartment|unit|suite|ste|flat|room|rm)\b\.?|#)[ ,]*(?:(?:no|nr)\.? ?|#)?(\w*)", re.IGNORECASE
)
_BUILDING = re.compile(r"\b(?:apartments|towers?|residences|condos?|condominiums?|lofts|high-?rise)\b", re.IGNORECASE)
_NUMBERED_UNITS = frozenset({"US", "CA", "GB"})


def _told(code: str, detail: str) -> Notice:
    return Notice(code=f"address.{code}", detail=detail)


_NO_NUMBER = _told("house_number_missing", "the street lines hold no number")
_LOCKER = _told("parcel_locker", "a DHL locker or shop: only DHL delivers there")
_FOREIGN = _told("foreign_script", "the street lines are not in Latin letters")
_UNIT_UNNAMED = _told("unit_incomplete", "a unit is announced (apt, suite, flat …) but not named")
_UNIT_MISSING = _told("unit_missing", "a building of many units is named, but no unit")
_PHONE = _told("phone_invalid", "the phone number cannot exist: carriers cannot reach the receiver")
_UNREACHABLE = _told("contact_missing", "neither phone nor e-mail: the carrier cannot announce the delivery")
_TOO_LONG = {
    field: _told("line_too_long", f"{name} is longer than the {LINE} characters of a label line")
    for field, name in (
        ("name", "the name"), ("company", "the company"), ("street", "the first street line"),
        ("street2", "the second street line"), ("city", "the city"),
    )
}  # fmt: skip


def is_po_box(consignee: Consignee) -> bool:
    """Tell whether a street line names a PO box."""
    return bool(_PO_BOX.search(consignee.street) or (consignee.street2 and _PO_BOX.search(consignee.street2)))


def street_notices(consignee: Consignee) -> tuple[Notice, ...]:
    """Return what makes the street lines hard to deliver to; most have nothing of it."""
    if consignee.country not in _SERVED:
        return ()
    lines = f"{consignee.street} {consignee.street2}"
    found = [] if _DIGIT.search(lines) else [_NO_NUMBER]
    if _PARCEL_LOCKER.search(lines):
        found.append(_LOCKER)
    if not lines.isascii() and _has_foreign_script(lines):
        found.append(_FOREIGN)
    return tuple(found)


def label_notices(consignee: Consignee) -> tuple[Notice, ...]:
    """Return what a label printed from these lines would lack, or cut off; most have nothing of it."""
    return tuple(_label_findings(consignee)) if consignee.country in _SERVED else ()


def _label_findings(consignee: Consignee) -> Iterator[Notice]:
    if consignee.country in _NUMBERED_UNITS:
        yield from _unit_findings(f"{consignee.street} {consignee.street2}")
    for field, notice in _TOO_LONG.items():
        if len(getattr(consignee, field)) > LINE:
            yield notice
    if consignee.phone:
        if not is_possible_phone(consignee.country, consignee.phone):
            yield _PHONE
    elif not consignee.email and consignee.country in _ANNOUNCED:
        yield _UNREACHABLE


def _unit_findings(lines: str) -> Iterator[Notice]:
    unit = _UNIT.search(lines)
    if unit is not None and not unit[1]:
        yield _UNIT_UNNAMED
    elif unit is None and _BUILDING.search(lines):
        yield _UNIT_MISSING


def _has_foreign_script(text: str) -> bool:
    return any(char.isalpha() and "LATIN" not in unicodedata.name(char, "LATIN") for char in text)
