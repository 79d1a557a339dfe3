"""Value types every event shares: money, weights, dimensions, addresses, parcels. All are bounded and immutable."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
)  # fmt: skip
from pydantic_core import core_schema

from linkstar_contracts.quantity import Quantity
from linkstar_contracts.text import CURRENCY_EXPONENTS, CountryCode, CurrencyCode, SafeStr, Token
from linkstar_contracts.times import Instant, LocalDate

__all__ = [
    "AddressGrade", "BatteryClass", "ChargeLine", "Consignee", "Contents", "Destination", "Dimensions", "Instant",
    "Item", "LocalDate", "Money", "Notice", "OpenEnum", "Parcel", "Promise", "SealedConsignee", "ServiceOptions", "Value",
    "Warehouse", "Weight", "parse_money", "sum_money",
]  # fmt: skip


class Value(BaseModel):
    """Base of all values: immutable, strictly typed; unknown fields are ignored so that contracts can grow."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class OpenEnum(str, Enum):
    """A vocabulary that may grow: a value this version does not know becomes `unknown`, never an error.

    Its JSON Schema therefore admits any short string and names the known values in `x-known-values`.
    """

    __hash__ = str.__hash__
    """A member equals its value, so both have one hash; and it is an enumeration's slowest part."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        known = [str(member.value) for member in cls]
        return {"type": "string", "maxLength": 64, "description": cls.__doc__, "x-known-values": known}

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        return cls.__members__.get("UNKNOWN") if isinstance(value, str) and len(value) <= 64 else None


_MOST_MINOR = 10**12


class Money(Value):
    """An amount in integer minor units (cents, pence) of one currency; yen has none, dinar has three decimals."""

    amount_minor: Annotated[int, Field(ge=-_MOST_MINOR, le=_MOST_MINOR)]
    currency: CurrencyCode

    def __str__(self) -> str:
        places = CURRENCY_EXPONENTS[self.currency]
        return f"{Decimal(self.amount_minor).scaleb(-places):.{places}f} {self.currency}"

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount_minor=self.amount_minor + other.amount_minor, currency=self.currency)


def sum_money(amounts: Iterable[Money], currency: str) -> Money:
    """Return the exact sum of `amounts`, all of which must be in `currency`."""
    total = Money(amount_minor=0, currency=currency)
    for amount in amounts:
        total = total + amount
    return total


_AMOUNT = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,6})?")


def parse_money(text: str, currency: str) -> Money:
    """Return the amount written in decimals, `12.30`, exactly; nothing is ever rounded.

    Raises ValueError for another notation (`1,234.50`, `1e3`, `$5`), or more decimals than the currency has.
    """
    if _AMOUNT.fullmatch(text) is None:
        raise ValueError("is no amount; write digits and a decimal point, such as 1234.50")
    places = CURRENCY_EXPONENTS[currency]
    minor = Decimal(text).scaleb(places)
    if abs(minor) > _MOST_MINOR:
        raise ValueError("is more than any amount may be")
    if minor != int(minor):
        raise ValueError(f"has more than {places} decimals; {currency} has {places}")
    return Money(amount_minor=int(minor), currency=currency)


# Exact by definition: the international pound (1959) is 453.59237 g, the inch 25.4 mm.
GRAMS_PER_UNIT = {
    "g": Decimal(1), "kg": Decimal(1000), "oz": Decimal("28.349523125"), "lb": Decimal("453.59237"),
}  # fmt: skip
MILLIMETRES_PER_UNIT = {"mm": Decimal(1), "cm": Decimal(10), "in": Decimal("25.4")}

_WeightValue = Annotated[Decimal, Quantity(1_000_000)]
_Length = Annotated[Decimal, Quantity(100_000)]


class Weight(Value):
    """A weight as entered: decimal value and unit. Nothing is rounded until a carrier's rule rounds it."""

    value: _WeightValue
    unit: Literal["g", "kg", "oz", "lb"]

    @property
    def grams(self) -> Decimal:
        """Exact weight in grams."""
        return self.value * GRAMS_PER_UNIT[self.unit]


class Dimensions(Value):
    """Outer dimensions as entered: three decimals and one unit; the order of the sides does not matter."""

    length: _Length
    width: _Length
    height: _Length
    unit: Literal["mm", "cm", "in"]

    @property
    def sides_mm(self) -> tuple[Decimal, Decimal, Decimal]:
        """Exact sides in millimetres, longest first."""
        factor = MILLIMETRES_PER_UNIT[self.unit]
        longest, middle, shortest = sorted((self.length, self.width, self.height), reverse=True)
        return longest * factor, middle * factor, shortest * factor


class BatteryClass(OpenEnum):
    """Lithium batteries in a parcel, by IATA packing instruction family; `none` when there are none."""

    NONE = "none"
    IN_EQUIPMENT = "in_equipment"  # PI 967 / 970
    WITH_EQUIPMENT = "with_equipment"  # PI 966 / 969
    STANDALONE = "standalone"  # PI 965 / 968
    UNKNOWN = "unknown"


class Contents(Value):
    """What makes a parcel special to carry."""

    battery: BatteryClass = BatteryClass.NONE
    liquid: bool = False
    hazmat: bool = False


class Parcel(Value):
    """One parcel of a shipment. `number` counts from 1 within the shipment. Dimensions are mandatory: since 2026-07-12
    USPS wants them for every commercial parcel (Postal Bulletin 22700).
    """

    number: Annotated[int, Field(ge=1, le=99)]
    weight: Weight
    dimensions: Dimensions
    declared_value: Money
    contents: Contents = Contents()


class Item(Value):
    """One order line. `parcel` tells which parcel it travels in, when known."""

    sku: Annotated[str, SafeStr(64, 1)]
    description: Annotated[str, SafeStr(200)] = ""
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    unit_price: Money | None = None
    category: Annotated[str, SafeStr(64, 1)] | None = None
    """The seller's own class of goods, for routing rules."""
    parcel: Annotated[int, Field(ge=1, le=99)] | None = None


class AddressGrade(OpenEnum):
    """How far an address was checked. There is no offline deliverability data, so `verified` means: format, postcode and
    region agree.
    """

    VERIFIED = "verified"
    CORRECTED = "corrected"
    UNVERIFIED = "unverified"
    UNDELIVERABLE = "undeliverable"
    UNKNOWN = "unknown"


class Consignee(Value):
    """The receiver in clear: personal data. Stands only in `orders-inbound` and in HTTP bodies, elsewhere sealed."""

    name: Annotated[str, SafeStr(100, 1)]
    company: Annotated[str, SafeStr(100)] = ""
    street: Annotated[str, SafeStr(140, 1)]
    street2: Annotated[str, SafeStr(140)] = ""
    city: Annotated[str, SafeStr(80, 1)]
    region: Annotated[str, SafeStr(40)] = ""
    postcode: Annotated[str, SafeStr(16, 1)]
    country: CountryCode
    phone: Annotated[str, SafeStr(32)] = ""
    email: Annotated[str, SafeStr(254)] = ""
    tax_id: Annotated[str, SafeStr(32)] = ""

    def __repr__(self) -> str:
        return "Consignee(***)"

    __str__ = __repr__


class Destination(Value):
    """What routing needs of the address, in clear. `postcode` is the routing part only: ZIP5, FSA, outward code, or five
    digits.
    """

    country: CountryCode
    region: Annotated[str, SafeStr(40)] = ""
    city: Annotated[str, SafeStr(80)] = ""
    postcode: Annotated[str, SafeStr(10, 1)]
    residential: bool = True
    po_box: bool = False
    grade: AddressGrade = AddressGrade.UNVERIFIED


class SealedConsignee(Value):
    """The consignee under AES-256-GCM, key held in the vault by `key_id` and destroyed after delivery."""

    key_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
    token: Annotated[str, Field(min_length=1, max_length=8192, pattern=r"^[A-Za-z0-9_=-]+$")]


class Warehouse(Value):
    """Where the parcel ships from. `timezone` is an IANA name; cut-offs and quota days are local to it."""

    code: Token
    country: CountryCode
    postcode: Annotated[str, SafeStr(16, 1)]
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}$", max_length=64)]


class ServiceOptions(Value):
    """What the seller asked for besides the price."""

    level: Literal["economy", "standard", "expedited", "next_day"] = "standard"
    signature: bool = False
    insurance: bool = False
    appointment: bool = False
    deliver_by: Instant | None = None
    ship_by: Instant | None = None


class Notice(Value):
    """A warning known before anything is bought: remote area, oversize, dimensional weight."""

    code: Token
    detail: Annotated[str, SafeStr(300)]
    parcel: Annotated[int, Field(ge=1, le=99)] | None = None


class ChargeLine(Value):
    """One line of a price. `synthetic` marks amounts without a published source; lines of a price sum to its total."""

    code: Token
    amount: Money
    detail: Annotated[str, SafeStr(200)] = ""
    synthetic: bool = False


class Promise(Value):
    """When the parcel should arrive: local dates in the destination, with the evidence behind them."""

    p50_on: LocalDate
    p90_on: LocalDate
    sample_size: Annotated[int, Field(ge=0, le=10**9)] = 0
    source: Token = "published"
