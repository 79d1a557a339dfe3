"""Address facts of a consignee: the routing destination with its grade, and the notices that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from linkstar_contracts.facts.remote_areas import remote_notices
from linkstar_contracts.values import AddressGrade, Consignee, Destination, Notice, Value
from linkstar_ingest.domain import postcodes
from linkstar_ingest.domain.corrections import Correction, corrections
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.places import Place, assess_place
from linkstar_ingest.domain.receivers import guess_receiver, surprise
from linkstar_ingest.domain.street_lines import is_po_box, label_notices, street_notices

__all__ = ["AssessedAddress", "CorrectedConsignee", "CorrectionPolicy", "assess_address"]

CorrectionPolicy = Literal["apply", "propose"]
"""What a seller wants done with corrections: applied with the original kept, or only told."""
_APPLIED = frozenset({"address.postcode_corrected", "address.region_corrected"})


class AsEntered(Value):
    """What a correction replaced."""

    postcode: str
    region: str


class CorrectedConsignee(Consignee):
    """A consignee with a corrected postcode or region. The original is sealed with it; readers of a consignee skip it."""

    as_entered: AsEntered


@dataclass(frozen=True, slots=True)
class AssessedAddress:
    """A consignee in written form with its destination. `problem` is set when the grade is `undeliverable`."""

    consignee: Consignee
    destination: Destination
    notices: tuple[Notice, ...]
    problem: str


def assess_address(
    consignee: Consignee, residential: bool | None, policy: CorrectionPolicy = "apply"
) -> AssessedAddress | Fault:
    """Return the address facts, or the fault that makes the address impossible.

    Without a statement of the seller, home or business is guessed. The destination routes by the corrected place in any
    case; what is printed on the label follows the policy.
    """
    place = assess_place(consignee.country, consignee.region, consignee.city, consignee.postcode)
    if isinstance(place, Fault):
        return place
    written, place = _in_written_form(consignee, place, policy)
    routing = postcodes.routing_postcode(place.country, place.postcode)
    guess = guess_receiver(consignee, residential)
    destination = Destination(
        country=place.country, region=place.region, city=place.city, postcode=routing, residential=guess.residential,
        po_box=is_po_box(consignee), grade=place.grade,
    )  # fmt: skip
    notices = (
        *place.notices, *remote_notices(place.country, place.region, routing), *street_notices(consignee),
        *label_notices(consignee), *surprise(consignee, guess),
    )  # fmt: skip
    return AssessedAddress(written, destination, notices, place.problem)


def _in_written_form(consignee: Consignee, place: Place, policy: CorrectionPolicy) -> tuple[Consignee, Place]:
    if consignee.postcode == place.postcode and consignee.region == place.region:
        return consignee, place
    found = corrections(consignee, place)
    material = [correction for correction in found if correction.material]
    if not material:
        return consignee.model_copy(update={each.field: each.proposed for each in found}), place
    if policy == "propose":
        spelling = {each.field: each.proposed for each in found if not each.material}
        return consignee.model_copy(update=spelling), _only_proposed(place, material)
    as_entered = AsEntered(postcode=consignee.postcode, region=consignee.region)
    corrected = {**vars(consignee), "postcode": place.postcode, "region": place.region, "as_entered": as_entered}
    return CorrectedConsignee.model_construct(**corrected), place


def _only_proposed(place: Place, proposed: list[Correction]) -> Place:
    grade = AddressGrade.UNVERIFIED if place.grade is AddressGrade.CORRECTED else place.grade
    told = ", ".join(f"{each.field} {each.proposed}" for each in proposed)
    kept = tuple(notice for notice in place.notices if notice.code not in _APPLIED)
    return place.with_notices(kept).noted(grade, "correction_proposed", f"{told}; the label keeps what was entered")
