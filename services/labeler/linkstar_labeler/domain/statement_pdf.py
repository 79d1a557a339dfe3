"""A statement on A4 paper."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from linkstar_labeler.domain.statements import WORDS, Movement, Statement, StatementLine, written
from linkstar_labeler.domain.typefaces import runs

__all__ = ["statement_pdf"]

_WIDTH, _HEIGHT = A4
_MARGIN, _LINE, _SIZE = 42, 13, 7.5
_PER_PAGE = 50
_LEFT = {"date": _MARGIN, "what": _MARGIN + 84, "shipment": _MARGIN + 214, "reference": _MARGIN + 318}
_RIGHT = {"amount": _WIDTH - _MARGIN - 62, "balance": _WIDTH - _MARGIN}
_ROOM = {"date": 82, "what": 126, "shipment": 100, "reference": 82, "amount": 58, "balance": 60}

Cells = dict[str, str]


def statement_pdf(statement: Statement, movements: Sequence[Movement], lang: str) -> bytes:
    """Return the statement as PDF: opening balance, entries, closing balance, sums by kind; the same bytes each time."""
    words = WORDS[lang]
    lines = [statement.add(movement) for movement in movements]
    rows = [
        {"what": words["opening"], "balance": written(statement.opening_minor, statement.currency)},
        *(_cells(line, statement.currency, lang) for line in lines),
        {"what": words["closing"], "balance": written(statement.balance_minor, statement.currency)},
        {},
        *(
            {"what": f"{words['total']}: {words.get(kind, kind)}", "amount": written(amount, statement.currency)}
            for kind, amount in sorted(statement.by_kind.items())
        ),
    ]
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    pages = [rows[start : start + _PER_PAGE] for start in range(0, len(rows), _PER_PAGE)]
    for number, page in enumerate(pages, 1):
        _page(canvas, statement, page, f"{words['page']} {number}/{len(pages)}", lang)
    canvas.save()
    return out.getvalue()


def _cells(line: StatementLine, currency: str, lang: str) -> Cells:
    movement = line.movement
    return {
        "date": f"{movement.posted_at:%Y-%m-%d %H:%M:%S}", "what": WORDS[lang].get(movement.kind, movement.kind),
        "shipment": movement.shipment_id or "", "reference": movement.reference,
        "amount": written(movement.amount_minor, currency), "balance": written(line.balance_minor, currency),
    }  # fmt: skip


def _page(canvas: Canvas, statement: Statement, rows: Sequence[Cells], page: str, lang: str) -> None:
    words = WORDS[lang]
    top = _HEIGHT - _MARGIN
    title = f"{words['statement']} · {statement.tenant} · {statement.month} · {statement.currency}"
    _write(canvas, title, _MARGIN, top, 12, _WIDTH - 2 * _MARGIN)
    _draw(canvas, {name: words[name] for name in _ROOM}, top - 2 * _LINE)
    canvas.line(_MARGIN, top - 2.3 * _LINE, _WIDTH - _MARGIN, top - 2.3 * _LINE)
    for place, cells in enumerate(rows):
        _draw(canvas, cells, top - (place + 3.3) * _LINE)
    _write(canvas, page, _MARGIN, _MARGIN - _LINE, _SIZE, 100)
    canvas.showPage()


def _draw(canvas: Canvas, cells: Cells, y: float) -> None:
    for name, text in cells.items():
        if name in _RIGHT:
            _write(canvas, text, _RIGHT[name] - min(_width(text, _SIZE), _ROOM[name]), y, _SIZE, _ROOM[name])
        else:
            _write(canvas, text, _LEFT[name], y, _SIZE, _ROOM[name])


def _write(canvas: Canvas, text: str, x: float, y: float, size: float, room: float) -> None:
    """Write text, smaller where it would not fit."""
    natural = _width(text, size)
    size *= min(1.0, room / natural) if natural else 1.0
    line = canvas.beginText(x, y)
    for face, run in runs(text):
        line.setFont(face, size)
        line.textOut(run)
    canvas.drawText(line)


def _width(text: str, size: float) -> float:
    return float(sum(stringWidth(run, face, size) for face, run in runs(text)))
