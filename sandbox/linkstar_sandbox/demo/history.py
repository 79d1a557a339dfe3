"""One order's life as its events tell it, and the table of what became of all parcels."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.box import HEAVY_HEAD

from linkstar_sandbox.listing import Listing
from linkstar_sandbox.reader.evidence import Evidence, Record, Shipment
from linkstar_sandbox.reader.outcomes import Final, final_states

__all__ = ["history_table", "open_table", "order_history", "pick_order", "status_table"]

_TOPICS = (
    "orders-received", "order-changes", "routes-chosen", "labels", "carrier-scans", "tracking-updated",
    "exceptions-raised", "returns-updated",
)  # fmt: skip


def pick_order(evidence: Evidence) -> Shipment | None:
    """Return the order with the longest life among those that saw most of LinkStar: returned, else delivered."""
    finals = final_states(evidence)
    lengths = Counter(record.order for topic in _TOPICS for record in evidence.on(topic))
    for wanted in (Final.RETURNED, Final.DELIVERED):
        found = [order for order, final in finals.items() if final is wanted]
        if found:
            return max(sorted(found), key=lambda order: lengths[order])
    return None


def order_history(evidence: Evidence, order: Shipment) -> list[Record]:
    """Return each event of the order once, in order of its business time."""
    events = {record.id: record for topic in _TOPICS for record in evidence.on(topic) if record.order == order}
    return sorted(events.values(), key=lambda record: (record.body["occurred_at"], _TOPICS.index(record.topic)))


def history_table(events: list[Record]) -> Listing:
    """Return the history as a table."""
    columns = ("business time (UTC)", "event", "v", "shipment", "what")
    table = Listing(*columns, box=HEAVY_HEAD, prose={"what"}, spare=("v",))
    for record in events:
        name = record.type.removeprefix("linkstar.").removesuffix(".v1")
        table.add_row(
            record.body["occurred_at"][:16].replace("T", " "), name, str(record.version), record.shipment[1], _gist(record)
        )  # fmt: skip
    return table


def _gist(record: Record) -> str:
    body = record.body
    match record.type.removeprefix("linkstar.").removesuffix(".v1"):
        case "order.received":
            place = body["destination"]
            where = f"{place['city']} {place['postcode']} {place['country']}"
            return f"{body['kind']}, warehouse {body['warehouse']['code']}, customer in {where}"
        case "route.chosen":
            route = body["route"]
            return f"{route['carrier']} {route['service']}, zone {route['zone'] or '-'}, {_money(route['total'])}"
        case "label.created":
            numbers = ", ".join(parcel["tracking_number"] for parcel in body["parcels"])
            return f"{body['carrier']} {body['service']} {numbers}, {_money(body['total'])}"
        case "label.voided":
            return f"attempt {body['route_version']}, refund {_money(body['refund'])}"
        case "scan.recorded":
            place = body.get("place", {})
            return f"{body['code']} {body.get('text', '')} · {place.get('city', '')} {place.get('postcode', '')}"
        case "tracking.updated":
            return str(body["status"])
        case "exception.raised":
            return f"{body['code']} {body['state']}"
        case "return.updated":
            return f"{body['origin']} return {body['state']}"
    return ""


def _money(amount: dict[str, Any]) -> str:
    return f"{amount['amount_minor'] / 100:.2f} {amount['currency']}"


def open_table(evidence: Evidence) -> Listing:
    """Return the accepted orders that are neither delivered, returned nor cancelled, and what they wait for."""
    exceptions = evidence.open_exceptions()
    tracked = evidence.newest("tracking-updated", "tracking.updated")
    table = Listing("order", "tracked as", "open exceptions", box=HEAVY_HEAD, prose={"open exceptions"})
    for order, final in sorted(final_states(evidence).items()):
        if final is Final.OPEN:
            status = tracked[order].body["status"] if order in tracked else "-"
            table.add_row(order[1], status, ", ".join(sorted(exceptions.get(order, ()))))
    return table


def status_table(evidence: Evidence) -> Listing:
    """Return how many shipments stand in which status, by carrier."""
    statuses: Counter[tuple[str, str]] = Counter()
    tracked = evidence.newest("tracking-updated", "tracking.updated")
    for shipment, label in evidence.newest("labels", "label.created").items():
        newest = tracked.get(shipment)
        statuses[label.body["carrier"], newest.body["status"] if newest else "labelled"] += 1
    columns = [status for status, _ in Counter({s: n for (_, s), n in statuses.items()}).most_common()]
    table = Listing("carrier", *columns, "all", box=HEAVY_HEAD, right={*columns, "all"})
    for carrier in sorted({carrier for carrier, _ in statuses}):
        row = [statuses[carrier, status] for status in columns]
        table.add_row(carrier, *(str(count or "") for count in row), str(sum(row)))
    return table
