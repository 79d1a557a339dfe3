"""What a carrier's manifest may say: the rules that price tables leave out. Unknown keys and wrong types are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from linkstar_contracts.values import BatteryClass
from linkstar_router.domain.measures import MEASURES, parse_limit
from linkstar_router.domain.published import TariffError

__all__ = [
    "DimSpec",
    "FeeRule",
    "FuelSpec",
    "GapSpec",
    "ListSpec",
    "Manifest",
    "RoundingSpec",
    "ServiceSpec",
    "Spec",
    "line_of",
    "parsed",
]

_Word = Annotated[str, Field(min_length=1, max_length=200)]


def _measured(limits: dict[str, str]) -> dict[str, str]:
    for name, text in limits.items():
        if name not in MEASURES:
            raise ValueError(f"unknown measure {name!r}; use one of {', '.join(MEASURES)}")
        parse_limit(name, text)
    return limits


def _weighed(text: str) -> str:
    if text:
        parse_limit("weight", text)
    return text


_Code = Annotated[str, Field(max_length=48, pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
_Limits = Annotated[dict[str, str], AfterValidator(_measured)]
_Weight = Annotated[str, AfterValidator(_weighed)]
_Minor = Annotated[int, Field(ge=0, le=10**9)]
_BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
ZoneSystem = Literal["usps", "us_distance", "ca_fsa", "one", "named"]


class Spec(BaseModel):
    """Base of all documents: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RoundingSpec(Spec):
    """Billable weights up to `up_to` (or any) rise to a multiple of `step`."""

    step: _Weight
    up_to: _Weight = ""


class DimSpec(Spec):
    """A rule of dimensional weight, in force from `since` until the next one."""

    since: date
    side: Literal["mm", "cm", "in"]
    sides: Literal["up", "nearest"]
    divisor: Annotated[int, Field(gt=0)]
    weight: Literal["g", "kg", "oz", "lb"]
    min_volume: Annotated[Decimal, Field(ge=0)] = Decimal(0)


class FuelSpec(Spec):
    """Which weekly percentages hold, on which lines. Weeks before `known_from` are known to be missing."""

    carrier: _Word
    service: _Word
    base: frozenset[str]
    known_from: date | None = None


class OversizedSpec(Spec):
    """Rows whose flat price replaces the rate of a parcel beyond a limit."""

    rows: dict[str, tuple[str, ...]]
    over: _Limits


class GapSpec(Spec):
    """Days without a price list that the author knows of, both included."""

    since: date
    until: date
    why: _Word


class BeyondSpec(Spec):
    """Rows with a price per pound for all of a billable weight beyond the last row of the list."""

    file: _Word
    rows: dict[str, tuple[str, ...]]


class TierSpec(Spec):
    """A discount that holds from a number of parcels a week on."""

    parcels: Annotated[int, Field(ge=0)]
    basis_points: _BasisPoints


class ContractSpec(Spec):
    """What an agreement takes off the list and adds to it, applied last. `lines` names what is discounted."""

    basis_points: _BasisPoints = 0
    lines: frozenset[str] = frozenset({"base_rate"})
    floor_minor: _Minor = 0
    tiers: tuple[TierSpec, ...] = ()
    parcels_per_week: Annotated[int, Field(ge=0)] = 0
    pooled_basis_points: _BasisPoints = 0
    platform_fee_minor: _Minor = 0
    platform_fee_basis_points: _BasisPoints = 0


class ListSpec(Spec):
    """One price list: the rows of a file that match, with their evidence."""

    id: _Code
    file: _Word
    rows: dict[str, tuple[str, ...]]
    source: _Word
    as_of: date
    confidence: Literal["high", "medium", "synthetic"]
    synthetic: bool = False
    limits: _Limits = {}
    oversized: OversizedSpec | None = None
    beyond: BeyondSpec | None = None


class ServiceSpec(Spec):
    """A service of the carrier: who may use it, and its price lists."""

    service: _Code
    level: Literal["economy", "standard", "expedited", "next_day"]
    po_box: bool
    batteries: tuple[BatteryClass, ...]
    liquid: bool
    signature: Literal["none", "included", "fee"]
    receiver: Literal["any", "residential", "commercial"] = "any"
    limits: _Limits
    rounding: tuple[RoundingSpec, ...]
    fuel: FuelSpec | None = None
    dimensional: bool = True
    zone_offset: int = 0
    zone_system: ZoneSystem | None = None
    takes: Literal["any", "orders", "returns"] = "any"
    appointment: bool = False
    insured_up_to_minor: _Minor = 0
    reference: str = ""
    """Why the service is known and priced, but not offered to orders."""
    classes: dict[str, _Limits] = {"": {}}
    closed_areas: dict[str, str] = {}
    lists: Annotated[tuple[ListSpec, ...], Field(alias="list", min_length=1)]
    known_gaps: tuple[GapSpec, ...] = ()
    contract: ContractSpec | None = None


class FeeRule(Spec):
    """When a published surcharge is charged, on which services."""

    code: _Code
    detail: _Word
    services: tuple[str, ...]
    row: tuple[str, ...]
    group: str = ""
    priority: int = 0
    over: _Limits = {}
    residential: bool | None = None
    area: str = ""
    signature: bool = False
    appointment: bool = False
    returning: bool | None = None
    insured: bool = False
    value_over_minor: _Minor = 0
    value_up_to_minor: _Minor | None = None
    per_value_minor: _Minor = 0
    minimum_minor: _Minor = 0
    contents: frozenset[Literal["liquid", "in_equipment", "with_equipment", "standalone"]] = frozenset()
    needs: str = ""
    """Charged only together with a fee of this code."""
    on_invoice: bool = False
    """Never part of a quote: the carrier adds it to the invoice when such a parcel turns up."""
    billable_over: _Weight = ""
    billable_up_to: _Weight = ""
    min_billable: _Weight = ""


class Manifest(Spec):
    """A carrier in one country and currency."""

    carrier: _Code
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    zone_system: ZoneSystem
    calendar: _Word
    cover_minor: Annotated[int, Field(ge=0)] = 0
    vat_basis_points: Annotated[int, Field(ge=0, le=10_000)] = 0
    gaps: tuple[str, ...]
    dim: tuple[DimSpec, ...] = ()
    service: Annotated[tuple[ServiceSpec, ...], Field(min_length=1)]
    fee: tuple[FeeRule, ...] = ()


def parsed(content: Mapping[str, Any], file: str, text: str = "") -> Manifest:
    """Return a manifest; raises TariffError with the place of the first fault. `text` gives it a line."""
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        known = fault["type"] == "extra_forbidden"
        fix = "remove the key, or spell it as docs/tariffs.md does" if known else f"correct {place}"
        raise TariffError(
            "manifest_invalid", file, _line(text, fault["loc"]), f"{place}: {fault['msg']}", fix
        ) from error


def _line(text: str, place: tuple[int | str, ...]) -> int:
    tables = [part for part in place if isinstance(part, str)]
    numbers = [part for part in place if isinstance(part, int)]
    return line_of(text, tables[0], numbers[0]) if tables and numbers else 0


def line_of(text: str, table: str, number: int) -> int:
    """Return the line of the n-th `[[table]]` of a manifest, counted from 0, or 0 when there is none."""
    headers = [match.start() for match in re.finditer(rf"^\[\[{re.escape(table)}]]", text, re.MULTILINE)]
    return text.count("\n", 0, headers[number]) + 1 if number < len(headers) else 0
