"""Seeded damage to order files: bytes, cells and rows of every channel's format, as text and as XLSX."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from openpyxl import Workbook

from linkstar_sandbox.order_files import build_order_book

__all__ = ["FileCase", "file_cases"]

BOOK = build_order_book(3, datetime.now(UTC) - timedelta(days=1))
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "gb18030", "cp1252")
HOSTILE = (
    "", " ", "\x00", "\ufeff", "=1+1", '="02108"', "'02108", "2108.0", "1E+18", "-1", "1e400", "NaN", "9" * 400, "٣",
    "½", "1,5",
    "0", "x" * 300, "x" * 33_000, "a\nb", "a\r\nb", '"', '""', '",', ";", "\t", "|", "^XA", "\u202e", "🚀" * 80,
    "e\u0301" * 60,
    "2026-02-30", "2026-11-01T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "yes", "cancel", "order",
    "NULL", "#N/A", "~R1", "ctl-rival-http", "../..", "<x>&lt;", "Zürich", "北京",
)  # fmt: skip
TYPED: tuple[Any, ...] = (
    0, -1, 2108, 10**14, 10**15, 10**40, 1.5, 1e-9, 1e300, -0.0, True, False, datetime(2026, 3, 1), time(10, 30),  # noqa: DTZ001
    timedelta(days=3), "=A1", "=SUM(A1:B2)", '=HYPERLINK("http://x","y")', "#N/A", "#REF!",
)  # fmt: skip


@dataclass(frozen=True)
class FileCase:
    """One file to import."""

    channel: str
    form: str
    damage: str
    raw: bytes


def file_cases(seed: int, count: int) -> Iterator[FileCase]:
    """Yield `count` files; every second one a workbook. The same seed gives the same files."""
    for number in range(count):
        rng = Random(f"{seed}|file|{number}")
        file = rng.choice(BOOK.files)
        delimiter = "\t" if file.channel == "amazon" else ","
        rows = _some_orders(rng, list(csv.reader(io.StringIO(_text(file.content)), delimiter=delimiter)), f"{number}")
        damage = rng.choice((_no_damage, _cells, _cells, _cells, _rows, _columns))
        damage(rng, rows)
        case = _workbook(rng, rows) if number % 2 else _delimited(rng, rows, delimiter)
        yield FileCase(file.channel, case[0], f"{damage.__name__.strip('_')} {case[1]}", case[2])


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("a file of the book in no known encoding")


def _some_orders(rng: Random, rows: list[list[Any]], mark: str) -> list[list[Any]]:
    """The header and a few rows, references made this case's own."""
    begin = rng.randrange(1, len(rows) - 12)
    taken = [list(row) for row in rows[begin : begin + rng.randrange(1, 12)]]
    for row in taken:
        row[0] = f"{row[0]}.{mark}" if row[0] else row[0]
    return [list(rows[0]), *taken]


# -- damage to the table -------------------------------------------------------------------------------------------------


def _no_damage(_rng: Random, _rows: list[list[Any]]) -> None:
    return


def _cells(rng: Random, rows: list[list[Any]]) -> None:
    for _ in range(rng.choice((1, 1, 2, 5))):
        row = rng.choice(rows[1:] if rng.random() < 0.9 else rows)
        row[rng.randrange(len(row))] = rng.choice(HOSTILE)


def _rows(rng: Random, rows: list[list[Any]]) -> None:
    row = rng.choice(rows)
    change: Callable[[], object] = rng.choice(
        (lambda: rows.append(list(row)), lambda: rows.remove(row), lambda: rows.insert(1, []), row.clear,
         lambda: row.extend(["more"] * 3), lambda: rows.insert(rng.randrange(len(rows)), list(rows[0])), row.pop,
         lambda: rows.extend([list(row)] * 200)),
    )  # fmt: skip
    change()


def _columns(rng: Random, rows: list[list[Any]]) -> None:
    width = max(map(len, rows))
    first, second = rng.randrange(width), rng.randrange(width)
    for row in rows:
        if len(row) > max(first, second):
            row[first], row[second] = row[second], row[first]
    if rows[0] and rng.random() < 0.5:
        rows[0][min(first, len(rows[0]) - 1)] = rng.choice((*HOSTILE, *map(str, rows[0])))


# -- text ----------------------------------------------------------------------------------------------------------------


def _delimited(rng: Random, rows: list[list[Any]], delimiter: str) -> tuple[str, str, bytes]:
    text = io.StringIO()
    used = delimiter if rng.random() < 0.8 else rng.choice(",;\t|:")
    writer = csv.writer(
        text, delimiter=used, lineterminator=rng.choice(("\r\n", "\n", "\r")), quoting=rng.choice((0, 0, 1))
    )
    writer.writerows(rows)
    raw = text.getvalue().encode(rng.choice(ENCODINGS), "replace")
    damage = rng.choice((_untouched, _untouched, *_BYTES))
    return "text", damage.__name__.strip("_"), damage(rng, raw)


def _untouched(_rng: Random, raw: bytes) -> bytes:
    return raw


def _flip(rng: Random, raw: bytes) -> bytes:
    body = bytearray(raw or b"?")
    for _ in range(rng.choice((1, 3, 30))):
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return bytes(body)


def _cut(rng: Random, raw: bytes) -> bytes:
    begin, end = sorted((rng.randrange(len(raw) + 1), rng.randrange(len(raw) + 1)))
    return rng.choice((raw[:end], raw[begin:], raw[:begin] + raw[end:]))


def _insert(rng: Random, raw: bytes) -> bytes:
    at = rng.randrange(len(raw) + 1)
    pieces = (
        b"\x00",
        b'"',
        b"\r",
        b"\n",
        b"\xff\xfe",
        b"\x1a",
        b"PK\x03\x04",
        rng.randbytes(40),
        b'"' * 7,
        b"\xd0\xcf\x11\xe0",
    )
    return raw[:at] + rng.choice(pieces) + raw[at:]


_BYTES = (_flip, _cut, _insert)


# -- workbooks -----------------------------------------------------------------------------------------------------------


def _workbook(rng: Random, rows: list[list[Any]]) -> tuple[str, str, bytes]:
    book = Workbook()
    for row in rows:
        book.active.append([_cell(cell) for cell in row])
    for _ in range(rng.choice((0, 1, 2))):
        at = rng.randrange(1, len(rows) + 2), rng.randrange(1, 30)
        book.active.cell(*at).value = rng.choice(TYPED)
    if rng.random() < 0.1:
        book.create_sheet("More", rng.choice((0, 1))).append(
            rng.choice((["note"], rows[0] and [_cell(one) for one in rows[0]]))
        )
    out = io.BytesIO()
    book.save(out)
    damage = rng.choice((_untouched, _untouched, *_BYTES, _parts, _parts))
    return "xlsx", damage.__name__.strip("_"), damage(rng, out.getvalue())


def _cell(cell: str) -> Any:
    """A cell as a spreadsheet would type it; what no workbook can hold is left out."""
    if cell.isascii() and cell.isdigit() and len(cell) < 12:
        return int(cell)
    kept = "".join(char for char in cell if char in "\t\n\r" or char >= " ")[:32_000]
    return kept.lstrip("=") or None


def _parts(rng: Random, raw: bytes) -> bytes:
    """Damage inside the package, which then still unpacks."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        chosen = rng.choice(("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", rng.choice(names)))
        for name in names:
            body = old.read(name)
            if name == chosen:
                body = rng.choice((*_BYTES, _values, _values, _values))(rng, body)
            if name != chosen or rng.random() < 0.95:
                new.writestr(name, body)
    return out.getvalue()


def _values(rng: Random, xml: bytes) -> bytes:
    """Numbers, references and types that no spreadsheet writes."""
    old, new = rng.choice(
        ((b"<v>", b"<v>9"), (b"<v>", b"<v>-"), (b"<v>", b"<v>1e999"), (b"<v>", b"<v>" + b"9" * 5_000), (b't="s"', b't="b"'),
         (b't="s"', b't="d"'), (b't="s"', b't="zz"'), (b't="s"', b't="inlineStr"'), (b't="n"', b't="e"'),
           (b'r="A', b'r="ZZZZ'),
         (b'r="', b'r="0'), (b'<row r="', b'<row r="9'), (b'<row r="2"', b'<row r="x"'), (b'<c r="B2"', b'<c'),
           (b"<row ", b"<rox "),
         (b"<si>", b"<si><si>"), (b"</t>", b"&#65534;</t>"), (b"<t>", b"<t>_x0000__xD800_"), (b"utf-8", b"utf-16"),
         (b"<sheetData>", b"<sheetData><row r=\"1048577\"/>"), (b's="', b's="99'))
    )  # fmt: skip
    return xml.replace(old, new, rng.choice((1, -1)))
