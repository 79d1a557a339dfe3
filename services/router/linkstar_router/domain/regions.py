"""The region of a country that a postcode lies in, as far as regional holidays differ."""

from __future__ import annotations

import csv
from bisect import bisect_right
from functools import lru_cache
from importlib.resources import files

from linkstar_router.domain.areas import postcode_key

__all__ = ["Regions", "load_regions"]


class Regions:
    """Ranges of sortable postcodes with their region. Postcodes outside of every range have none: empty."""

    def __init__(self, rows: list[tuple[str, str, str, str]]) -> None:
        """Build from `(country, first key, last key, region)`; the ranges of a country must not overlap."""
        self._ranges: dict[str, tuple[list[str], list[str], list[str]]] = {}
        for country, first, last, region in sorted(rows):
            firsts, lasts, regions = self._ranges.setdefault(country, ([], [], []))
            if lasts and first <= lasts[-1]:
                raise ValueError(f"{country} {first}-{last} overlaps the range that ends with {lasts[-1]}")
            firsts.append(first)
            lasts.append(last)
            regions.append(region)
        self.of = lru_cache(maxsize=4096)(self._of)
        """`of(country, postcode)`: the region; few postcodes are asked for often."""

    def named(self, country: str) -> frozenset[str]:
        """Return the regions of a country."""
        return frozenset(self._ranges[country][2]) if country in self._ranges else frozenset()

    def _of(self, country: str, postcode: str) -> str:
        known = self._ranges.get(country)
        if known is None:
            return ""
        firsts, lasts, regions = known
        key = postcode_key(country, postcode)
        at = bisect_right(firsts, key) - 1
        return regions[at] if at >= 0 and key[: len(lasts[at])] <= lasts[at] else ""


def load_regions() -> Regions:
    """Return the shipped regions."""
    text = files("linkstar_router").joinpath("tariffs", "regions.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return Regions([(row["country"], row["first"], row["last"], row["region"]) for row in rows])
