"""What a carrier that takes no such call over the network wants a seller to do instead: rows with their source."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["CarrierWay", "way_of"]


class CarrierWay(NamedTuple):
    """The carrier's own way, in English and Chinese, and where that is told."""

    en: str
    zh: str
    source: str


@lru_cache(maxsize=1)
def _ways() -> dict[tuple[str, str], CarrierWay]:
    table = files("linkstar_labeler").joinpath("facts/carrier_actions.csv").read_text("utf-8")
    return {
        (row["carrier"], row["action"]): CarrierWay(row["en"], row["zh"], row["source"])
        for row in csv.DictReader(table.splitlines())
    }


def way_of(carrier: str, action: str) -> CarrierWay:
    """Return the carrier's own way for an action, or what is true of carriers in general."""
    ways = _ways()
    return ways.get((carrier, action)) or ways["*", action]
