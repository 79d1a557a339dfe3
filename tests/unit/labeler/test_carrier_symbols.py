"""What each carrier's scanner must find on a label, held against the carrier's own rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from unit.labeler.label_samples import AT, COUNTRY_OF, POSTCODES, consignee, route

from linkstar_contracts.values import Weight
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.number_range import Piece, Symbols
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.check_digits import leitcode, mod_11_10, mod_37_36
from linkstar_labeler.domain.symbols import Symbology, modules
from linkstar_labeler.domain.tracking_numbers import validate

GS, RS = "\x1d", "\x1e"
SERVICES = [(carrier.code, service) for carrier in CARRIERS.values() for service in carrier.services]


def piece(
    postcode: str, country: str, *, region: str = "", place: int = 1, count: int = 1, pounds: str = "1.5"
) -> Piece:
    weight = Weight(value=Decimal(pounds), unit="lb")
    return Piece(postcode, country, region, weight, date(2026, 11, 20), place, count)


def symbols(carrier: str, service: str, to: Piece | None = None, serial: int = 1234567) -> tuple[Symbols, str]:
    country = COUNTRY_OF[carrier]
    [number] = CARRIERS[carrier].number(service, [serial])
    return CARRIERS[carrier].symbols(number, service, to or piece(POSTCODES[country], country)), number


def test_usps_puts_the_destination_zip_before_the_number() -> None:
    made, number = symbols("usps", "priority_mail")
    assert made.tracking.symbology is Symbology.GS1_128
    assert made.tracking.elements == (("420", "10001"), ("94", number[2:]))
    assert number[2:5] == "055"
    abroad, number = symbols("usps", "priority_mail", piece("M5V 3L9", "CA"))
    assert abroad.tracking.elements == (("94", number[2:]),)


def test_ups_sorts_at_home_by_zip_plus_four() -> None:
    to = piece("10001-1234", "US", region="NY", place=2, count=3)
    made, number = symbols("ups", "2nd_day_air", to)
    assert made.data is not None
    assert made.routing is not None
    assert (made.data.primary, made.tracking.content) == ("100011234840002", number)
    assert made.routing.content == "420100011234"
    fields = ["961Z" + number[-8:], "UPSN", number[2:8], "324", "", "2/3", "2", "N", "", "", "NY"]
    assert made.data.content == f"[)>{RS}01{GS}" + GS.join(fields) + f"{RS}\x04"
    short, _ = symbols("ups", "ground", piece("10001", "US"))
    assert short.data is not None
    assert short.routing is not None
    assert (short.routing.content, short.data.primary) == ("42010001", "100010000840003")


def test_ups_sorts_abroad_by_country() -> None:
    made, _ = symbols("ups", "ground", piece("M5V 3L9", "CA"))
    assert made.data is not None
    assert made.routing is not None
    assert (made.data.primary, made.routing.content) == ("M5V3L9124003", "421124M5V3L9")
    assert len(modules(made.data).rows) > 0


def test_the_ups_class_of_surepost_is_988() -> None:
    """As on a label UPS itself made: `1Z4X7V81YW…` beside class 988."""
    made, number = symbols("ups", "ground_saver")
    assert made.data is not None
    assert (number[8:10], made.data.primary[-3:]) == ("YW", "988")


@pytest.mark.parametrize("service", ["2day", "priority_overnight"])
def test_fedex_express_bars_hold_zip_and_number(service: str) -> None:
    made, number = symbols("fedex", service)
    bars = made.tracking.content
    assert (len(bars), bars[15:20], bars[20:22], bars[22:]) == (34, "10001", "00", number)
    assert mod_11_10(bars[20:33]) == bars[33]
    assert made.data is not None
    assert f"{GS}FDE{GS}" in made.data.content


def test_fedex_ground_bars_hold_application_and_number() -> None:
    made, number = symbols("fedex", "ground")
    bars = made.tracking.content
    assert (bars[:9], bars[9:19], bars[20:22], bars[22:]) == ("962200190", "0" * 10, "00", number)
    assert made.data is not None
    head = [f"[)>{RS}01", "0210001" + "1234", "840", "019", number, "FDEG", "", "324", "", "1/1", "1.50LB"]
    fields = made.data.content.split(GS)
    assert fields[: len(head)] == head
    assert f"31Z{bars}" in fields


@pytest.mark.parametrize(
    ("carrier", "service", "to", "head", "tail"),
    [
        ("dpd-de", "classic", piece("10115", "DE"), "0010115", "101276"),
        ("dpd-de", "classic", piece("1010", "AT"), "0001010", "101040"),
        ("dpd-uk", "next_day", piece("SW1A 1AA", "GB"), "SW1A1AA", "112826"),
        ("dpd-uk", "next_day", piece("M1 1AE", "GB"), "00M11AE", "112826"),
    ],
)
def test_dpd_bars_are_28_characters_after_a_percent_sign(
    carrier: str, service: str, to: Piece, head: str, tail: str
) -> None:
    made, number = symbols(carrier, service, to)
    assert made.tracking.content == f"%{head}{number[:14]}{tail}{mod_37_36(head + number[:14] + tail)}"


def test_dhl_has_licence_plate_leitcode_and_identcode() -> None:
    made, number = symbols("dhl-de", "paket")
    assert made.tracking.elements == (("00", number[2:]),)
    assert made.routing is not None
    assert made.data is not None
    assert made.routing.content == f"1011500000001{leitcode('1011500000001')}"
    assert made.data.content == f"20261234567{leitcode('20261234567')}"
    assert (made.data.symbology, made.data.caption) == (Symbology.ITF, f"20.261 234.567 {made.data.content[-1]}")


@pytest.mark.parametrize(
    ("postcode", "target"), [("SW1A 1AA", "SW1A1AA9Z"), ("M1 1AE", "M11AE9Z  "), ("?", " " * 9), ("12345", " " * 9)]
)
def test_royal_mail_prints_a_mailmark_of_32_cells(postcode: str, target: str) -> None:
    made, number = symbols("royal-mail", "tracked_24", piece(postcode, "GB"))
    assert made.data is not None
    mark = made.data.content
    assert (mark[:7], mark[14:22], mark[22:31], mark[31]) == ("JGB 011", number[2:10], target, "0")
    assert (mark[32:45], mark[45:]) == (" " * 13, number)
    drawn = modules(made.data)
    assert (drawn.width, drawn.height) == (32, 32)


@pytest.mark.parametrize(("service", "letters"), [("home", "6A"), ("home_signature", "6C")])
def test_colissimo_numbers_tell_if_a_signature_is_due(service: str, letters: str) -> None:
    made, number = symbols("colissimo", service)
    assert (number[:2], len(number), made.tracking.content) == (letters, 13, number)
    assert validate("colissimo", number)
    assert made.tracking.caption == f"{number[:2]} {number[2:7]} {number[7:12]} {number[12]}"


@pytest.mark.parametrize(
    "carrier", ["canpar", "canada-post", "evri", "hermes-de", "mondial-relay", "chronopost", "parcelforce"]
)
def test_others_print_number_and_postcode(carrier: str) -> None:
    service = next(iter(CARRIERS[carrier].services))
    made, number = symbols(carrier, service)
    assert made.tracking.content == number
    assert made.data is not None
    assert made.data.content.startswith(f"{number}|")
    assert made.data.content.endswith(POSTCODES[COUNTRY_OF[carrier]].replace(" ", ""))


def test_every_parcel_tells_its_place() -> None:
    chosen = route("ups", "ground", parcels=3)
    numbers = CARRIERS["ups"].number("ground", [1, 2, 3])
    labels = make_labels(CARRIERS["ups"], chosen, consignee(), numbers, AT)
    places = [label.data.content.split(GS)[6] for label in labels if label.data]
    assert places == ["1/3", "2/3", "3/3"]


@pytest.mark.parametrize(("carrier", "service"), SERVICES)
@pytest.mark.parametrize("postcode", ["1", "M5V 3L9", "????", "12345678901234", "ẞ王"])
def test_no_postcode_stops_a_label(carrier: str, service: str, postcode: str) -> None:
    for country in ("US", "GB", "ZZ"):
        made, _ = symbols(carrier, service, piece(postcode, country))
        assert all(modules(symbol).rows for symbol in made if symbol)


@pytest.mark.parametrize(
    ("value", "unit", "pounds"), [("1.50", "lb", "1.50"), ("1", "kg", "2.21"), ("453.6", "g", "1.01")]
)
def test_pounds_are_rounded_up(value: str, unit: str, pounds: str) -> None:
    weight = Weight.model_validate({"value": value, "unit": unit})
    assert Piece("1", "US", "", weight, date(2026, 1, 1)).pounds == Decimal(pounds)
