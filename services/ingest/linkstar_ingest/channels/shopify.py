"""Shopify's order export. Later lines of an order leave the order's columns empty; rows join by `Name`."""

from __future__ import annotations

from linkstar_ingest.channels.order_file import Channel, OrderFile, group_rows, service_level
from linkstar_ingest.channels.rows import Layout, Row
from linkstar_ingest.channels.table import read_table
from linkstar_ingest.domain.drafts import CancelDraft, DraftLine, OrderDraft
from linkstar_ingest.domain.faults import Fault, RowFault

__all__ = ["CHANNEL"]

_LAYOUT = Layout(
    identity="name",
    required=(
        "name", "currency", "lineitem quantity", "lineitem name", "lineitem price", "lineitem sku", "shipping name",
        "shipping address1", "shipping city", "shipping zip", "shipping country",
    ),
    optional=(
        "created at", "cancelled at", "financial status", "fulfillment status", "shipping method", "email", "phone",
        "lineitem requires shipping", "lineitem fulfillment status", "shipping company", "shipping address2",
        "shipping province", "shipping phone",
    ),
    times=("created at", "cancelled at"),
)  # fmt: skip
_NOTHING_TO_SHIP = frozenset({"voided", "refunded"})


def read(raw: bytes) -> OrderFile:
    """Read an export of shopify's admin (`Orders > Export > Plain CSV`)."""
    groups, file = group_rows(read_table(raw, _LAYOUT), _LAYOUT.identity, order_id)
    for name, rows in groups.items():
        _take(file, name, rows)
    return file


CHANNEL: Channel = read


def order_id(name: str) -> str:
    """Return our order id for the order's `Name`, such as `#1001`."""
    return f"shopify-{name.strip().lstrip('#')}"


def _take(file: OrderFile, name: str, rows: list[Row]) -> None:
    head = next((row for row in rows if row["shipping name"] or row["shipping address1"]), rows[0])
    if head["cancelled at"]:
        file.drafts.append(CancelDraft(head.line, order_id(name), "cancelled in shopify"))
        return
    lines = tuple(_line(row, head["currency"]) for row in rows if _ships(row))
    if not lines or head["fulfillment status"] == "fulfilled" or head["financial status"] in _NOTHING_TO_SHIP:
        file.skipped += 1
    elif not head["shipping country"]:
        fault = Fault("order_head_missing", "shipping country", "is empty in all rows of the order",
                      "keep the first row of the order, which holds its address")  # fmt: skip
        file.faults.append(RowFault(head.line, order_id(name), fault))
    else:
        file.drafts.append(_draft(name, head, lines))


def _ships(row: Row) -> bool:
    return row["lineitem requires shipping"].lower() != "false" and row["lineitem fulfillment status"] != "fulfilled"


def _line(row: Row, currency: str) -> DraftLine:
    return DraftLine(
        row=row.line, sku=row["lineitem sku"], quantity=row["lineitem quantity"], description=row["lineitem name"],
        unit_price=row["lineitem price"], currency=currency,
    )  # fmt: skip


def _draft(name: str, head: Row, lines: tuple[DraftLine, ...]) -> OrderDraft:
    return OrderDraft(
        row=head.line, order_id=order_id(name), channel="shopify", external_ref=name, lines=lines,
        placed_at=head["created at"], options={"level": service_level(head["shipping method"])},
        consignee={
            "name": head["shipping name"], "company": head["shipping company"], "street": head["shipping address1"],
            "street2": head["shipping address2"], "city": head["shipping city"], "region": head["shipping province"],
            "postcode": head["shipping zip"].lstrip("'"), "country": head["shipping country"],
            "phone": (head["shipping phone"] or head["phone"]).lstrip("'"), "email": head["email"],
        },
    )  # fmt: skip
