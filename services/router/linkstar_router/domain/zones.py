"""Zones: USPS by its table of ZIP3 pairs, UPS and FedEx by imported charts or the same distance bands, Canada by FSA,
elsewhere one zone.

A zone taken from a table says `table`; a band of great-circle miles between ZIP3 centroids says `distance_estimate`.
"""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import partial
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt
from typing import Literal, NamedTuple

__all__ = ["BAND_MILES", "Zone", "ZoneCharts", "ZoneSource", "load_zone_charts", "zip3_of"]

ZoneSource = Literal["table", "distance_estimate", "none"]
BAND_MILES = (50, 150, 300, 600, 1000, 1400, 1800)
"""Upper limits of the zones 1 to 7; farther is zone 8."""
_EARTH_MILES = 3958.8
_PACIFIC = 969
_SHIPPED = files("linkstar_router") / "zones"
# UPS and FedEx sell no list rate of these tables beyond the contiguous states: their zone codes there differ.
_OFFSHORE = frozenset({6, 7, 8, 9, 967, 968, 969, *range(995, 1000)})


class Zone(NamedTuple):
    """A zone code of a carrier and where it was found; `none` means that the lane has no zone."""

    code: str
    source: ZoneSource


NO_ZONE = Zone("", "none")
_TABLE = tuple(Zone(str(number), "table") for number in range(10))
_ESTIMATE = tuple(Zone(str(number), "distance_estimate") for number in range(10))
_DOMESTIC = Zone("1", "table")


def zip3_of(postcode: str) -> int | None:
    """Return the 3-digit area of a US ZIP code as a number, or None when the text is no ZIP code."""
    head = postcode[:3]
    return int(head) if len(postcode) >= 5 and head.isascii() and head.isdigit() else None


class ZoneCharts:
    """Zone look-up for every zone system; immutable once loaded, apart from remembered distances."""

    def __init__(
        self, pairs: Iterable[tuple[int, int, int]], centroids: dict[int, tuple[float, float]], fsa: dict[str, int]
    ) -> None:
        self._table = bytearray(1_000_000)
        for origin, destination, zone in pairs:
            self._table[origin * 1000 + destination] = zone
        self._centroids = centroids
        self._bands = bytearray(1_000_000)
        self._fsa = fsa
        self._systems: dict[str, Callable[[str, str], Zone]] = {
            "usps": self.usps, "us_distance": self.us_distance, "ca_fsa": self.ca_fsa, "one": self.one,
            "named": self.named,
        }  # fmt: skip

    def with_charts(self, charts: Mapping[str, Mapping[tuple[int, int], str]]) -> ZoneCharts:
        """Return these with the zone system `us_distance/CARRIER` for each chart; beyond a chart the estimate stands."""
        made = copy(self)
        looks = {f"us_distance/{carrier}": partial(self._charted, chart) for carrier, chart in charts.items()}
        made._systems = {**self._systems, **looks}
        return made

    def _charted(self, chart: Mapping[tuple[int, int], str], origin: str, destination: str) -> Zone:
        start, end = zip3_of(origin), zip3_of(destination)
        zone = "" if start is None or end is None else chart.get((start, end), "")
        return Zone(zone, "table") if zone else self.us_distance(origin, destination)

    def find(self, system: str, origin: str, destination: str) -> Zone:
        """Return the zone of a lane in a zone system named by a tariff."""
        return self._systems[system](origin, destination)

    def usps(self, origin: str, destination: str) -> Zone:
        """USPS zone: the published table, else the distance band."""
        start, end = zip3_of(origin), zip3_of(destination)
        if start is None or end is None:
            return NO_ZONE
        known = self._table[start * 1000 + end]
        return _TABLE[known] if known else self.estimate(start, end)

    def us_distance(self, origin: str, destination: str) -> Zone:
        """UPS or FedEx base zone 2 to 8 of the contiguous states, always an estimate."""
        start, end = zip3_of(origin), zip3_of(destination)
        if start is None or end is None or start in _OFFSHORE or end in _OFFSHORE:
            return NO_ZONE
        zone = self.estimate(start, end)
        return _ESTIMATE[2] if zone.code == "1" else zone

    def estimate(self, origin: int, destination: int) -> Zone:
        """Return the distance band of two ZIP3 areas, or no zone when one of them has no centroid."""
        lane = origin * 1000 + destination
        band = self._bands[lane] or self._band(origin, destination)
        self._bands[lane] = band
        return _ESTIMATE[band] if band else NO_ZONE

    def _band(self, origin: int, destination: int) -> int:
        start, end = self._centroids.get(origin), self._centroids.get(destination)
        if start is None or end is None:
            return 0
        if destination == _PACIFIC:
            return 9
        return 1 if origin == destination else 1 + bisect_left(BAND_MILES, _miles(start, end))

    def ca_fsa(self, origin: str, destination: str) -> Zone:
        """Synthetic Canadian zone: steps between the postal regions of the two FSAs, 1 to 5; the north is 6."""
        start, end = self._fsa.get(origin[:1]), self._fsa.get(destination[:1])
        if start is None or end is None:
            return NO_ZONE
        return _ESTIMATE[6] if 0 in (start, end) else _ESTIMATE[min(1 + abs(start - end), 5)]

    def named(self, origin: str, destination: str) -> Zone:
        """No zone: which of the carrier's own zones a lane is in is not known."""
        return NO_ZONE

    def one(self, origin: str, destination: str) -> Zone:
        """The single domestic zone of a zone-free tariff."""
        return _DOMESTIC


def _miles(start: tuple[float, float], end: tuple[float, float]) -> float:
    lat1, lon1, lat2, lon2 = (radians(degrees) for degrees in (*start, *end))
    chord = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_MILES * asin(sqrt(chord))


def load_zone_charts() -> ZoneCharts:
    """Load the charts shipped with the router."""
    return ZoneCharts(read_pairs(), read_centroids(), _read_fsa())


def read_pairs() -> Iterable[tuple[int, int, int]]:
    """Yield `(origin ZIP3, destination ZIP3, zone)` of the shipped USPS table of 2019."""
    packed = _SHIPPED.joinpath("usps_zip3_zones_2019.csv.gz").read_bytes()
    for line in gzip.decompress(packed).decode().splitlines()[1:]:
        origin, destination, zone = line.split(",")
        yield int(origin), int(destination), int(zone)


def read_centroids() -> dict[int, tuple[float, float]]:
    """Return latitude and longitude in degrees by ZIP3."""
    rows = csv.DictReader(_SHIPPED.joinpath("zip3_centroids.csv").read_text().splitlines())
    return {int(row["zip3"]): (float(row["latitude"]), float(row["longitude"])) for row in rows}


def _read_fsa() -> dict[str, int]:
    rows = csv.DictReader(_SHIPPED.joinpath("ca_fsa_regions.csv").read_text().splitlines())
    return {row["fsa_letter"]: int(row["region"]) for row in rows}
