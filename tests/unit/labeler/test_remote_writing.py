"""What is written for a carrier is never less than is true, and what it wrote is never trusted."""

from __future__ import annotations

import base64
import io
import json
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from linkstar_carriers.replies import Node, Unreadable, read_json
from linkstar_contracts.values import Consignee, Dimensions, Money, Parcel, ServiceOptions, Weight
from linkstar_labeler.carriers.remote import ups_writing, usps_writing
from linkstar_labeler.carriers.remote.outcomes import NotSellable, without_people
from linkstar_labeler.carriers.remote.printed import printed
from linkstar_labeler.carriers.remote.writing import sides_in, street_lines, weight_in
from linkstar_labeler.domain.connector import LabelRequest, Refused

ADA = Consignee(
    name="Ada Q Example", company="Difference Engines", street="45 Larkspur Street", street2="Apt 9", city="Springfield",
    region="il", postcode="62701-1234", country="US", phone="+1 (217) 555-0199", email="ada@example.org",
)  # fmt: skip


def parcel(pounds: str = "1.5", sides: tuple[int, int, int] = (10, 8, 4)) -> Parcel:
    return Parcel(
        number=1,
        weight=Weight(value=Decimal(pounds), unit="lb"),
        dimensions=Dimensions(length=Decimal(sides[0]), width=Decimal(sides[1]), height=Decimal(sides[2]), unit="in"),
        declared_value=Money(amount_minor=100, currency="USD"),
    )


def request(receiver: Consignee = ADA, *parcels: Parcel) -> LabelRequest:
    return LabelRequest(
        "0f" * 16, "R1", "ground_advantage", ADA, receiver, parcels or (parcel(),), ServiceOptions(), date(2026, 11, 23),
        Money(amount_minor=900, currency="USD"),
    )  # fmt: skip


@given(st.decimals("0.001", "9999", places=3), st.sampled_from(["g", "kg", "oz", "lb"]), st.integers(0, 4))
def test_weight_is_never_less_than_true(value: Decimal, unit: str, places: int) -> None:
    weight = Weight.model_validate({"value": value, "unit": unit})
    pounds = weight_in(weight, "lb", places)
    assert 0 <= pounds * Decimal("453.59237") - weight.grams < Decimal("453.59237") * Decimal(1).scaleb(-places) + 1


def test_sides_are_longest_first_and_rounded_up() -> None:
    box = Dimensions(length=Decimal(1), width=Decimal("30.5"), height=Decimal(10), unit="cm")
    assert sides_in(box, "in", 2) == (Decimal("12.01"), Decimal("3.94"), Decimal("0.40"))


words = st.text("abcdefgh0123456789", min_size=1, max_size=20)


@given(st.lists(words, min_size=1, max_size=6), st.lists(words, max_size=5), st.integers(10, 50), st.integers(1, 3))
def test_no_word_of_an_address_is_lost(street: list[str], more: list[str], most: int, lines: int) -> None:
    person = ADA.model_copy(update={"street": " ".join(street), "street2": " ".join(more)})
    with suppress(NotSellable):
        rows = street_lines(person, most, lines)
        assert " ".join(rows).split() == street + more
        assert len(rows) <= lines
        assert all(len(row) <= most for row in rows)


def test_usps_address_is_within_documented_limits() -> None:
    written = usps_writing.address(ADA)
    assert written == {
        "streetAddress": "45 Larkspur Street", "secondaryAddress": "Apt 9", "city": "Springfield", "state": "IL",
        "ZIPCode": "62701", "ZIPPlus4": "1234", "firstName": "Ada Q", "lastName": "Example", "firm": "Difference Engines",
        "phone": "12175550199", "email": "ada@example.org",
    }  # fmt: skip
    assert usps_writing.address(ADA.model_copy(update={"name": "Cher", "company": ""}))["firm"] == "Cher"
    assert usps_writing.address(ADA.model_copy(update={"country": "PR", "region": ""}))["state"] == "PR"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"country": "CA"}, "destination_not_served"),
        ({"region": "Illinois"}, "bad_address"),
        ({"postcode": "627"}, "bad_address"),
        ({"street": "x" * 51}, "address_too_long"),
    ],
)
def test_usps_refuses_what_it_cannot_be_told(changed: dict[str, str], code: str) -> None:
    with pytest.raises(NotSellable) as fault:
        usps_writing.label_body(request(ADA.model_copy(update=changed)), "PDF")
    assert fault.value.code == code


@pytest.mark.parametrize(("box", "code"), [(parcel("70.5"), "too_heavy"), (parcel("1", (60, 20, 20)), "too_large")])
def test_usps_limits_of_weight_and_size(box: Parcel, code: str) -> None:
    with pytest.raises(NotSellable) as fault:
        usps_writing.label_body(request(ADA, box), "PDF")
    assert fault.value.code == code


def test_usps_body_is_the_same_for_every_attempt() -> None:
    first, second = request(), LabelRequest(**{**_fields(request()), "reference": "R2"})
    assert usps_writing.label_body(first, "PDF") == usps_writing.label_body(second, "PDF")


def _fields(request: LabelRequest) -> dict[str, object]:
    return {name: getattr(request, name) for name in LabelRequest.__slots__}


# -- reading ----------------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@given(json_values)
def test_any_reply_is_read_or_unreadable(value: object) -> None:
    root = read_json(json.dumps(value).encode())
    for place in (root, root["a"], root["a"]["b"], root["c"].first(), *root["b"]):
        for look in (Node.text, lambda at: at.money("USD"), lambda at: printed(at, "application/pdf")):
            with suppress(Unreadable):
                look(place)
        assert isinstance(place.text_or(""), str)


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_unreadable(body: bytes) -> None:
    with suppress(Unreadable):
        read_json(body)


@pytest.mark.parametrize(
    ("written", "minor"), [('"5.84"', 584), ("5.84", 584), ("5", 500), ("0.1", 10), ("9007199254740993.00", None),
                           ("5.845", None), ("-1", None), ("1e40", None), ("true", None), ('"NaN"', None)],
)  # fmt: skip
def test_money_is_exact_or_unreadable(written: str, minor: int | None) -> None:
    place = read_json(f'{{"a": {written}}}'.encode())["a"]
    if minor is None:
        with pytest.raises(Unreadable):
            place.money("USD")
    else:
        assert place.money("USD") == Money(amount_minor=minor, currency="USD")


def test_yen_have_no_cents_and_unknown_currencies_no_value() -> None:
    assert Node("500").money("JPY").amount_minor == 500
    with pytest.raises(Unreadable, match="wrong_currency"):
        Node("5.00").money("XQZ")


def test_label_is_of_its_kind_or_unreadable() -> None:
    pdf = base64.b64encode(b"%PDF-1.4 label").decode()
    assert printed(Node(pdf), "application/pdf").content == b"%PDF-1.4 label"
    for value, code in (("", "label_missing"), ("%%%", "bad_label"), (pdf[:-3] + "!", "bad_label")):
        with pytest.raises(Unreadable) as fault:
            printed(Node(value), "application/pdf")
        assert fault.value.code == code
    with pytest.raises(Unreadable, match="wrong_label_format"):
        printed(Node(pdf), "image/png")


def test_people_are_struck_from_what_the_carrier_says() -> None:
    said = Refused("x", "ADA Q EXAMPLE at 45 Larkspur Street, apt 9, 62701-1234, ada@example.org is unknown to us")
    left = without_people(said, (request(),))
    assert left == Refused("x", "*** at ***, ***, ***, *** is unknown to us")


def test_gif_becomes_png_of_the_same_pixels_and_a_bomb_is_refused() -> None:
    def gif(width: int) -> Node:
        out = io.BytesIO()
        Image.new("L", (width, 1_000), 255).save(out, "GIF")
        return Node(base64.b64encode(out.getvalue()).decode())

    document = printed(gif(800), "image/gif")
    assert document.media_type == "image/png"
    assert Image.open(io.BytesIO(document.content)).size == (800, 1_000)
    lying = Image.open(io.BytesIO(printed(gif(1_400), "image/gif").content))
    assert lying.size == (1_000, 1_400)
    for broken in (gif(9_000), Node(base64.b64encode(b"GIF89a nothing").decode())):
        with pytest.raises(Unreadable, match="bad_label"):
            printed(broken, "image/gif")


def ups_request(service: str = "ground", pounds: str = "1.5", **changed: object) -> LabelRequest:
    fields = {**_fields(request(ADA, parcel(pounds))), "service": service, **changed}
    return LabelRequest(**fields)  # type: ignore[arg-type]


def shipment(asked: LabelRequest) -> dict[str, Any]:
    return dict(ups_writing.ship_body(asked, "A1B2C3", "ZPL")["ShipmentRequest"]["Shipment"])


def test_ups_ground_saver_below_a_pound_has_a_code_and_unit_of_its_own() -> None:
    light, heavy = shipment(ups_request("ground_saver", "0.5")), shipment(ups_request("ground_saver", "2"))
    assert light["Service"] == {"Code": "92"}
    assert light["Package"][0]["PackageWeight"] == {"UnitOfMeasurement": {"Code": "OZS"}, "Weight": "8.0"}
    assert heavy["Service"] == {"Code": "93"}
    assert heavy["Package"][0]["PackageWeight"]["UnitOfMeasurement"] == {"Code": "LBS"}
    with pytest.raises(NotSellable, match="multi_parcel"):
        shipment(ups_request("ground_saver", parcels=(parcel(), parcel())))


def test_ups_reference_stands_where_the_lane_wants_it() -> None:
    home, abroad = ADA, ADA.model_copy(update={"country": "CA", "region": "ON", "postcode": "M5V 3L9"})
    assert shipment(ups_request(receiver=home))["Package"][0]["ReferenceNumber"] == [{"Value": "R1"}]
    assert shipment(ups_request(receiver=abroad))["ReferenceNumber"] == [{"Value": "R1"}]
    assert "ReferenceNumber" not in shipment(ups_request(receiver=abroad))["Package"][0]
