"""Labels as carriers printed them, in the format and on the paper asked for. What already has that form stays as it is."""

from __future__ import annotations

from base64 import b64encode
from binascii import crc_hqx
from collections.abc import Iterator, Sequence
from io import BytesIO
from zlib import compress

import pypdfium2
from PIL import Image, UnidentifiedImageError
from pypdfium2 import PdfDocument, PdfMatrix, PdfPage
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from linkstar_labeler.domain.connector import Document
from linkstar_labeler.domain.label_layout import DOTS_PER_INCH, HEIGHT, WIDTH
from linkstar_labeler.domain.paper import LABEL, Area, Paper

__all__ = ["UnreadableLabel", "as_pdf", "as_png", "as_zpl", "impose"]


class UnreadableLabel(Exception):
    """What the carrier sent is not what it calls it."""


def as_pdf(document: Document) -> bytes:
    """Return the label as PDF. ZPL cannot be turned into one here: do not ask."""
    if document.media_type == "application/pdf":
        _pages(document.content)
        return document.content
    out = BytesIO()
    canvas = Canvas(out, pagesize=(LABEL.width, LABEL.height), invariant=True)
    picture = ImageReader(_picture(document.content))
    canvas.drawImage(picture, 0, 0, LABEL.width, LABEL.height, preserveAspectRatio=True)
    canvas.save()
    return out.getvalue()


def as_png(document: Document, dpi: int) -> bytes:
    """Return the label, or the first page of it, as a picture."""
    if document.media_type == "image/png":
        return document.content
    out = BytesIO()
    _rasters(document.content, dpi)[0].save(out, format="PNG")
    return out.getvalue()


def as_zpl(document: Document, dpi: int) -> bytes:
    """Return the label for a label printer; what is not ZPL goes to it as a picture of each page."""
    if document.media_type == "application/zpl":
        return document.content
    if document.media_type == "image/png":
        return _graphic(_fitted(_picture(document.content), dpi))
    return b"".join(_graphic(_fitted(page, dpi)) for page in _rasters(document.content, dpi))


def impose(labels: Sequence[bytes], paper: Paper, position: int = 1, slips: Sequence[bytes] = ()) -> bytes:
    """Return one PDF with every page of `labels` (PDFs) in its place of the paper, from place `position` on; with `slips`
    (PDFs of this paper, one per label) beside them or before them.
    """
    target = PdfDocument.new()
    if slips:
        _with_slips(target, labels, paper, slips)
    else:
        _in_places(target, labels, paper, position)
    out = BytesIO()
    target.save(out)
    target.close()
    return out.getvalue()


def _in_places(target: PdfDocument, labels: Sequence[bytes], paper: Paper, position: int) -> None:
    sheet: PdfPage | None = None
    pages = ((source, index) for label in labels for source in [PdfDocument(label)] for index in range(len(source)))
    for place, (source, index) in enumerate(pages, position - 1):
        here = place % len(paper.places)
        if sheet is None or here == 0:
            sheet = target.new_page(paper.width, paper.height)
        _put(target, sheet, source, index, paper.places[here], paper)


def _with_slips(target: PdfDocument, labels: Sequence[bytes], paper: Paper, slips: Sequence[bytes]) -> None:
    for label, slip in zip(labels, slips, strict=True):
        source, first = PdfDocument(label), len(target)
        if paper.is_sheet:
            target.import_pages(PdfDocument(slip))
            _put(target, target[first], source, 0, paper.places[0], paper)
        for index in range(1 if paper.is_sheet else 0, len(source)):
            page = target.new_page(paper.width, paper.height)
            _put(target, page, source, index, paper.places[0], paper)
        if not paper.is_sheet:
            target.import_pages(PdfDocument(slip))


def _put(target: PdfDocument, sheet: PdfPage, source: PdfDocument, index: int, area: Area, paper: Paper) -> None:
    """Copy a page into an area as it is, made smaller if need be."""
    width, height = source[index].get_size()
    scale = min(1.0, area.width / width, area.height / height)
    copy = source.page_as_xobject(index, target).as_pageobject()
    left = area.left + (area.width - width * scale) / 2
    copy.set_matrix(PdfMatrix().scale(scale, scale).translate(left, paper.height - area.top - height * scale))
    sheet.insert_obj(copy)
    sheet.gen_content()


def _pages(pdf: bytes) -> PdfDocument:
    try:
        document = PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        raise UnreadableLabel("not a PDF") from error
    if len(document) == 0:
        raise UnreadableLabel("a PDF without pages")
    return document


def _rasters(pdf: bytes, dpi: int) -> list[Image.Image]:
    return [page.render(scale=dpi / 72, grayscale=True).to_pil() for page in _iterate(_pages(pdf))]


def _iterate(document: PdfDocument) -> Iterator[PdfPage]:
    return (document[index] for index in range(len(document)))


def _picture(png: bytes) -> Image.Image:
    try:
        picture = Image.open(BytesIO(png))
        picture.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, SyntaxError) as error:
        raise UnreadableLabel("not a PNG") from error
    return picture.convert("L")


def _fitted(picture: Image.Image, dpi: int) -> Image.Image:
    """Return the picture inside a label of this many dots an inch."""
    size = (WIDTH * dpi // DOTS_PER_INCH, HEIGHT * dpi // DOTS_PER_INCH)
    scale = min(1.0, size[0] / picture.width, size[1] / picture.height)
    if scale < 1:
        picture = picture.resize((int(picture.width * scale), int(picture.height * scale)))
    page = Image.new("L", size, 255)
    page.paste(picture, (0, 0))
    return page


def _graphic(page: Image.Image) -> bytes:
    """`^GFA` with the bits compressed as Zebra's Z64."""
    ink = page.point(lambda value: 255 if value < 128 else 0, mode="1").tobytes()
    row = (page.width + 7) // 8
    packed = b64encode(compress(ink))
    return b"^XA^PW%d^LL%d^FO0,0^GFA,%d,%d,%d,:Z64:%b:%04X^FS^XZ\n" % (
        page.width, page.height, len(ink), len(ink), row, packed, crc_hqx(packed, 0),
    )  # fmt: skip
