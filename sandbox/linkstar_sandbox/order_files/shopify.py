"""Shopify's order export: one row per line item, order-level columns on the first row only, ZIPs with a leading `'`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from linkstar_sandbox.order_files.drafts import Draft
from linkstar_sandbox.order_files.tables import FileFormat, Row

__all__ = ["SHOPIFY"]

_ADDRESS = ("Name", "Street", "Address1", "Address2", "Company", "City", "Zip", "Province", "Country", "Phone")
_COLUMNS = (
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at", "Accepts Marketing",
    "Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code", "Discount Amount", "Shipping Method",
    "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem compare at price", "Lineitem sku",
    "Lineitem requires shipping", "Lineitem taxable", "Lineitem fulfillment status",
    *(f"Billing {name}" for name in _ADDRESS), *(f"Shipping {name}" for name in _ADDRESS), "Notes", "Note Attributes",
    "Cancelled at", "Payment Method", "Payment Reference", "Refunded Amount", "Vendor", "Outstanding Balance",
    "Employee", "Location", "Device ID", "Id", "Tags", "Risk Level", "Source", "Lineitem discount", "Phone",
)  # fmt: skip


def _rows(draft: Draft) -> list[Row]:
    lines = [
        {
            "Name": f"#{draft.reference}", "Email": draft.person.email, "Lineitem quantity": line.quantity,
            "Lineitem name": line.description, "Lineitem price": line.price, "Lineitem sku": line.sku,
            "Lineitem requires shipping": "true", "Lineitem taxable": "true", "Lineitem fulfillment status": "pending",
            "Vendor": "Bright & Daughters",
        }
        for line in draft.lines
    ]  # fmt: skip
    lines[0] |= _order_columns(draft)
    return lines


def _order_columns(draft: Draft) -> Row:
    created = datetime.fromisoformat(draft.placed_at).strftime("%Y-%m-%d %H:%M:%S %z")
    total = str(sum(Decimal(line.price) * int(line.quantity) for line in draft.lines))
    return {
        "Financial Status": "paid", "Paid at": created, "Fulfillment Status": "unfulfilled", "Accepts Marketing": "no",
        "Currency": draft.currency, "Subtotal": total, "Shipping": "0.00", "Taxes": "0.00", "Total": total,
        "Shipping Method": draft.level.title(), "Created at": created, "Payment Method": "Shopify Payments",
        "Id": f"58{_number_of(draft.reference):011}", "Source": "web", "Risk Level": "Low",
        **_address("Billing", draft), **_address("Shipping", draft),
    }  # fmt: skip


def _number_of(reference: str) -> int:
    return int.from_bytes(reference.encode()) % 10**11


def _address(kind: str, draft: Draft) -> Row:
    person, place = draft.person, draft.place
    zip_code = f"'{place.postcode}" if place.postcode.isdigit() else place.postcode
    values = (person.name, f"{person.street} {person.street2}".strip(), person.street, person.street2, "", place.city,
              zip_code, place.region, draft.country, person.phone)  # fmt: skip
    return {f"{kind} {name}": value for name, value in zip(_ADDRESS, values, strict=True)}


SHOPIFY = FileFormat(
    channel="shopify", columns=_COLUMNS, delimiter=",", rows=_rows, order_id=lambda draft: f"shopify-{draft.reference}",
    field={
        "name": "Shipping Name", "street": "Shipping Address1", "city": "Shipping City", "region": "Shipping Province",
        "postcode": "Shipping Zip", "country": "Shipping Country", "quantity": "Lineitem quantity",
        "sku": "Lineitem sku", "price": "Lineitem price", "placed_at": "Created at",
    },
)  # fmt: skip
