"""Addresses checked without an order: lines of the label, phone numbers, corrections, home or business."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ingest_orders import consignee

from linkstar_contracts.values import Consignee
from linkstar_ingest.domain.address_report import AddressReport, report_address
from linkstar_ingest.domain.phones import is_possible_phone

BERLIN = {"country": "DE", "region": "", "city": "Berlin", "postcode": "10115", "phone": ""}
LONDON = {"country": "GB", "region": "", "city": "London", "postcode": "SW1A 1AA", "phone": ""}


def report(residential: bool | None = None, **changes: Any) -> AddressReport:
    found = report_address(Consignee.model_validate_json(json.dumps(consignee(**changes))), residential)
    assert isinstance(found, AddressReport)
    return found


def codes(**changes: Any) -> set[str]:
    return {notice.code.removeprefix("address.") for notice in report(**changes).notices}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"street": "12 Oak St Apt"}, "unit_incomplete"),
        ({"street": "12 Oak St #"}, "unit_incomplete"),
        ({"street": "500 Harbor Towers"}, "unit_missing"),
        ({"street": "12 Commonwealth Avenue West Extension Building"}, "line_too_long"),
        ({"name": "Bartholomew Montgomery-Featherstonehaugh III"}, "line_too_long"),
        ({"phone": "12345"}, "phone_invalid"),
        (LONDON | {"email": ""}, "contact_missing"),
        ({"street": "Oak Street"}, "house_number_missing"),
        ({"street": "中山路 12 号"}, "foreign_script"),
    ],
)
def test_faulty_lines_are_told(changes: dict[str, Any], code: str) -> None:
    assert code in codes(**changes)


@pytest.mark.parametrize(
    "street", ["12 Oak St Apt 4B", "12 Oak St # 7", "500 Harbor Towers, Unit 12", "1 Flatbush Ave", "9 Unity Road"]
)
def test_good_lines_are_left_alone(street: str) -> None:
    assert codes(street=street) == set()


@pytest.mark.parametrize(
    ("country", "phone", "possible"),
    [
        ("US", "+1 202-555-0101", True),
        ("US", "(202) 555-0101", True),
        ("US", "+1 314-282-9402 ext. 45874", True),
        ("US", "202-555-010", False),
        ("US", "+86 138 1234 5678", True),
        ("CA", "416.555.0123", True),
        ("GB", "020 7946 0018", True),
        ("GB", "+44 (0)7700 900123", True),
        ("GB", "12", False),
        ("DE", "030/901820", True),
        ("FR", "+33 1 42 68 53 00", True),
        ("FR", "call me", False),
        ("AU", "0412 345 678", True),
    ],
)
def test_phone_numbers(country: str, phone: str, possible: bool) -> None:
    assert is_possible_phone(country, phone) is possible


def test_corrections_are_told_apart_from_spelling() -> None:
    lost_zero = report(postcode="2108").corrections
    assert [(c.field, c.proposed, c.material) for c in lost_zero] == [("postcode", "02108", True)]
    spelt = report(region="Massachusetts").corrections
    assert [(c.field, c.proposed, c.material) for c in spelt] == [("region", "MA", False)]
    wrong = report(region="NY").corrections
    assert [(c.field, c.given, c.proposed, c.material) for c in wrong] == [("region", "NY", "MA", True)]
    assert [c.material for c in report(**LONDON | {"postcode": "sw1a1aa"}).corrections] == [False]
    assert report().corrections == ()


def test_a_long_line_is_offered_in_two() -> None:
    first, second = report(street="1200 Commonwealth Avenue West, Building C").corrections
    assert (first.field, first.proposed) == ("street", "1200 Commonwealth Avenue West")
    assert (second.field, second.proposed) == ("street2", "Building C")
    assert report(street="1200 Commonwealth Avenue West, Building C", street2="Rear").corrections == ()


@pytest.mark.parametrize(
    ("changes", "residential", "at_least"),
    [
        ({}, True, 75),
        ({"street": "12 Oak St Apt 4"}, True, 90),
        ({"company": "Acme GmbH"}, False, 90),
        ({"company": "The Workshop"}, False, 60),
        ({"company": "Ava's", "street": "12 Oak St Apt 4"}, True, 50),
        ({"name": "Fischer & Sohn GmbH", **BERLIN}, False, 85),
        ({"street": "12 Oak St Suite 400"}, False, 60),
    ],
)
def test_the_receiver_is_guessed_with_how_sure(changes: dict[str, Any], residential: bool, at_least: int) -> None:
    guess = report(**changes).receiver
    assert (guess.residential, at_least <= guess.confidence < 100) == (residential, True)
    assert guess.because


def test_what_the_seller_states_is_no_guess() -> None:
    assert report(residential=False).receiver[:2] == (False, 100)


def test_a_zip_of_one_organisation_is_a_business() -> None:
    assert report(region="NY", city="Schenectady", postcode="12345").receiver.residential is False
