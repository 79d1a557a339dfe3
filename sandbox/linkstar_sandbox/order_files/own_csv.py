"""LinkStar's own CSV: one row per article, some orders in several parcels, and rows that cancel an order."""

from __future__ import annotations

from linkstar_sandbox.order_files.drafts import Draft, Line
from linkstar_sandbox.order_files.tables import FileFormat, Row

__all__ = ["OWN_CSV", "cancel_row"]

_COLUMNS = (
    "order_id", "row_kind", "placed_at", "warehouse", "service_level", "name", "company", "street", "street2", "city",
    "region", "postcode", "country", "phone", "email", "sku", "description", "quantity", "unit_price", "currency",
    "parcel", "weight", "weight_unit", "length", "width", "height", "size_unit",
)  # fmt: skip


def _rows(draft: Draft) -> list[Row]:
    apart = len(draft.lines) > 1 and draft.reference[-1] in "024"
    return [_row(draft, line, str(number) if apart else "") for number, line in enumerate(draft.lines, 1)]


def _row(draft: Draft, line: Line, parcel: str) -> Row:
    person, place = draft.person, draft.place
    length, width, height = draft.size
    return {
        "order_id": draft.reference, "row_kind": "order", "placed_at": draft.placed_at, "service_level": draft.level,
        "name": person.name, "street": person.street, "street2": person.street2, "city": place.city,
        "region": place.region, "postcode": place.postcode, "country": draft.country, "phone": person.phone,
        "email": person.email, "sku": line.sku, "description": line.description, "quantity": line.quantity,
        "unit_price": line.price, "currency": draft.currency, "parcel": parcel, "weight": draft.weight, "weight_unit": "kg",
        "length": length, "width": width, "height": height, "size_unit": "cm",
    }  # fmt: skip


def cancel_row(order_id: str) -> Row:
    """Return the row that cancels `order_id`."""
    return {"order_id": order_id, "row_kind": "cancel"}


OWN_CSV = FileFormat(
    channel="linkstar", columns=_COLUMNS, delimiter=",", rows=_rows, order_id=lambda draft: draft.reference,
    field={name: name for name in _COLUMNS},
)  # fmt: skip
