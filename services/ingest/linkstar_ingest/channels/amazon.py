"""Amazon's unshipped-orders report: tab separated, quotation marks are ordinary characters, one row per order item."""

from __future__ import annotations

from linkstar_ingest.channels.order_file import Channel, OrderFile, group_rows, service_level
from linkstar_ingest.channels.rows import Layout, Row
from linkstar_ingest.channels.table import read_table
from linkstar_ingest.domain.drafts import DraftLine, OrderDraft

__all__ = ["CHANNEL"]

_LAYOUT = Layout(
    identity="order-id",
    required=(
        "order-id", "sku", "product-name", "quantity-purchased", "ship-service-level", "recipient-name",
        "ship-address-1", "ship-city", "ship-state", "ship-postal-code", "ship-country",
    ),
    optional=(
        "purchase-date", "promise-date", "buyer-email", "buyer-phone-number", "quantity-to-ship", "ship-address-2",
        "ship-address-3", "ship-phone-number", "is-business-order",
    ),
    times=("purchase-date", "promise-date"),
)  # fmt: skip


def read(raw: bytes) -> OrderFile:
    """Read the report `GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING`, as downloaded from Seller Central."""
    groups, file = group_rows(read_table(raw, _LAYOUT, quoted=False), _LAYOUT.identity, order_id)
    for reference, rows in groups.items():
        lines = tuple(_line(row) for row in rows if _to_ship(row) != "0")
        if lines:
            file.drafts.append(_draft(reference, rows[0], lines))
        else:
            file.skipped += 1
    return file


CHANNEL: Channel = read


def order_id(reference: str) -> str:
    """Return our order id for Amazon's."""
    return f"amazon-{reference}"


def _to_ship(row: Row) -> str:
    return row["quantity-to-ship"] or row["quantity-purchased"]


def _line(row: Row) -> DraftLine:
    return DraftLine(row=row.line, sku=row["sku"], quantity=_to_ship(row), description=row["product-name"])


def _draft(reference: str, head: Row, lines: tuple[DraftLine, ...]) -> OrderDraft:
    second = ", ".join(filter(None, (head["ship-address-2"], head["ship-address-3"])))
    return OrderDraft(
        row=head.line, order_id=order_id(reference), channel="amazon", external_ref=reference, lines=lines,
        placed_at=head["purchase-date"], ship_by=head["promise-date"],
        options={"level": service_level(head["ship-service-level"])},
        residential=False if head["is-business-order"].lower() == "true" else None,
        consignee={
            "name": head["recipient-name"], "street": head["ship-address-1"], "street2": second,
            "city": head["ship-city"], "region": head["ship-state"], "postcode": head["ship-postal-code"],
            "country": head["ship-country"], "email": head["buyer-email"],
            "phone": head["ship-phone-number"] or head["buyer-phone-number"],
        },
    )  # fmt: skip
