"""A rendered label as a picture, for screens and for printers that take nothing else."""

from __future__ import annotations

from io import BytesIO

import pypdfium2

__all__ = ["render_png"]


def render_png(pdf: bytes, page: int = 0, dpi: int = 203) -> bytes:
    """Return one page of `pdf` as a PNG at `dpi`."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        picture = document[page].render(scale=dpi / 72, grayscale=True).to_pil()
    finally:
        document.close()
    out = BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()
