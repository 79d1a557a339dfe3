"""Corrections of an address: what would read better, and whether that changes where the parcel goes."""

from __future__ import annotations

from typing import NamedTuple

from linkstar_contracts.values import Consignee
from linkstar_ingest.domain.places import Place
from linkstar_ingest.domain.regions import region_code
from linkstar_ingest.domain.street_lines import LINE

__all__ = ["Correction", "corrections", "split_line"]


class Correction(NamedTuple):
    """A field that reads better otherwise. `material` is one that changes where the parcel goes, not how it is written."""

    field: str
    given: str
    proposed: str
    material: bool


def corrections(consignee: Consignee, place: Place) -> tuple[Correction, ...]:
    """Return what the assessed place has other than the consignee says."""
    found = []
    if consignee.postcode != place.postcode:
        same = _bare(consignee.postcode) == _bare(place.postcode)
        found.append(Correction("postcode", consignee.postcode, place.postcode, not same))
    if consignee.region != place.region:
        same = region_code(place.country, consignee.region) == place.region
        found.append(Correction("region", consignee.region, place.region, not same))
    return tuple(found)


def split_line(consignee: Consignee) -> tuple[Correction, ...]:
    """Propose to break a first street line that no label line holds, where the second is free."""
    if len(consignee.street) <= LINE or consignee.street2:
        return ()
    at = consignee.street.rfind(" ", 0, LINE + 1)
    first, second = consignee.street[:at].rstrip(" ,"), consignee.street[at + 1 :].lstrip()
    if at <= 0 or len(second) > LINE:
        return ()
    return (Correction("street", consignee.street, first, False), Correction("street2", "", second, False))


def _bare(postcode: str) -> str:
    return "".join(char for char in postcode.upper() if char.isalnum())
