"""Address facts of a consignee: the routing destination with its grade, and the notices that go with it."""

from __future__ import annotations

from dataclasses import dataclass

from linkstar_contracts.facts.remote_areas import remote_notices
from linkstar_contracts.values import Consignee, Destination, Notice
from linkstar_ingest.domain import postcodes
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.places import Place, assess_place
from linkstar_ingest.domain.street_lines import is_po_box, street_notices

__all__ = ["AssessedAddress", "assess_address"]


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
    routing = postcodes.routing_postcode(place.country, place.postcode)
    destination = Destination(
        country=place.country, region=place.region, city=place.city, postcode=routing,
        residential=not consignee.company if residential is None else residential, po_box=is_po_box(consignee),
        grade=place.grade,
    )  # fmt: skip
    notices = place.notices + remote_notices(place.country, place.region, routing) + street_notices(consignee)
    return AssessedAddress(_in_written_form(consignee, place), destination, notices, place.problem)


def _in_written_form(consignee: Consignee, place: Place) -> Consignee:
    if consignee.postcode == place.postcode and consignee.region == place.region:
        return consignee
    return consignee.model_copy(update={"postcode": place.postcode, "region": place.region})
