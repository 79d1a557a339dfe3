"""The order in which a warehouse takes labels from the printer: the way it picks the goods."""

from __future__ import annotations

from linkstar_contracts.events import RouteChosen

__all__ = ["pick_order"]


def pick_order(route: RouteChosen) -> tuple[str, str, list[tuple[str, int]], str]:
    """Return the sort key of a shipment: warehouse, carrier, then its goods by SKU and quantity, so that shipments with the
    same goods follow each other; the shipment id decides between equals.
    """
    goods = sorted((item.sku, item.quantity) for item in route.items)
    return route.warehouse.code, route.route.carrier, goods, route.shipment_id
