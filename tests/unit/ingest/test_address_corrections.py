"""Corrections: applied with the original kept, or only proposed, as the seller wants it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ingest_orders import consignee

from linkstar_contracts.values import AddressGrade, Consignee
from linkstar_ingest.domain.addresses import AssessedAddress, CorrectedConsignee, CorrectionPolicy, assess_address

WRONG = {"postcode": "2108", "region": "NY"}


def assessed(policy: CorrectionPolicy = "apply", residential: bool | None = None, **changes: Any) -> AssessedAddress:
    entered = Consignee.model_validate_json(json.dumps(consignee(**changes)))
    found = assess_address(entered, residential, policy)
    assert isinstance(found, AssessedAddress)
    return found


def test_an_applied_correction_keeps_the_original() -> None:
    found = assessed(region="NY")
    assert isinstance(found.consignee, CorrectedConsignee)
    assert found.consignee.region == "MA"
    assert (found.consignee.as_entered.postcode, found.consignee.as_entered.region) == ("02108", "NY")
    assert found.destination.grade is AddressGrade.CORRECTED


def test_readers_of_a_consignee_skip_the_original() -> None:
    clear = assessed(region="NY").consignee.model_dump_json()
    assert json.loads(clear)["as_entered"] == {"postcode": "02108", "region": "NY"}
    assert Consignee.model_validate_json(clear).region == "MA"


def test_a_proposed_correction_leaves_the_label_alone_and_routes_right() -> None:
    found = assessed("propose", postcode="2108")
    assert type(found.consignee) is Consignee
    assert found.consignee.postcode == "2108"
    assert found.destination.postcode == "02108"
    assert found.destination.grade is AddressGrade.UNVERIFIED
    [notice] = found.notices
    assert notice.code == "address.correction_proposed"
    assert "postcode 02108" in notice.detail


@pytest.mark.parametrize("policy", ["apply", "propose"])
def test_spelling_is_put_in_order_under_any_policy(policy: CorrectionPolicy) -> None:
    found = assessed(policy, region="Massachusetts")
    assert (type(found.consignee), found.consignee.region) == (Consignee, "MA")
    assert found.destination.grade is AddressGrade.VERIFIED
    assert found.notices == ()


def test_a_guess_that_may_surprise_is_told() -> None:
    office = assessed(street="12 Oak St Suite 400")
    assert office.destination.residential is False
    assert [notice.code for notice in office.notices] == ["address.receiver_guessed"]
    assert assessed(company="Acme GmbH").notices == ()
    assert assessed(residential=True, street="12 Oak St Suite 400").notices == ()
    home = assessed(company="Ava's", street="12 Oak St Apt 4")
    assert (home.destination.residential, len(home.notices)) == (True, 1)


def test_lines_of_the_label_are_told_with_the_order() -> None:
    assert [notice.code for notice in assessed(phone="12").notices] == ["address.phone_invalid"]
