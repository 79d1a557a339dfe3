"""What a compiled tariff is: plain tuples and dictionaries that the hot path reads without parsing anything."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from linkstar_contracts.values import BatteryClass

__all__ = [
    "LEVELS", "Dim", "Edition", "Fee", "FuelWeek", "Limit", "Line", "Offer", "Pack", "PriceRow", "Rated", "Rounding",
    "Service", "SizeClass", "Vat", "offer_on",
]  # fmt: skip

Vat = Literal["yes", "no", "exempt"]
"""Whether a published price contains value added tax, comes without it, or owes none."""
LEVELS = {"economy": 0, "standard": 1, "expedited": 2, "next_day": 3}
"""Service levels in rising order; a service meets its own level and those below."""


class Limit(NamedTuple):
    """A bound on one field of `Measured`, in its quanta. `text` is the carrier's own wording."""

    measure: int
    bound: int
    text: str


class PriceRow(NamedTuple):
    """A published price. `row` is its line in the tariff file, header = 1; `detail` tells zone, file and row."""

    amount: int
    vat: Vat
    row: int
    detail: str = ""


class SizeClass(NamedTuple):
    """Prices of the parcels within `limits`. Per zone: weight bounds in quanta, and the price up to each bound.

    With a `side`, the bounds are volumes in cubes of it, each side rounded down to whole ones.
    """

    name: str
    limits: tuple[Limit, ...]
    tables: dict[str, tuple[tuple[int, ...], tuple[PriceRow, ...]]]
    side: int = 0


class Rounding(NamedTuple):
    """Billable weights up to `up_to` rise to a multiple of `step`, shown in `unit`."""

    up_to: int
    step: int
    unit: str


class Dim(NamedTuple):
    """Dimensional weight: sides rounded to whole units of `side`, multiplied; `divisor` cubic units weigh one `weight`.

    It counts only above `min_volume` (in cubic units of `side`).
    """

    side: int
    sides: Literal["up", "nearest"]
    divisor: int
    weight: int
    min_volume: int


@dataclass(frozen=True, slots=True)
class Fee:
    """A surcharge rule. Within one `group` only the applicable fee of highest `priority` is charged."""

    code: str
    detail: str
    group: str
    priority: int
    amounts: dict[str, int]
    vat: Vat = "exempt"
    over: tuple[Limit, ...] = ()
    residential: bool | None = None
    area: str = ""
    signature: bool = False
    billable_over: int = 0
    billable_up_to: int | None = None
    min_billable: int = 0
    appointment: bool = False
    returning: bool | None = None
    insured: bool = False
    value_over: int = 0
    value_up_to: int | None = None
    per_value: int = 0
    """With it, the amount is due for each started `per_value` of the declared value, `minimum` at least."""
    minimum: int = 0
    contents: frozenset[str] = frozenset()
    needs: str = ""
    """Charged only together with a fee of this code."""


class Contract(NamedTuple):
    """What an agreement takes off and adds, as basis points of the lines named `on`, in the order of the fields."""

    basis_points: int
    tier_basis_points: int
    pooled_basis_points: int
    on: frozenset[str]
    floor: int
    """The lines named `on` together never fall below this."""
    fee_minor: int
    fee_basis_points: int


class FuelWeek(NamedTuple):
    """A fuel percentage in basis points, valid from a day on; `detail` says so in words."""

    since: int
    basis_points: int
    detail: str


@dataclass(frozen=True)
class Pack:
    """One published (or synthetic) price list with its evidence."""

    id: str
    carrier: str
    service: str
    currency: str
    file: str
    source: str
    as_of: date
    valid_from: date
    valid_to: date | None
    confidence: str
    synthetic: bool
    rate_type: str
    """What kind of price it is: `commercial`, `daily`, `list`, `online`, `retail`, `contract`; retail is no contract."""
    account: str = ""
    """The seller's account that an agreement is about."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A price list with every rule in force from the day `since` (an ordinal) on; only the week's fuel is left to choose."""

    since: int
    until: int
    pack: Pack
    classes: tuple[SizeClass, ...]
    zone_names: dict[str, str]
    rounding: tuple[Rounding, ...]
    dim: Dim | None
    fees: tuple[Fee, ...]
    limits: tuple[Limit, ...]
    tariff: str
    """Identity of the list as quoted: pack and effective date."""
    oversized: tuple[Limit, SizeClass] | None = None
    """Beyond the limit, one flat price per zone replaces the rate by weight."""
    beyond: tuple[int, dict[str, PriceRow]] | None = None
    """Beyond the last bound, the price per unit (its quanta) of billable weight, by zone."""
    contract: Contract | None = None
    invoiced: tuple[Fee, ...] = ()
    """Fees that no quote contains: the carrier adds them to the invoice when such a parcel turns up."""


@dataclass(frozen=True, slots=True)
class Service:
    """A carrier service: who may use it, how fast it is, and its price lists in order of time. `key` is unique."""

    key: str
    carrier: str
    service: str
    country: str
    currency: str
    zone_system: str
    calendar: str
    level: int
    po_box: bool
    batteries: frozenset[BatteryClass]
    liquid: bool
    cover_minor: int
    signature: Literal["none", "included", "fee"]
    receiver: Literal["any", "residential", "commercial"]
    closed_areas: dict[str, str]
    vat_basis_points: int
    transit: dict[str, tuple[int, int]]
    transit_source: str
    editions: tuple[Edition, ...]
    fuel: tuple[FuelWeek, ...] | None
    fuel_in: frozenset[str] = frozenset()
    insured_up_to: int = 0
    appointment: bool = False
    takes: Literal["any", "orders", "returns"] = "any"
    reference: str = ""
    """Why the service is priced but not offered; empty when it is."""


class Line(NamedTuple):
    """One charge in minor units."""

    code: str
    amount: int
    detail: str


class Rated(NamedTuple):
    """An itemised price: `total` is the exact sum of `lines`, `net` leaves the VAT line out."""

    lines: tuple[Line, ...]
    total: int
    net: int
    billable: int
    unit: str
    text: str
    """JSON of all this in a stored candidate."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A service as it stands on one day; `edition` is None when no price list is valid, with the reason."""

    service: Service
    edition: Edition | None
    fuel: FuelWeek | None
    reason: str = ""
    dimensional: tuple[Fee, ...] = ()
    flat: tuple[Fee, ...] = ()
    dependent: tuple[Fee, ...] = ()
    """Fees charged only together with another one."""
    triggers: tuple[tuple[int, int], ...] = ()
    """Lowest bound per measure above which some dimensional fee applies: most parcels are below all of them."""
    itemised: dict[tuple[object, ...], dict[tuple[object, ...], Rated]] = field(
        default_factory=dict, repr=False, compare=False
    )
    """Prices worked out before, by zone and circumstances."""


def offer_on(service: Service, day: int) -> Offer:
    """Return `service` on a day (ordinal): the newest list already valid then, and the newest fuel percentage."""
    at = bisect_right([edition.since for edition in service.editions], day) - 1
    if at < 0 or service.editions[at].until < day:
        return Offer(service, None, None, f"no price list of {service.key} is valid on {date.fromordinal(day)}")
    edition = service.editions[at]
    fuel = None
    if service.fuel is not None:
        week = bisect_right([row.since for row in service.fuel], day) - 1
        if week < 0:
            return Offer(
                service, None, None, f"no fuel percentage of {service.key} is known for {date.fromordinal(day)}"
            )
        fuel = service.fuel[week]
    dimensional = tuple(fee for fee in edition.fees if fee.over)
    others = tuple(fee for fee in edition.fees if not fee.over)
    flat, dependent = tuple(fee for fee in others if not fee.needs), tuple(fee for fee in others if fee.needs)
    return Offer(service, edition, fuel, "", dimensional, flat, dependent, _triggers(dimensional))


def _triggers(fees: tuple[Fee, ...]) -> tuple[tuple[int, int], ...]:
    lowest: dict[int, int] = {}
    for fee in fees:
        for limit in fee.over:
            lowest[limit.measure] = min(limit.bound, lowest.get(limit.measure, limit.bound))
    return tuple(lowest.items())
