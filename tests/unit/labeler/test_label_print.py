"""Printed labels: what is on the paper is read back by an independent decoder and equals the shipment."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdfium2 import PdfDocument
from unit.labeler.label_samples import AT, COUNTRY_OF, consignee, route

from linkstar_bench.labeler.paper import READERS
from linkstar_bench.labeler.reading import agrees
from linkstar_contracts.text import clean_text
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.number_range import letters_and_digits
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.countries import country_name
from linkstar_labeler.domain.label_layout import HEIGHT, WIDTH, Label, Text, lay_out
from linkstar_labeler.domain.pdf import render_pdf
from linkstar_labeler.domain.pictures import picture
from linkstar_labeler.domain.png import render_png
from linkstar_labeler.domain.zpl import field, render_zpl

DPI = 300
SERVICES = [(carrier.code, service) for carrier in CARRIERS.values() for service in carrier.services]


def printed(carrier: str, service: str, serial: int = 1234567, **changed: str) -> tuple[Label, str]:
    chosen = route(carrier, service)
    [number] = CARRIERS[carrier].number(service, [serial])
    receiver = consignee(COUNTRY_OF[carrier], **changed)
    return make_labels(CARRIERS[carrier], chosen, receiver, [number], AT)[0], number


def test_a_return_goes_to_the_warehouse() -> None:
    chosen = route(kind="return")
    [label] = make_labels(CARRIERS["usps"], chosen, consignee(), ["9405803699300124287899"], AT)
    assert label.receiver[0] == "US-NJ"
    assert label.sender[0] == "Ada Example"
    assert "42008817\x1d9405803699300124287899" in READERS["pdf"](label)


def test_an_address_names_its_country_in_full_only_abroad() -> None:
    number = "9405803699300124287899"
    [home] = make_labels(CARRIERS["usps"], route(), consignee(), [number], AT)
    assert (home.receiver[-1], home.sender[-1]) == ("Springfield NY 10001-1234", "08817")
    [abroad] = make_labels(CARRIERS["usps"], route(), consignee("CA"), [number], AT)
    assert (abroad.receiver[-1], abroad.sender[-1]) == ("CANADA", "UNITED STATES")
    back = route(kind="return")
    [inbound] = make_labels(CARRIERS["usps"], back, consignee("GB"), [number], AT)
    assert (inbound.receiver[-1], inbound.sender[-1]) == ("UNITED STATES", "UNITED KINGDOM")
    assert {"UNITED STATES", "UNITED KINGDOM"} <= {text.text for text in lay_out(inbound).texts}


def test_a_country_without_a_known_name_keeps_its_code() -> None:
    assert [country_name(code) for code in ("DE", "CN", "ZZ", "QQ")] == ["GERMANY", "CHINA", "ZZ", "QQ"]


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_a_label_of_a_test_order_says_so_large_and_still_scans(carrier: str) -> None:
    service = next(iter(CARRIERS[carrier].services))
    [number] = CARRIERS[carrier].number(service, [1234567])
    receiver = consignee(COUNTRY_OF[carrier])
    mark = "TEST - NOT FOR SHIPMENT"
    for test in (True, False):
        [label] = make_labels(CARRIERS[carrier], route(carrier, service, test=test), receiver, [number], AT)
        written = PdfDocument(render_pdf([label]))[0].get_textpage().get_text_range()
        assert [mark in paper for paper in (render_zpl(label), written)] == [test, test]
        assert [text.size for text in lay_out(label).texts if text.text == mark] == [56] * test
        assert not test or agrees(label, number, receiver.postcode, READERS["png"](label))


def test_each_parcel_has_its_own_label_and_page() -> None:
    chosen = route(parcels=3)
    numbers = CARRIERS["usps"].number("ground_advantage", [1, 2, 3])
    labels = make_labels(CARRIERS["usps"], chosen, consignee(), numbers, AT)
    assert [label.facts[0] for label in labels] == ["PARCEL 1/3", "PARCEL 2/3", "PARCEL 3/3"]
    pdf = render_pdf(labels)
    assert len({render_png(pdf, page) for page in range(3)}) == 3


def test_the_same_label_prints_the_same_bytes() -> None:
    label, _ = printed("usps", "ground_advantage")
    assert render_pdf([label]) == render_pdf([label])


def test_zpl_of_a_usps_label() -> None:
    label, number = printed("usps", "ground_advantage", name="José ^XA~JA_1")
    zpl = render_zpl(label)
    assert zpl.startswith("^XA^CI28^PW812^LL1218")
    assert zpl.endswith("^XZ\n")
    assert f"^BY3^BCN,235,N,N,N,N^FH^FD>;>842010001>8{number}^FS" in zpl
    assert "^FH^FDJos_C3_A9 _5EXA_7EJA_5F1^FS" in zpl


def test_zpl_of_a_ups_label_draws_maxicode_natively() -> None:
    label, number = printed("ups", "ground")
    assert f"^BD2,1,1^FH^FD003840100011234[)>_1E01_1D961Z{number[-8:]}_1DUPSN" in render_zpl(label)


# Neither surrogates nor unassigned code points, among which the non-characters: the contracts let none of them in.
printable = st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=60)
filled = printable.map(clean_text).filter(bool)


@settings(deadline=None)
@given(printable)
def test_no_command_character_reaches_the_printer(text: str) -> None:
    written = field(text).removeprefix("^FH^FD").removesuffix("^FS")
    assert not set(written) & set("^~\\")
    raw = bytearray()
    rest = written.encode()
    while rest:
        hexadecimal = rest[:1] == b"_"
        raw += bytes.fromhex(rest[1:3].decode()) if hexadecimal else rest[:1]
        rest = rest[3:] if hexadecimal else rest[1:]
    assert raw.decode() == text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SERVICES), filled, filled, filled, filled.map(lambda text: text[:16]).map(clean_text).filter(bool)
)
def test_any_validated_text_prints(
    service: tuple[str, str], name: str, street: str, region: str, postcode: str
) -> None:
    label, _ = printed(*service, name=name, street=street, region=region[:40], postcode=postcode)
    assert render_pdf([label]).startswith(b"%PDF")
    commands = render_zpl(label).replace("^FH^FD", "")
    assert "^XA" not in commands.removeprefix("^XA")
    for text in lay_out(label).texts:
        assert text.x + text.width <= WIDTH
        assert text.y + text.size <= HEIGHT


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SERVICES), filled, st.sampled_from(["order", "return"]), st.booleans())
def test_zpl_prints_what_is_laid_out_whatever_is_remembered(
    service: tuple[str, str], name: str, kind: str, test: bool
) -> None:
    carrier = CARRIERS[service[0]]
    chosen = route(*service, kind=kind, test=test)
    [number] = carrier.number(service[1], [7])
    [label] = make_labels(carrier, chosen, consignee(COUNTRY_OF[service[0]], name=name), [number], AT)
    assert label.from_warehouse == (kind == "order")
    texts = [f"^FO{text.x},{text.y}{_written(text)}" for text in lay_out(label).texts]
    for shown in (label, label._replace(from_warehouse=False), label):
        commands = render_zpl(shown)
        assert [line for line in commands.split("\n") if "^A0N" in line or "^GFA" in line] == texts
        assert commands == render_zpl(label)


def _written(text: Text) -> str:
    letters = f"^A0N,{text.size},{text.size}{field(text.text)}"
    return letters if max(text.text) <= "\xff" else picture(text)


@given(st.text(max_size=20))
def test_letters_and_digits_are_those_of_ascii(text: str) -> None:
    assert letters_and_digits(text) == "".join(char for char in text.upper() if char.isascii() and char.isalnum())
