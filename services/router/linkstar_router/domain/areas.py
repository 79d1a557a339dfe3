"""Remote areas and islands: postcodes as sortable keys, matched against published ranges."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

__all__ = ["Areas", "postcode_key"]

_OUTWARD = re.compile(r"^([A-Z]{1,2})([0-9]{1,2})[A-Z]?$")


def postcode_key(country: str, postcode: str) -> str:
    """Return a postcode in sortable form: `IV1 1AA` and `IV1` become `IV01`, `de 25 980` becomes `25980`."""
    text = postcode.upper().strip()
    if country != "GB":
        return text.replace(" ", "")
    outward = text.split(" ", 1)[0] if " " in text else text[:-3] if len(text) > 4 else text
    match = _OUTWARD.match(outward)
    return f"{match[1]}{int(match[2]):02d}" if match else outward


class Areas:
    """Named areas of all countries; `of` returns the names that hold for a postcode."""

    def __init__(self, rows: Iterable[tuple[str, str, str, str]], names: Iterable[str] = ()) -> None:
        """Build from `(country, area, first key, last key)`; the ranges of one area must not overlap.

        `names` are areas that exist, with ranges or without.
        """
        found: dict[str, dict[str, list[tuple[str, str]]]] = {}
        for country, area, first, last in rows:
            found.setdefault(country, {}).setdefault(area, []).append((first, last))
        self._areas = {
            country: [(area, [first for first, _ in sorted(spans)], [last for _, last in sorted(spans)])
                      for area, spans in areas.items()]
            for country, areas in found.items()
        }  # fmt: skip
        self.names = frozenset(names) | {area for areas in found.values() for area in areas}

    def of(self, country: str, postcode: str) -> frozenset[str]:
        """Return the areas that `postcode` lies in."""
        known = self._areas.get(country)
        if known is None:
            return frozenset()
        key = postcode_key(country, postcode)
        return frozenset(area for area, firsts, lasts in known if _within(key, firsts, lasts))


def _within(key: str, firsts: list[str], lasts: list[str]) -> bool:
    at = bisect_right(firsts, key) - 1
    return at >= 0 and key[: len(lasts[at])] <= lasts[at]
