"""Address facts of a consignee: the routing destination with its grade, and the notices that go with it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from linkstar_contracts.values import Consignee, Destination, Notice
from linkstar_ingest.domain import postcodes, remote_areas
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.places import Place, assess_place

__all__ = ["AssessedAddress", "assess_address"]

_PO_BOX = re.compile(
    r"\bP\.?\s*O\.?\s*(?:box|b\.)|\bpost\s*office\s*box|\bpostfach\b|\bbo[iî]te\s+postale|\b(?:BP|CP|CS)\s*\d|"
    r"\bcase\s+postale|\bC\.?P\.?\s+\d|\bapartado\b",
    re.IGNORECASE,
)
_PARCEL_LOCKER = re.compile(r"\b(?:packstation|postfiliale)\s*\d", re.IGNORECASE)
_SERVED = frozenset({"US", "CA", "GB", "DE", "FR"})


@dataclass(frozen=True, slots=True)
class AssessedAddress:
    """A consignee in written form with its destination. `problem` is set when the grade is `undeliverable`."""

    consignee: Consignee
    destination: Destination
    notices: tuple[Notice, ...]
    problem: str


def assess_address(consignee: Consignee, residential: bool | None) -> AssessedAddress | Fault:
    """Return the address facts, or the fault that makes the address impossible.

    Without a statement of the seller an address counts as residential unless it names a company.
    """
    place = assess_place(consignee.country, consignee.region, consignee.city, consignee.postcode)
    if isinstance(place, Fault):
        return place
    po_box = bool(_PO_BOX.search(consignee.street) or _PO_BOX.search(consignee.street2))
    routing = postcodes.routing_postcode(place.country, place.postcode)
    destination = Destination(
        country=place.country, region=place.region, city=place.city, postcode=routing,
        residential=not consignee.company if residential is None else residential, po_box=po_box, grade=place.grade,
    )  # fmt: skip
    notices = place.notices + remote_areas.notices(place.country, place.region, routing) + _street_notices(consignee)
    return AssessedAddress(_in_written_form(consignee, place), destination, notices, place.problem)


def _in_written_form(consignee: Consignee, place: Place) -> Consignee:
    if consignee.postcode == place.postcode and consignee.region == place.region:
        return consignee
    return consignee.model_copy(update={"postcode": place.postcode, "region": place.region})


def _street_notices(consignee: Consignee) -> tuple[Notice, ...]:
    if consignee.country not in _SERVED:
        return ()
    lines = f"{consignee.street} {consignee.street2}"
    found = []
    if not any(char.isdigit() for char in lines):
        found.append(Notice(code="address.house_number_missing", detail="the street lines hold no number"))
    if _PARCEL_LOCKER.search(lines):
        found.append(Notice(code="address.parcel_locker", detail="a DHL locker or shop: only DHL delivers there"))
    if not lines.isascii() and _has_foreign_script(lines):
        found.append(Notice(code="address.foreign_script", detail="the street lines are not in Latin letters"))
    return tuple(found)


def _has_foreign_script(text: str) -> bool:
    return any(char.isalpha() and "LATIN" not in unicodedata.name(char, "LATIN") for char in text)
