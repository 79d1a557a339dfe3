"""Everything known about an address before anything is bought: grade, notices, corrections, who lives there."""

from __future__ import annotations

from dataclasses import dataclass

from linkstar_contracts.values import Consignee, Destination, Notice
from linkstar_ingest.domain.addresses import assess_address
from linkstar_ingest.domain.corrections import Correction, corrections, split_line
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.places import Place, assess_place
from linkstar_ingest.domain.receivers import Guess, guess_receiver

__all__ = ["AddressReport", "report_address"]


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
    receiver = guess_receiver(consignee, residential)
    return AddressReport(found.destination, found.problem, found.notices, proposed + split_line(consignee), receiver)
