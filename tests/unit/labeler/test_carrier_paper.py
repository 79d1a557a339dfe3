"""Labels as carriers printed them: unchanged in their own format, readable in the others, on every paper."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import crc_hqx
from io import BytesIO
from zlib import decompress

import pytest
import zxingcpp
from PIL import Image
from pypdfium2 import PdfDocument
from unit.labeler.label_samples import AT, consignee, route

from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.printing import make_labels, make_slips
from linkstar_labeler.domain.carrier_paper import UnreadableLabel, as_pdf, as_png, as_zpl, impose
from linkstar_labeler.domain.connector import Document
from linkstar_labeler.domain.paper import PAPERS, Paper
from linkstar_labeler.domain.pdf import render_pdf, render_slip
from linkstar_labeler.domain.png import render_png

NUMBERS = CARRIERS["usps"].number("ground_advantage", [1, 2, 3])
LABELS = make_labels(CARRIERS["usps"], route(parcels=3), consignee(), NUMBERS, AT)
PDFS = [render_pdf([label]) for label in LABELS]
PDF = Document("application/pdf", PDFS[0])
PNG = Document("image/png", render_png(PDFS[0], 0, 203))
ZPL = Document("application/zpl", b"^XA^FDlabel^FS^XZ")
GRAPHIC = re.compile(rb"\^XA\^PW(\d+)\^LL\d+\^FO0,0\^GFA,(\d+),\2,(\d+),:Z64:([^:]+):([0-9A-F]{4})\^FS\^XZ\n")


def numbers(picture: Image.Image) -> list[str]:
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.AllLinear)
    return [bytes(code.bytes).decode().split("\x1d")[-1] for code in found]


def rasters(pdf: bytes) -> list[Image.Image]:
    return [Image.open(BytesIO(render_png(pdf, page, 216))) for page in range(len(PdfDocument(pdf)))]


def test_what_has_the_format_already_stays_as_it_is() -> None:
    assert (as_pdf(PDF), as_png(PNG, 300), as_zpl(ZPL, 300)) == (PDF.content, PNG.content, ZPL.content)


@pytest.mark.parametrize("document", [PDF, PNG], ids=["pdf", "png"])
@pytest.mark.parametrize("dpi", [203, 300])
def test_a_label_printer_gets_a_readable_picture(document: Document, dpi: int) -> None:
    found = GRAPHIC.fullmatch(as_zpl(document, dpi))
    assert found is not None
    width, total, row, packed, check = int(found[1]), int(found[2]), int(found[3]), found[4], found[5]
    assert int(check, 16) == crc_hqx(packed, 0)
    ink = decompress(b64decode(packed))
    assert (len(ink), width) == (total, 812 * dpi // 203)
    bits = Image.frombytes("1", (row * 8, total // row), ink).convert("L").point(lambda value: 255 - value)
    assert numbers(bits) == [NUMBERS[0]]


def test_pictures_and_pdfs_turn_into_each_other() -> None:
    assert numbers(Image.open(BytesIO(as_png(PDF, 203)))) == [NUMBERS[0]]
    [page] = rasters(as_pdf(PNG))
    assert numbers(page) == [NUMBERS[0]]


@pytest.mark.parametrize("paper", list(PAPERS.values()), ids=lambda paper: paper.name)
def test_carriers_labels_share_sheets(paper: Paper) -> None:
    position = len(paper.places)
    pages = [sorted(numbers(page)) for page in rasters(impose(PDFS, paper, position))]
    assert pages == ([[NUMBERS[0]], sorted(NUMBERS[1:])] if paper.is_sheet else [[number] for number in NUMBERS])


@pytest.mark.parametrize("paper", list(PAPERS.values()), ids=lambda paper: paper.name)
def test_carriers_labels_have_slips(paper: Paper) -> None:
    slips = make_slips(None, route(parcels=3), consignee(), NUMBERS, AT)
    pdf = impose(PDFS, paper, slips=[render_slip(slip, paper) for slip in slips])
    written = [page.get_textpage().get_text_range() for page in PdfDocument(pdf)]
    assert len(written) == (3 if paper.is_sheet else 6)
    assert [text.count("PACKING SLIP") for text in written] == ([1] * 3 if paper.is_sheet else [0, 1] * 3)
    assert "USPS GROUND_ADVANTAGE" in written[-1]
    assert numbers(rasters(pdf)[0]) == [NUMBERS[0]]


def test_a_label_of_several_pages_is_printed_whole() -> None:
    both = render_pdf(LABELS[:2])
    assert len(PdfDocument(impose([both, PDFS[2]], PAPERS["4x6"]))) == 3
    assert len(as_zpl(Document("application/pdf", both), 203).split(b"^XA")) == 3


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"<html>no label</html>", b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize("kind", ["application/pdf", "image/png"])
def test_what_is_no_label_is_told(kind: str, content: bytes) -> None:
    with pytest.raises(UnreadableLabel):
        as_pdf(Document(kind, content))
