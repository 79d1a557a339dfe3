"""The summary of an evidence pack on A4 paper: every entry in words, with the hashes that the JSON beside it proves."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas

from linkstar_contracts.evidence_chain import EvidenceEntry
from linkstar_contracts.evidence_pack import EvidencePack

__all__ = ["SUMMARY_FILE", "summary_pdf"]

SUMMARY_FILE = "summary.pdf"
_WIDTH, _HEIGHT = A4
_MARGIN, _LEADING = 48.0, 12.0
_LATIN, _WIDE = "Helvetica", "STSong-Light"
_MOST = 2_000

registerFont(UnicodeCIDFont(_WIDE))


def summary_pdf(pack: EvidencePack) -> bytes:
    """Return the summary, the same bytes for the same pack."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    canvas.setTitle(f"Evidence of shipment {pack.shipment_id}")
    y = 0.0
    for size, line in _lines(pack):
        if y < _MARGIN:
            if y:
                canvas.showPage()
            y = _HEIGHT - _MARGIN
        canvas.setFont(_face(line), size)
        canvas.drawString(_MARGIN, y, line)
        y -= _LEADING if size < 14 else 2 * _LEADING
    canvas.save()
    return out.getvalue()


def _lines(pack: EvidencePack) -> Iterator[tuple[float, str]]:
    yield 16, f"Evidence of shipment {pack.shipment_id}"
    yield 9, f"Order {pack.order_id} of {pack.tenant}, exported {pack.exported_at}, {pack.count} entries"
    yield 9, f"Head of the chain {pack.head}"
    yield 9, "Verify the file evidence.json beside this page: linkstar evidence verify FILE"
    for entry in pack.entries:
        yield 9, ""
        yield 10, f"{entry.number}. {entry.kind}, recorded {entry.recorded_at}"
        for line in _wrapped(_told(entry) + _content(pack, entry)):
            yield 9, line
        yield 7, f"SHA-256 {entry.hash}"


def _told(entry: EvidenceEntry) -> str:
    if entry.fact is None:
        return f"Withheld; the hash of what is withheld is {entry.fact_sha256}"
    return ("; ".join(_pairs("", entry.fact)))[:_MOST]


def _content(pack: EvidencePack, entry: EvidenceEntry) -> str:
    """What is shown of a paper: its text, or where its file lies."""
    shown = (pack.contents or {}).get(str(entry.number))
    if shown is None:
        standings = [paper.standing for paper in pack.papers() if paper.number == entry.number]
        return f"; content {standings[0]}" if standings else ""
    return f"; {shown.form}: {shown.content[:_MOST]}" if shown.form in {"text", "file"} else ""


def _pairs(name: str, value: Any) -> Iterator[str]:
    """Name every leaf by its path; what says nothing is left out."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _pairs(f"{name}.{key}" if name else key, each)
    elif isinstance(value, list):
        for place, each in enumerate(value, 1):
            yield from _pairs(f"{name} {place}", each)
    elif value not in (None, "", False):
        yield f"{name}: {value}"


def _wrapped(text: str) -> list[str]:
    lines: list[str] = simpleSplit(text, _face(text), 9, _WIDTH - 2 * _MARGIN)
    return lines


def _face(line: str) -> str:
    return _LATIN if all(ord(char) < 256 for char in line) else _WIDE
