"""A market of twenty services: what ships from the US, and copies of it under other names, each rated on its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, cycle, islice

from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.domain.tariff import Service

__all__ = ["SERVICES", "market"]

SERVICES = 20


def market(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with twenty US services that take a parcel to a home."""
    known = [service for service in snapshot.services if service.country == "US"]
    open_to_all = [service for service in known if service.receiver != "commercial" and service.takes == "any"]
    copies = (_copy(service, number) for number, service in enumerate(cycle(open_to_all)))
    return Snapshot(
        version="market", services=tuple(islice(chain(open_to_all, copies), SERVICES)), areas=snapshot.areas,
        exchange=snapshot.exchange,
        charts=snapshot.charts, calendars=snapshot.calendars, borders=snapshot.borders, regions=snapshot.regions,
    )  # fmt: skip


def _copy(service: Service, number: int) -> Service:
    name = f"{service.service}_{number}"
    return replace(service, service=name, key=f"{service.carrier}/{name}")
