"""The time zone of a place, for carriers that print the depot's clock and name neither zone nor offset."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files

from linkstar_contracts.events import Place

__all__ = ["zone_of"]


@lru_cache(maxsize=1)
def _zones() -> dict[tuple[str, str], str]:
    table = files("linkstar_tracker.domain").joinpath("place_zones.csv").read_text("utf-8")
    return {(row["country"], row["region"]): row["timezone"] for row in csv.DictReader(table.splitlines())}


def zone_of(place: Place) -> str:
    """Return the IANA zone of a place by country and region; empty when they do not tell.

    A state or province with two zones has that of most of its people: a scan at its edge may be an hour off.
    """
    zones = _zones()
    return zones.get((place.country, place.region.upper())) or zones.get((place.country, ""), "")
