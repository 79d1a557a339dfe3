"""`python -m linkstar_router.jobs.calendars`: closures ahead and the last safe ship dates before each, as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from linkstar_router.domain.calendars import CalendarBook, Closure, load_calendars
from linkstar_router.domain.packs import load_services
from linkstar_router.domain.tariff import Service
from linkstar_runtime.clock import Clock

__all__ = ["main"]


def main() -> None:
    """Print what lies ahead."""
    options = _parser().parse_args()
    since = options.since or Clock().now().date()
    ahead = _Ahead(load_calendars(), load_services(), options.region)
    json.dump(ahead.told(since, since + timedelta(days=options.days), options.carrier, options.by), sys.stdout)
    sys.stdout.write("\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m linkstar_router.jobs.calendars", description=__doc__)
    parser.add_argument("--since", type=date.fromisoformat)
    parser.add_argument("--days", type=int, default=45)
    parser.add_argument("--carrier")
    parser.add_argument("--region", default="", help="of warehouse and destination; by default the calendar's own")
    parser.add_argument("--by", type=date.fromisoformat, help="a day by which parcels have to be there")
    return parser


class _Ahead:
    """What a period brings, calendar by calendar."""

    def __init__(self, book: CalendarBook, services: tuple[Service, ...], region: str) -> None:
        self._book, self._services, self._region = book, services, region

    def told(self, since: date, until: date, carrier: str | None, by: date | None) -> dict[str, Any]:
        """Return closures, and for each of them (or for the day `by`) the last safe ship dates."""
        names = [name for name in self._book if carrier in (None, name) and self._serves(name)]
        return {
            "since": since.isoformat(), "until": until.isoformat(),
            "calendars": [self._calendar(name, since, until, by) for name in names],
        }  # fmt: skip

    def _serves(self, name: str) -> bool:
        return any(service.calendar == name for service in self._services)

    def _calendar(self, name: str, since: date, until: date, by: date | None) -> dict[str, Any]:
        closures = self._book.closures(name, self._region, since.toordinal(), until.toordinal())
        ends = [by.toordinal() + 1] if by else [closure.day for closure in closures if not closure.delivery]
        return {
            "calendar": name, "closures": [_closure(closure) for closure in closures],
            "last_safe": [line for end in ends for line in self._last_safe(name, end)],
        }  # fmt: skip

    def _last_safe(self, name: str, before: int) -> Iterator[dict[str, Any]]:
        calendar = self._book.between(name, self._region, self._region)
        for service in self._services:
            if service.calendar == name:
                for zones, transit in _lanes(service):
                    ship = calendar.last_safe(before, transit)
                    yield {
                        "before": date.fromordinal(before).isoformat(), "service": service.key, "zones": zones,
                        "transit_days": transit[1], "ship_by": ship and date.fromordinal(ship).isoformat(),
                    }  # fmt: skip


def _lanes(service: Service) -> list[tuple[str, tuple[int, int]]]:
    """Return the zones of a service, those with the same p90 together."""
    zones: dict[int, list[str]] = {}
    for zone, transit in service.transit.items():
        zones.setdefault(transit[1], []).append(zone)
    return [(f"{found[0]}-{found[-1]}" if len(found) > 1 else found[0], (p90, p90)) for p90, found in zones.items()]


def _closure(closure: Closure) -> dict[str, Any]:
    day = date.fromordinal(closure.day).isoformat()
    return {"date": day, "name": closure.name, "pickup": closure.pickup, "delivery": closure.delivery}


if __name__ == "__main__":
    main()
