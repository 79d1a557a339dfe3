"""Acceptance of a submitted order: what must hold beyond its schema, and the fingerprint that tells a repeat from a
conflict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from linkstar_contracts.events import OrderCancelRequested, OrderChangeRequested, OrderSubmitted
from linkstar_contracts.facts.parcel_sizes import parcel_notices
from linkstar_contracts.values import Item, Parcel, SealedConsignee, Warehouse
from linkstar_ingest.domain.addresses import AssessedAddress, CorrectionPolicy, assess_address
from linkstar_ingest.domain.content import ContentPatch, OrderContent
from linkstar_ingest.domain.faults import Fault
from linkstar_ingest.domain.warehouses import choose_warehouse

__all__ = ["Acceptance", "accept", "assess_change", "fingerprint"]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An order that passed all checks, not yet sealed."""

    order: OrderSubmitted
    warehouse: Warehouse
    address: AssessedAddress
    fingerprint: bytes

    @property
    def key(self) -> tuple[str, str]:
        """Natural key: (tenant, order id)."""
        return self.order.tenant, self.order.order_id

    def content(self, sealed: SealedConsignee) -> OrderContent:
        """Return the content that events carry, with `sealed` in place of the consignee."""
        order = self.order
        return OrderContent(
            channel=order.channel, external_ref=order.external_ref, warehouse=self.warehouse,
            destination=self.address.destination, consignee=sealed, parcels=order.parcels, items=order.items,
            options=order.options, tags=order.tags, test=order.test,
            notices=self.address.notices + parcel_notices(self.warehouse.country, order.parcels),
        )  # fmt: skip


def accept(
    order: OrderSubmitted, warehouses: Mapping[str, Warehouse], policy: CorrectionPolicy = "apply"
) -> Acceptance | Fault:
    """Return the acceptance of `order`, or the first fault for which it can never be shipped."""
    fault = _check_parcels(order.parcels) or _check_items(order.items, order.parcels) or _check_dates(order)
    if fault is not None:
        return fault
    address = assess_address(order.consignee, order.residential, policy)
    if isinstance(address, Fault):
        return address
    place = address.destination
    warehouse = choose_warehouse(order.warehouse, warehouses, place.country, place.region)
    if isinstance(warehouse, Fault):
        return warehouse
    return Acceptance(order, warehouse, address, fingerprint(order))


def assess_change(
    change: OrderChangeRequested | OrderCancelRequested, policy: CorrectionPolicy = "apply"
) -> tuple[ContentPatch, AssessedAddress | None] | Fault | None:
    """Return the patch a change asks for, and its address that is still to be sealed into the patch; None for a cancel."""
    if isinstance(change, OrderCancelRequested):
        return None
    fault = _check_parcels(change.parcels) if change.parcels else None
    if fault is not None:
        return fault
    patch = ContentPatch(parcels=change.parcels, options=change.options)
    if change.consignee is None:
        return patch, None
    address = assess_address(change.consignee, None, policy)
    if isinstance(address, Fault):
        return address
    about_address = {"destination": address.destination, "address_notices": address.notices, "problem": address.problem}
    return patch.model_copy(update=about_address), address


def _check_parcels(parcels: tuple[Parcel, ...]) -> Fault | None:
    if [parcel.number for parcel in parcels] != list(range(1, len(parcels) + 1)):
        return Fault("parcel_numbers", "parcels", "are not numbered 1, 2, 3, …", "number them in order, from 1")
    if any(parcel.declared_value.amount_minor < 0 for parcel in parcels):
        return Fault("value_negative", "parcels.declared_value", "is below zero", "state the value of the goods")
    if len({parcel.declared_value.currency for parcel in parcels}) > 1:
        return Fault("currency_mixed", "parcels.declared_value", "differ in currency", "use one currency per order")
    return None


def _check_items(items: tuple[Item, ...], parcels: tuple[Parcel, ...]) -> Fault | None:
    if any(item.parcel is not None and item.parcel > len(parcels) for item in items):
        return Fault("item_parcel", "items.parcel", "names a parcel that the order has not", "use a parcel's number")
    return None


def _check_dates(order: OrderSubmitted) -> Fault | None:
    ship_by, deliver_by = order.options.ship_by, order.options.deliver_by
    if ship_by is not None and deliver_by is not None and deliver_by < ship_by:
        return Fault("deliver_before_ship", "options.deliver_by", "is before ship_by", "state dates in their order")
    return None


_NOT_CONTENT: dict[str, Any] = {
    "tenant": True, "order_id": True, "version": True, "occurred_at": True,
    "parcels": {"__all__": {"weight": {"value"}, "dimensions": {"length", "width", "height"}}},
    "options": {"ship_by", "deliver_by"},
}  # fmt: skip


def fingerprint(order: OrderSubmitted) -> bytes:
    """Return 16 bytes that are equal for equal content, however its numbers and times are written (1.50 lb = 1.5 lb)."""
    text = order.__pydantic_serializer__.to_json(order, exclude=_NOT_CONTENT)
    measures = [_plain(number) for parcel in order.parcels for number in _numbers(parcel)]
    times = [_plain_time(order.options.ship_by), _plain_time(order.options.deliver_by)]
    return blake2b("\n".join([text.decode(), *measures, *times]).encode(), digest_size=16).digest()


def _numbers(parcel: Parcel) -> tuple[Decimal, ...]:
    size = parcel.dimensions
    return parcel.weight.value, size.length, size.width, size.height


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _plain_time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat()
