"""LinkStar's own order file: CSV with one row per order line; orders, parcels and cancels. Described in the README."""

from __future__ import annotations

import re
from typing import Any

from linkstar_ingest.channels.order_file import Channel, OrderFile, group_rows
from linkstar_ingest.channels.rows import Layout, Row
from linkstar_ingest.channels.table import read_table
from linkstar_ingest.domain.drafts import CancelDraft, DraftLine, DraftParcel, OrderDraft
from linkstar_ingest.domain.faults import Fault, RowFault

__all__ = ["CHANNEL"]

_CONSIGNEE = (
    "name", "company", "street", "street2", "city", "region", "postcode", "country", "phone", "email", "tax_id",
)  # fmt: skip
_LAYOUT = Layout(
    identity="order_id",
    required=("order_id",),
    optional=(
        "row kind", "row_kind", "reason", "channel", "external_ref", "placed_at", "warehouse", "ship_by", "deliver_by",
        "residential", "test", "service_level", "signature", "insurance", "appointment", "sku", "description",
        "quantity", "unit_price", "currency", "parcel", "weight", "weight_unit", "length", "width", "height",
        "size_unit", "declared_value", "battery", "liquid", "hazmat", *_CONSIGNEE,
    ),
    times=("placed_at", "ship_by", "deliver_by"),
)  # fmt: skip
_DAMAGED_ID = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_TRUE, _FALSE = frozenset({"true", "yes", "y", "1"}), frozenset({"", "false", "no", "n", "0"})


def read(raw: bytes) -> OrderFile:
    """Read a file of our own format."""
    groups, file = group_rows(read_table(raw, _LAYOUT), _LAYOUT.identity, str)
    for reference, rows in groups.items():
        fault = _refuse(reference, rows)
        if fault is not None:
            file.faults.append(fault)
            continue
        if any(_kind(row) == "order" for row in rows):
            file.drafts.append(_draft(reference, [row for row in rows if _kind(row) == "order"]))
        cancel = next((row for row in rows if _kind(row) == "cancel"), None)
        if cancel is not None:
            file.drafts.append(CancelDraft(cancel.line, reference, cancel["reason"][:200]))
    return file


CHANNEL: Channel = read


def _kind(row: Row) -> str:
    return (row["row kind"] or row["row_kind"] or "order").lower()


def _refuse(reference: str, rows: list[Row]) -> RowFault | None:
    if _DAMAGED_ID.fullmatch(reference):
        fix = "format the column as text in the spreadsheet and enter the reference again"
        fault = Fault("order_id_damaged", "order_id", "was turned into a rounded number", fix)
        return RowFault(rows[0].line, "", fault)
    for row in rows:
        if _kind(row) not in {"order", "cancel"}:
            fault = Fault("value_unknown", "row kind", "is neither order nor cancel", "write order or cancel")
            return RowFault(row.line, reference, fault)
        for column in ("residential", "signature", "insurance", "appointment", "liquid", "hazmat", "test"):
            if row[column].lower() not in _TRUE | _FALSE:
                fault = Fault("value_unknown", column, "is neither yes nor no", "write yes or no")
                return RowFault(row.line, reference, fault)
        if row["parcel"] and not row["parcel"].isdecimal():
            fault = Fault("number_malformed", "parcel", "is no whole number", "number the parcels 1, 2, 3, …")
            return RowFault(row.line, reference, fault)
    return None


def _yes(text: str) -> bool:
    return text.lower() in _TRUE


def _draft(reference: str, rows: list[Row]) -> OrderDraft:
    head = rows[0]
    parcels = {row["parcel"]: row for row in reversed(rows) if row["weight"]}
    return OrderDraft(
        row=head.line, order_id=reference, channel=head["channel"] or "linkstar", external_ref=head["external_ref"],
        placed_at=head["placed_at"], warehouse=head["warehouse"], consignee={name: head[name] for name in _CONSIGNEE},
        lines=tuple(_line(row, head["currency"]) for row in rows if row["sku"] or row["quantity"]),
        parcels=tuple(_parcel(row, head["currency"]) for row in reversed(parcels.values())), options=_options(head),
        ship_by=head["ship_by"], deliver_by=head["deliver_by"],
        residential=_yes(head["residential"]) if head["residential"] else None, test=_yes(head["test"]),
    )  # fmt: skip


def _options(head: Row) -> dict[str, Any]:
    flags = {name: _yes(head[name]) for name in ("signature", "insurance", "appointment") if head[name]}
    return {"level": (head["service_level"] or "standard").lower(), **flags}


def _line(row: Row, currency: str) -> DraftLine:
    return DraftLine(
        row=row.line, sku=row["sku"], quantity=row["quantity"], description=row["description"],
        unit_price=row["unit_price"], currency=row["currency"] or currency,
        parcel=int(row["parcel"][:3]) if row["parcel"] else None,
    )  # fmt: skip


def _parcel(row: Row, currency: str) -> DraftParcel:
    battery = {"battery": row["battery"].lower()} if row["battery"] else {}
    return DraftParcel(
        row=row.line, number=row["parcel"][:3], weight=row["weight"], weight_unit=row["weight_unit"],
        sides=(row["length"], row["width"], row["height"]), dimension_unit=row["size_unit"],
        value=row["declared_value"], currency=row["currency"] or currency,
        contents={**battery, "liquid": _yes(row["liquid"]), "hazmat": _yes(row["hazmat"])},
    )  # fmt: skip
