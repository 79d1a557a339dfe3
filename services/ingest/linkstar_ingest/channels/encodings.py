"""Encodings of order files: what Excel, Amazon and Chinese ERPs write, told apart without asking."""

from __future__ import annotations

import codecs
import re

from linkstar_ingest.domain.faults import Fault, Refusal

__all__ = ["decode"]

_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decode(raw: bytes) -> str:
    """Return the text of an order file: UTF-8 or UTF-16 with or without BOM, GB18030, Windows-1252.

    Raises Refusal when no encoding fits.
    """
    marked = next((name for bom, name in _BOMS if raw.startswith(bom)), None)
    for encoding in [marked] if marked else ["utf-8", _legacy(raw)]:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.count("\0") * 4 <= len(text):
            return text
    raise Refusal(Fault("encoding_unknown", "file", "is in no encoding we know", "save it as CSV UTF-8"))


def _legacy(raw: bytes) -> str:
    """Tell Chinese from western bytes: Chinese characters are pairs of high bytes, accented letters stand alone."""
    runs = [len(run) for run in _HIGH_RUNS.findall(raw[:1_000_000])]
    paired = sum(length for length in runs if length % 2 == 0)
    return "gb18030" if paired * 2 > sum(runs) else "cp1252"
