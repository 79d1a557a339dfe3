"""Islands and remote areas where carriers ask a surcharge or refuse: `remote_areas.csv`, facts with their source."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib.resources import files

from linkstar_contracts.values import Notice

__all__ = ["remote_notices"]


@lru_cache(maxsize=1)
def _areas() -> dict[tuple[str, str, str], Notice]:
    with (files(__package__) / "remote_areas.csv").open(encoding="utf-8") as rows:
        return {(row["country"], row["match"], row["code"]): _notice(row) for row in csv.DictReader(rows)}


def _notice(row: dict[str, str]) -> Notice:
    return Notice(code="remote_area", detail=f"{row['area']}: surcharge or longer transit ({row['source']})")


@lru_cache(maxsize=16_384)
def remote_notices(country: str, region: str, postcode: str) -> tuple[Notice, ...]:
    """Return the remote-area notice of a routing postcode, if there is one; the narrowest match wins."""
    letters = re.match(r"[A-Z]*", postcode)
    keys = [("exact", postcode), *(("prefix", postcode[:length]) for length in (3, 2, 1))]
    keys += [("area", letters.group() if letters else ""), ("region", region)]
    areas = _areas()
    found = next((areas[country, *key] for key in keys if (country, *key) in areas), None)
    return (found,) if found else ()
