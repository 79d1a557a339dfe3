"""Amazon's unshipped-orders report: tab separated, one row per order item, order columns repeated on each."""

from __future__ import annotations

from linkstar_sandbox.order_files.drafts import Draft, Line
from linkstar_sandbox.order_files.tables import FileFormat, Row

__all__ = ["AMAZON"]

_COLUMNS = (
    "order-id", "order-item-id", "purchase-date", "payments-date", "reporting-date", "promise-date",
    "days-past-promise", "buyer-email", "buyer-name", "buyer-phone-number", "sku", "product-name",
    "quantity-purchased", "quantity-shipped", "quantity-to-ship", "ship-service-level", "recipient-name",
    "ship-address-1", "ship-address-2", "ship-address-3", "ship-city", "ship-state", "ship-postal-code",
    "ship-country", "is-business-order", "purchase-order-number", "price-designation", "is-sold-by-ab",
)  # fmt: skip
_LEVELS = {"standard": "Standard", "economy": "FreeEconomy", "expedited": "Expedited"}


def _rows(draft: Draft) -> list[Row]:
    return [_row(draft, line, index) for index, line in enumerate(draft.lines, 1)]


def _row(draft: Draft, line: Line, index: int) -> Row:
    person, place = draft.person, draft.place
    return {
        "order-id": draft.reference, "order-item-id": f"{draft.reference[-7:]}{index:07}",
        "purchase-date": draft.placed_at, "payments-date": draft.placed_at, "reporting-date": draft.placed_at,
        "promise-date": draft.ship_by, "days-past-promise": "0", "buyer-email": person.email,
        "buyer-name": person.name, "buyer-phone-number": person.phone, "sku": line.sku,
        "product-name": line.description, "quantity-purchased": line.quantity, "quantity-shipped": "0",
        "quantity-to-ship": line.quantity, "ship-service-level": _LEVELS[draft.level], "recipient-name": person.name,
        "ship-address-1": person.street, "ship-address-2": person.street2, "ship-city": place.city,
        "ship-state": place.region, "ship-postal-code": place.postcode, "ship-country": draft.country,
        "is-business-order": "false", "is-sold-by-ab": "false",
    }  # fmt: skip


AMAZON = FileFormat(
    channel="amazon", columns=_COLUMNS, delimiter="\t", rows=_rows, order_id=lambda draft: f"amazon-{draft.reference}",
    field={
        "name": "recipient-name", "street": "ship-address-1", "city": "ship-city", "region": "ship-state",
        "postcode": "ship-postal-code", "country": "ship-country", "quantity": "quantity-to-ship", "sku": "sku",
        "placed_at": "purchase-date",
    },
)  # fmt: skip
