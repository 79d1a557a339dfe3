"""Papers and packing slips: every label is whole, in its place, readable, and every order line is on a slip."""

from __future__ import annotations

from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from pypdfium2 import PdfDocument
from unit.labeler.label_samples import AT, COUNTRY_OF, consignee, route

from linkstar_contracts.values import Item
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.printing import make_labels, make_slips
from linkstar_labeler.domain.label_layout import Label
from linkstar_labeler.domain.packing_slip import Slip
from linkstar_labeler.domain.paper import LABEL, PAPERS, Paper
from linkstar_labeler.domain.pdf import render_pdf
from linkstar_labeler.domain.png import render_png
from linkstar_labeler.domain.zpl import render_zpl


def parcels(count: int, carrier: str = "usps", **changed: object) -> tuple[list[Label], list[Slip]]:
    service = next(iter(CARRIERS[carrier].services))
    chosen = route(carrier, service, parcels=count).model_copy(update=changed)
    numbers = CARRIERS[carrier].number(service, range(1, count + 1))
    args = (CARRIERS[carrier], chosen, consignee(COUNTRY_OF[carrier]), numbers, AT)
    return make_labels(*args), make_slips(*args)


def lines(count: int, parcel: int | None = None) -> tuple[Item, ...]:
    return tuple(
        Item(sku=f"SKU-{number:03d}", description=f"Thing {number} 商品", quantity=number, parcel=parcel)
        for number in range(1, count + 1)
    )


def written(pdf: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in PdfDocument(pdf)]


def read(pdf: bytes, page: int = 0) -> list[tuple[str, int, int]]:
    """Contents of the linear symbols of a page, with their place in points."""
    picture = Image.open(BytesIO(render_png(pdf, page, 216)))
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.AllLinear)
    return [
        (bytes(code.bytes).decode(), code.position.top_left.x // 3, code.position.top_left.y // 3) for code in found
    ]


@pytest.mark.parametrize("position", [1, 2, 3, 4])
def test_a_half_used_sheet_is_used_up(position: int) -> None:
    paper = PAPERS["a4"]
    labels, _ = parcels(4)
    pdf = render_pdf(labels, paper, position)
    pages = written(pdf)
    first = 5 - position
    assert [text.count("PARCEL ") for text in pages] == ([4] if position == 1 else [first, 4 - first])
    for number, (area, label) in enumerate(zip(paper.places[position - 1 :], labels, strict=False), 1):
        here = [code for code, x, y in read(pdf) if _within(area, x, y)]
        assert here == ["\x1d".join(identifier + value for identifier, value in label.tracking.elements)]
        assert f"PARCEL {number}/4" in pages[0]


def _within(area: tuple[float, float, float, float], x: int, y: int) -> bool:
    left, top, width, height = area
    return left <= x < left + width and top <= y < top + height


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_every_carrier_is_read_at_the_smallest_scale(carrier: str) -> None:
    [label], _ = parcels(1, carrier)
    assert _content(label) in [code for code, _, _ in read(render_pdf([label], PAPERS["letter"]))]


@pytest.mark.parametrize("paper", list(PAPERS.values()), ids=lambda paper: paper.name)
def test_a_page_has_the_size_of_its_paper(paper: Paper) -> None:
    labels, _ = parcels(1)
    assert PdfDocument(render_pdf(labels, paper))[0].get_size() == pytest.approx((paper.width, paper.height), abs=0.1)


def _content(label: Label) -> str:
    elements = label.tracking.elements
    return "\x1d".join(identifier + value for identifier, value in elements) if elements else label.tracking.content


def test_on_its_own_paper_a_label_has_its_own_size() -> None:
    assert (LABEL.width, LABEL.height, LABEL.places[0].scale) == (288, 432, 1)
    assert [round(paper.places[0].scale, 2) for paper in PAPERS.values()] == [1, 0.97, 0.97, 0.92]


@pytest.mark.parametrize("paper", list(PAPERS.values()), ids=lambda paper: paper.name)
def test_a_slip_follows_its_label(paper: Paper) -> None:
    labels, slips = parcels(2, items=(*lines(1, parcel=1), *lines(2, parcel=2)))
    pdf = render_pdf(labels, paper, slips=slips)
    pages = written(pdf)
    per_parcel = 1 if paper.is_sheet else 2
    assert len(pages) == 2 * per_parcel
    for place, pages_of_parcel in enumerate((pages[:per_parcel], pages[per_parcel:]), 1):
        together = "\n".join(pages_of_parcel)
        assert f"PARCEL {place}/2" in together
        assert ("SKU-002" in together) == (place == 2)
        assert "Thing 1 商品" in together
        assert "PACKING SLIP" in together
    assert _content(labels[1]) in [code for code, _, _ in read(pdf, per_parcel)]


@pytest.mark.parametrize("paper", list(PAPERS.values()), ids=lambda paper: paper.name)
def test_no_line_of_a_long_order_is_lost(paper: Paper) -> None:
    items = tuple(
        Item(sku="S" * 60 + f"{number:03d}", description="long text " * 19, quantity=1) for number in range(200)
    )
    labels, slips = parcels(1, items=items)
    pages = written(render_pdf(labels, paper, slips=slips))
    ends = "".join("".join(page.split()) for page in pages)
    assert all(f"S{number:03d}" in ends for number in range(200))
    assert len(pages) > 3


def test_lines_without_a_parcel_or_of_one_not_sent_stand_on_the_first_slip() -> None:
    _, slips = parcels(2, items=(*lines(1), *lines(1, parcel=9), *lines(1, parcel=2)))
    assert [len(slip.lines) for slip in slips] == [2, 1]
    _, (first, second) = parcels(2, items=lines(1))
    assert (len(first.lines), second.lines) == (1, ())
    assert second.note == "Every line of this order stands on the slip of another parcel."
    _, [empty] = parcels(1)
    assert empty.note == "The order was given without lines."


def test_a_return_has_a_return_slip_to_the_warehouse() -> None:
    _, [slip] = parcels(1, kind="return", items=lines(1))
    assert (slip.title, slip.receiver[0], slip.sender[0]) == ("RETURN SLIP", "US-NJ", "Ada Example")


def test_the_same_print_gives_the_same_bytes() -> None:
    labels, slips = parcels(2, items=lines(3))
    for paper in PAPERS.values():
        assert render_pdf(labels, paper, slips=slips) == render_pdf(labels, paper, slips=slips)


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_a_printer_of_300_dpi_gets_the_same_label_in_its_own_dots(carrier: str) -> None:
    [label], _ = parcels(1, carrier)
    coarse, fine = render_zpl(label), render_zpl(label, 300)
    assert fine.startswith("^XA^CI28^PW1200^LL1800^LH0,0")
    data = [[line.split("^FD", 1)[1] for line in zpl.split("\n") if "^FD" in line] for zpl in (coarse, fine)]
    assert data[0] == data[1]
