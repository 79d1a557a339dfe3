"""An order as an order file states it, and how product data and warehouses complete it to an order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from linkstar_contracts.events import OrderSubmitted
from linkstar_contracts.text import CURRENCY_EXPONENTS
from linkstar_contracts.values import Consignee, Dimensions, Item, Money, Parcel, ServiceOptions, Weight
from linkstar_ingest.domain.countries import country_code
from linkstar_ingest.domain.faults import Fault, RowFault, schema_faults
from linkstar_ingest.domain.postcodes import malformed
from linkstar_ingest.domain.products import Product, pack, value_of

__all__ = ["CancelDraft", "DraftLine", "DraftParcel", "OrderDraft", "complete"]


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line of an order file, as text."""

    row: int
    sku: str
    quantity: str
    description: str = ""
    unit_price: str = ""
    currency: str = ""
    parcel: int | None = None


@dataclass(frozen=True, slots=True)
class DraftParcel:
    """A parcel stated in the file, as text. Without a value it is worth what it holds."""

    row: int
    number: str
    weight: str
    weight_unit: str
    sides: tuple[str, str, str]
    dimension_unit: str
    value: str
    currency: str
    contents: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """An order of a file. Texts are as written; nothing is checked yet."""

    row: int
    order_id: str
    channel: str
    external_ref: str
    consignee: Mapping[str, str]
    lines: tuple[DraftLine, ...]
    placed_at: str = ""
    warehouse: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    ship_by: str = ""
    deliver_by: str = ""
    parcels: tuple[DraftParcel, ...] = ()
    residential: bool | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class CancelDraft:
    """A cancellation in a file."""

    row: int
    order_id: str
    reason: str


class _Refused(Exception):
    def __init__(self, row: int, fault: Fault) -> None:
        super().__init__(str(fault))
        self.row, self.fault = row, fault


def complete(
    draft: OrderDraft, tenant: str, now: datetime, warehouse: str, products: Mapping[str, Product]
) -> OrderSubmitted | list[RowFault]:
    """Return the order that `draft` states, or everything that is wrong with its rows.

    The draft's own warehouse wins over `warehouse`. Every SKU must be registered. Parcels come from the file, else from
    product data.
    """
    try:
        items = tuple(_item(line) for line in draft.lines)
        return OrderSubmitted(
            tenant=tenant, order_id=draft.order_id, occurred_at=_placed_at(draft, now), channel=draft.channel,
            external_ref=draft.external_ref, warehouse=draft.warehouse or warehouse, consignee=_consignee(draft),
            parcels=_parcels(draft, items, products), items=items, options=_options(draft),
            residential=draft.residential, test=draft.test,
        )  # fmt: skip
    except ValidationError as error:
        return [RowFault(draft.row, draft.order_id, fault) for fault in schema_faults(error)]
    except _Refused as refused:
        return [RowFault(refused.row, draft.order_id, refused.fault)]


def _placed_at(draft: OrderDraft, now: datetime) -> datetime:
    return _moment(draft.row, "placed_at", draft.placed_at) if draft.placed_at else now


def _options(draft: OrderDraft) -> ServiceOptions:
    times = {"ship_by": draft.ship_by, "deliver_by": draft.deliver_by}
    stated = {name: _moment(draft.row, name, text) for name, text in times.items() if text}
    try:
        return ServiceOptions.model_validate({**draft.options, **stated})
    except ValidationError as error:
        raise _Refused(draft.row, schema_faults(error)[0]) from None


def _moment(row: int, name: str, text: str) -> datetime:
    """Read RFC 3339, or `2026-11-22 09:00:00 +0000` as shops write it."""
    try:
        moment = datetime.fromisoformat(re.sub(r" (?=[+-]\d{2}:?\d{2}$)", "", text)) if "-" in text else None
    except ValueError:
        moment = None
    if moment is None:
        fix = "write RFC 3339, such as 2026-11-22T09:00:00Z; in a spreadsheet, format the column as text"
        raise _Refused(row, Fault("time_invalid", name, "is no time", fix))
    if moment.tzinfo is None:
        raise _Refused(row, Fault("time_naive", name, "has no offset from UTC", "add it, such as Z or +08:00"))
    return moment


def _consignee(draft: OrderDraft) -> Consignee:
    stated = {name: text for name, text in draft.consignee.items() if text}
    country = country_code(stated.get("country", ""))
    if country is None:
        fix = "use an ISO 3166-1 code such as US or GB"
        raise _Refused(draft.row, Fault("country_unknown", "consignee.country", "is no country we know", fix))
    if "postcode" not in stated:
        raise _Refused(draft.row, malformed(country))
    try:
        return Consignee.model_validate(stated | {"country": country})
    except ValidationError as error:
        fault = schema_faults(error)[0]
        named = Fault(fault.code, f"consignee.{fault.field}", fault.detail, fault.fix)
        raise _Refused(draft.row, named) from None


def _item(line: DraftLine) -> Item:
    price = _money(line.row, "unit_price", line.unit_price, line.currency) if line.unit_price else None
    try:
        return Item(
            sku=line.sku, description=line.description[:200], quantity=_quantity(line), unit_price=price,
            parcel=line.parcel,
        )  # fmt: skip
    except ValidationError as error:
        raise _Refused(line.row, schema_faults(error)[0]) from None


_WHOLE = re.compile(r"([0-9]{1,9})(?:\.0+)?")


def _quantity(line: DraftLine) -> int:
    whole = _WHOLE.fullmatch(line.quantity)
    if whole is None:
        raise _Refused(line.row, Fault("quantity_invalid", "quantity", "is no whole number", "write 1, 2, 3, …"))
    return int(whole.group(1))


_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,6})?")


def _decimal(row: int, name: str, text: str, code: str) -> Decimal:
    if _PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    fix = "write digits with a decimal point, without thousands separators, exponent or currency sign"
    raise _Refused(row, Fault(code, name, "is no plain decimal number", fix))


def _money(row: int, name: str, text: str, currency: str) -> Money:
    amount = _decimal(row, name, text, "price_invalid")
    places = CURRENCY_EXPONENTS.get(currency)
    if places is None:
        raise _Refused(row, Fault("currency_unknown", "currency", "is no currency we know", "use a code such as USD"))
    minor = amount.scaleb(places)
    if minor != minor.to_integral_value():
        fix = f"{currency} has {places} decimals"
        raise _Refused(row, Fault("price_invalid", name, "has more decimals than its currency", fix))
    return Money(amount_minor=int(minor), currency=currency)


def _parcels(draft: OrderDraft, items: tuple[Item, ...], products: Mapping[str, Product]) -> tuple[Parcel, ...]:
    unknown = next((line for line in draft.lines if line.sku not in products), None)
    if unknown is not None:
        fix = "correct it, or register the product with PUT /v1/products"
        raise _Refused(unknown.row, Fault("sku_unknown", "sku", "names no registered product", fix))
    if draft.parcels:
        return tuple(_parcel(parcel, items, products) for parcel in draft.parcels)
    if not items:
        raise _Refused(draft.row, Fault("list_empty", "sku", "names no article and no parcel", "add an article"))
    packed = pack(items, products)
    if isinstance(packed, Fault):
        raise _Refused(draft.row, packed)
    return (packed,)


_UNIT_NAMES = {
    "lbs": "lb", "pound": "lb", "pounds": "lb", "kgs": "kg", "ounce": "oz", "ounces": "oz", "gram": "g", "grams": "g",
    "inch": "in", "inches": "in", '"': "in",
}  # fmt: skip


def _unit(text: str) -> Any:
    lower = text.lower()
    return _UNIT_NAMES.get(lower, lower)


def _parcel(stated: DraftParcel, items: tuple[Item, ...], products: Mapping[str, Product]) -> Parcel:
    try:
        return Parcel.model_validate({
            "number": int(stated.number or "1"), "weight": _weight(stated), "dimensions": _dimensions(stated),
            "declared_value": _declared_value(stated, items, products), "contents": dict(stated.contents),
        })  # fmt: skip
    except ValidationError as error:
        raise _Refused(stated.row, schema_faults(error)[0]) from None


def _weight(stated: DraftParcel) -> Weight:
    value = _decimal(stated.row, "weight", stated.weight, "weight_invalid")
    try:
        return Weight(value=value, unit=_unit(stated.weight_unit))
    except ValidationError as error:
        raise _Refused(stated.row, _measure_fault(error, "weight", "weight_unit", "g, kg, oz or lb")) from None


def _dimensions(stated: DraftParcel) -> Dimensions:
    length, width, height = (_decimal(stated.row, "size", side, "size_invalid") for side in stated.sides)
    try:
        return Dimensions(length=length, width=width, height=height, unit=_unit(stated.dimension_unit))
    except ValidationError as error:
        raise _Refused(stated.row, _measure_fault(error, "size", "size_unit", "mm, cm or in")) from None


def _measure_fault(error: ValidationError, name: str, unit_column: str, units: str) -> Fault:
    fault = schema_faults(error)[0]
    if fault.field == "unit":
        return Fault("unit_unknown", unit_column, "is no unit we know", f"use {units}")
    return Fault(f"{name}_invalid", name, fault.detail, fault.fix)


def _declared_value(stated: DraftParcel, items: tuple[Item, ...], products: Mapping[str, Product]) -> Money:
    if stated.value:
        return _money(stated.row, "declared_value", stated.value, stated.currency)
    number = int(stated.number or "1")
    held = [item for item in items if item.parcel in {None, number}]
    value = value_of(held, products)
    if isinstance(value, Fault):
        raise _Refused(stated.row, value)
    return value
