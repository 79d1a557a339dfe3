"""Everything known about an address before anything is bought: grade, notices, corrections, who lives there."""

from __future__ import annotations

from dataclasses import dataclass

from linkstar_contracts.values import Consignee, Destination, Notice
from linkstar_ingest.domain.addresses import assess_address
from linkstar_ingest.domain.corrections import Correction, corrections, split_line
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.places import Place, assess_place
from linkstar_ingest.domain.receivers import Guess, guess_receiver
from linkstar_ingest.domain.street_lines import label_notices
from linkstar_ingest.domain.us_zips import us_zips

__all__ = ["AddressReport", "is_own_zip", "report_address"]


@dataclass(frozen=True, slots=True)
class AddressReport:
    """The routing destination with its grade, what a seller should know, and what would read better."""

    destination: Destination
    problem: str
    notices: tuple[Notice, ...]
    corrections: tuple[Correction, ...]
    receiver: Guess


def report_address(consignee: Consignee, residential: bool | None) -> AddressReport | Fault:
    """Return the report, or the fault that makes the address impossible."""
    found = assess_address(consignee, residential)
    if isinstance(found, Fault):
        return found
    place = assess_place(consignee.country, consignee.region, consignee.city, consignee.postcode)
    proposed = corrections(consignee, place) if isinstance(place, Place) else ()
    receiver = guess_receiver(consignee, residential, own_zip=is_own_zip(consignee.country, found.destination.postcode))
    notices = found.notices + label_notices(consignee)
    return AddressReport(found.destination, found.problem, notices, proposed + split_line(consignee), receiver)


def is_own_zip(country: str, postcode: str) -> bool:
    """Tell whether a ZIP belongs to a single organisation."""
    known = us_zips().get(postcode[:5]) if country == "US" else None
    return known is not None and known.kind == "UNIQUE"
