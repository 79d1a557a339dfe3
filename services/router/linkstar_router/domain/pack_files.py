"""Brings a pack as people keep it (folder or file; TOML, YAML, CSV, XLSX) into one form: texts by name."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from hashlib import blake2b
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

from linkstar_router.domain.published import Shelf, TariffError

__all__ = ["digest_of", "read_pack", "shelf_of"]

_TEXTS = (".toml", ".yaml", ".yml", ".csv")
_ALONE = ("zone_charts.csv", "exchange_rates.csv")
"""Files that need no manifest beside them."""
_LARGEST = 20_000_000
"""Bytes of a pack: the longest published list has a hundredth of it."""


def read_pack(path: Path) -> dict[str, str]:
    """Return the files of a pack as texts by name, workbooks as CSV; raises TariffError naming the file that cannot be read.

    A single file brings the price files beside it that it names.
    """
    found = dict(_folder(path, "") if path.is_dir() else _file(path))
    if not any(name.endswith((".toml", ".yaml", ".yml")) or name in _ALONE for name in found):
        what, fix = "no manifest or agreement (TOML or YAML)", "add one: docs/tariffs.md shows both"
        raise TariffError("manifest_missing", path.name, 0, what, fix)
    if sum(len(text) for text in found.values()) > _LARGEST:
        raise TariffError("pack_too_large", path.name, 0, f"more than {_LARGEST} bytes", "split it by carrier")
    return found


def shelf_of(texts: Mapping[str, str], below: Shelf | None) -> Shelf:
    """Return a shelf of texts that stand in no folder."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(texts):
            archive.writestr(name, texts[name])
    return Shelf(cast("Traversable", zipfile.Path(zipfile.ZipFile(packed))), below)


def digest_of(texts: Mapping[str, str]) -> str:
    """Return a short hash of the texts: equal packs have equal hashes."""
    digest = blake2b(digest_size=12)
    for name in sorted(texts):
        digest.update(name.encode() + b"\0" + texts[name].encode() + b"\0")
    return digest.hexdigest()


def _folder(folder: Path, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not prefix:
            yield from _folder(entry, f"{entry.name}/")
        elif entry.suffix in _TEXTS or entry.suffix == ".xlsx":
            yield _named(f"{prefix}{entry.name}"), _text(entry)


def _file(path: Path) -> Iterator[tuple[str, str]]:
    text = _text(path)
    yield _named(path.name), text
    for beside in sorted(path.parent.iterdir()):
        if beside != path and beside.suffix in (".csv", ".xlsx") and _named(beside.name) in text:
            yield _named(beside.name), _text(beside)


def _named(name: str) -> str:
    return f"{name.removesuffix('.xlsx')}.csv" if name.endswith(".xlsx") else name


def _text(path: Path) -> str:
    if path.suffix == ".xlsx":
        return _sheet(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TariffError("file_unreadable", path.name, 0, f"no UTF-8: {error.reason}", "save it as UTF-8") from error


def _sheet(path: Path) -> str:
    """Return the first sheet of a workbook as CSV."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        what = f"no workbook that can be read: {type(error).__name__}"
        raise TariffError("file_unreadable", path.name, 0, what, "save it anew as XLSX, or as CSV") from error
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in book.worksheets[0].iter_rows(values_only=True):
        if any(cell is not None for cell in row):
            writer.writerow([_cell(cell) for cell in row])
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)
