"""Labels as their carrier printed them, in the format that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import pypdfium2 as pdfium

from linkstar_labeler.domain.connector import Document
from linkstar_labeler.domain.png import render_png

__all__ = ["FORMATS", "document_of"]

FORMATS = {"application/pdf": ("pdf", "png"), "application/zpl": ("zpl",), "image/png": ("png",)}
"""What a carrier's document can be given out as."""


def document_of(documents: Sequence[Document], form: str, parcel: int) -> bytes | None:
    """Return all parcels' labels as one document, a PNG of one parcel; None where the carrier's print has no such form."""
    wanted = documents[parcel - 1 : parcel] if form == "png" else documents
    if not all(form in FORMATS[each.media_type] for each in wanted):
        return None
    if form == "zpl":
        return b"\n".join(each.content for each in wanted)
    if form == "png":
        [one] = wanted
        return one.content if one.media_type == "image/png" else render_png(one.content, 0)
    return _merged(wanted)


def _merged(documents: Sequence[Document]) -> bytes:
    if len(documents) == 1:
        return documents[0].content
    merged = pdfium.PdfDocument.new()
    for each in documents:
        merged.import_pages(pdfium.PdfDocument(each.content))
    written = BytesIO()
    merged.save(written)
    return written.getvalue()
