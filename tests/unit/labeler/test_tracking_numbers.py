"""Tracking numbers: the public vectors, and what a check digit is for."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.domain import check_digits
from linkstar_labeler.domain.tracking_numbers import FORMATS, validate

# Facts from jkeen/tracking_number_data (MIT): numbers each carrier's rule must accept or refuse.
VALID = [
    ("usps", "9405803699300124287899"), ("usps", "9400111201080805483016"), ("usps", "9361289878700317633795"),
    ("usps", "9505511069605048600624"), ("usps", "4201002334249200190132607600833457"),
    ("usps", "4201028200009261290113185417468510"), ("usps", "92748931507708513018050063"),
    ("ups", "1Z5R89390357567127"), ("ups", "1Z879E930346834440"), ("ups", "1Z410E7W0392751591"),
    ("ups", "1Z8V92A70367203024"),
    ("fedex", "986578788855"), ("fedex", "477179081230"), ("fedex", "799531274483"), ("fedex", "790535312317"),
    ("canada-post", "0073938000549297"),
    ("canpar", "D576002440000001718010"), ("canpar", "L576002440000000001004"), ("canpar", "S576002440000000025001"),
    ("royal-mail", "RB123456785GB"),
]  # fmt: skip
INVALID = [
    ("usps", "9200000000000000000000"), ("usps", "4201028200009261290113185417468511"),
    ("ups", "2Z5R89390357567127"), ("ups", "1A5R89390357567127"), ("ups", "1Z1111111111111111"),
    ("fedex", "996578788855"), ("canada-post", "0073938000549292"),
    ("canpar", "1576002440000002510003"), ("canpar", "D57600244000000251000"), ("canpar", "M576002440000002510003"),
    ("royal-mail", "RB123456786GB"), ("royal-mail", "RB123456785US"), ("nobody", "123456"),
]  # fmt: skip
# Carriers whose rule tells every wrong digit apart; UPS folds letters, FedEx and S10 fold two remainders, three have none.
STRICT = ["usps", "canada-post", "dpd-uk", "dpd-de", "dhl-de", "hermes-de"]
UNCHECKED = {"canpar", "evri", "mondial-relay"}


@pytest.mark.parametrize(("carrier", "number"), VALID)
def test_public_vectors_are_valid(carrier: str, number: str) -> None:
    assert validate(carrier, number)


@pytest.mark.parametrize(("carrier", "number"), INVALID)
def test_public_counter_examples_are_invalid(carrier: str, number: str) -> None:
    assert not validate(carrier, number)


@pytest.mark.parametrize("body", ["008182709980000020033350276C", "008182709980000020045327276N"])
def test_dpd_28_vectors(body: str) -> None:
    assert check_digits.mod_37_36(body[:-1]) == body[-1]


@pytest.mark.parametrize("number", ["041441760228964", "568283610012000", "568283610012734"])
def test_fedex_ground_15_vectors(number: str) -> None:
    assert check_digits.luhn_alternate(number[:-1]) == number[-1]


def test_every_carrier_has_a_format_and_the_other_way_round() -> None:
    assert set(CARRIERS) == set(FORMATS)


@settings(deadline=None)
@given(st.sampled_from(sorted(CARRIERS)), st.data())
def test_made_numbers_are_valid_and_unlike(carrier: str, data: st.DataObject) -> None:
    capacity = FORMATS[carrier].capacity
    first, second = data.draw(st.lists(st.integers(0, capacity - 1), min_size=2, max_size=2, unique=True))
    services = list(CARRIERS[carrier].services)
    numbers = {
        CARRIERS[carrier].number(data.draw(st.sampled_from(services)), [serial])[0] for serial in (first, second)
    }
    assert len(numbers) == 2
    assert all(validate(carrier, number) for number in numbers)
    assert all(number.isascii() and 6 <= len(number) <= 40 for number in numbers)


@settings(deadline=None)
@given(st.sampled_from(STRICT), st.data())
def test_one_wrong_digit_is_found(carrier: str, data: st.DataObject) -> None:
    number = FORMATS[carrier].make("055", data.draw(st.integers(0, FORMATS[carrier].capacity - 1)))
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in string.digits if digit != number[place]]))
    assert not validate(carrier, number[:place] + wrong + number[place + 1 :])


@settings(deadline=None)
@given(st.sampled_from(sorted(set(CARRIERS) - UNCHECKED)), st.data())
def test_a_wrong_check_digit_is_found(carrier: str, data: st.DataObject) -> None:
    service = next(iter(CARRIERS[carrier].services.values())).code
    number = FORMATS[carrier].make(service, data.draw(st.integers(0, FORMATS[carrier].capacity - 1)))
    place = -3 if number[-2:].isalpha() else -1
    wrong = data.draw(st.sampled_from([digit for digit in string.digits if digit != number[place]]))
    changed = list(number)
    changed[place] = wrong
    assert not validate(carrier, "".join(changed))


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_judged(text: str) -> None:
    for carrier in FORMATS:
        validate(carrier, text)
