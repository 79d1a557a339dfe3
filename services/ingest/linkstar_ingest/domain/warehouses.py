"""A tenant's warehouses, and which of them ships an order that names none."""

from __future__ import annotations

from collections.abc import Mapping

from linkstar_contracts.values import Warehouse
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.regions import region_code
from linkstar_ingest.domain.us_zips import us_zips

__all__ = ["AUTO", "choose_warehouse"]

AUTO = "auto"
"""Stands for `choose by destination` where a warehouse code is asked for."""
# States that lie wholly or mainly west of the Mississippi.
_WEST = frozenset({
    "AK", "AR", "AS", "AZ", "AP", "CA", "CO", "GU", "HI", "IA", "ID", "KS", "LA", "MN", "MO", "MP", "MT", "ND", "NE", "NM",
    "NV", "OK", "OR", "SD", "TX", "UT", "WA", "WY",
})  # fmt: skip


def choose_warehouse(wanted: str, warehouses: Mapping[str, Warehouse], country: str, region: str) -> Warehouse | Fault:
    """Return the warehouse of code `wanted`; for `auto` one in the destination's country, in the US the nearer coast."""
    if wanted != AUTO:
        return warehouses.get(wanted) or _unknown(wanted, sorted(warehouses))
    at_home = sorted((house for house in warehouses.values() if house.country == country), key=lambda house: house.code)
    if not at_home:
        return Fault(
            "warehouse_missing", "warehouse", f"there is no warehouse in {country}",
            "name a warehouse, or register one with PUT /v1/warehouses",
        )  # fmt: skip
    if country != "US":
        return at_home[0]
    west = region_code("US", region) in _WEST
    return next((house for house in at_home if _is_western(house) is west), at_home[0])


def _is_western(warehouse: Warehouse) -> bool:
    zip5 = us_zips().get(warehouse.postcode[:5])
    return zip5 is not None and zip5.state in _WEST


def _unknown(wanted: str, known: list[str]) -> Fault:
    return Fault(
        "warehouse_unknown", "warehouse", f"there is no warehouse {wanted}",
        f"use one of {', '.join(known[:20])}" if known else "register it with PUT /v1/warehouses",
    )  # fmt: skip
