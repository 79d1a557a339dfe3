"""When a carrier charges a label: mostly as it is made, some return labels only when they are first scanned."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from importlib.resources import files

from linkstar_contracts.events import RouteChosen

__all__ = ["charged_on_scan"]


def charged_on_scan(route: RouteChosen) -> bool:
    """True for a label whose price is only set aside until its first scan. It depends on the route alone, for ever."""
    if route.kind != "return":
        return False
    day = route.occurred_at.date()
    return any(start <= day and (end is None or day <= end) for start, end in _scanned().get(route.route.carrier, ()))


@cache
def _scanned() -> dict[str, list[tuple[date, date | None]]]:
    """Return by carrier the periods in which its return labels are charged on the first scan."""
    text = files("linkstar_labeler").joinpath("facts/charge_events.csv").read_text("utf-8")
    found: dict[str, list[tuple[date, date | None]]] = {}
    for row in csv.DictReader(text.splitlines()):
        end = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
        if (row["kind"], row["charged"]) == ("return", "first_scan"):
            found.setdefault(row["carrier"], []).append((date.fromisoformat(row["valid_from"]), end))
    return found
