"""Plans what truly happens to a parcel and when the carrier tells it: pure, and the same for the same seed.

Truth (`scans`, in order of time) and reporting (`reports`, late, repeated, out of order) are kept apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from linkstar_sandbox.carriers.codes import Meaning
from linkstar_sandbox.carriers.lanes import Hub, Profile, distance_zone, hubs_between, local_zone, profile_of

__all__ = ["Fate", "Journey", "PostedParcel", "Report", "Scan", "Stop", "customer_stop", "plan_journey"]


class Fate(StrEnum):
    """The true course of a parcel."""

    SMOOTH = "smooth"
    DELAYED = "delayed"
    SILENT = "silent"
    ATTEMPTED = "attempted"
    PICKED_UP = "picked_up"
    DAMAGED = "damaged"
    RETRACTED = "retracted"
    LATE_HANDOVER = "late_handover"
    RETURNED = "returned"
    LOST = "lost"
    NEVER_HANDED_OVER = "never_handed_over"


UNDELIVERED = frozenset({Fate.RETURNED, Fate.LOST, Fate.NEVER_HANDED_OVER})
_RATES = {
    Fate.DELAYED: 0.05, Fate.SILENT: 0.025, Fate.ATTEMPTED: 0.06, Fate.PICKED_UP: 0.025, Fate.DAMAGED: 0.012,
    Fate.LATE_HANDOVER: 0.015, Fate.RETURNED: 0.025, Fate.NEVER_HANDED_OVER: 0.006,
}  # fmt: skip
_RETRACTING_CARRIERS = {"dhl-de": 0.06, "hermes-de": 0.04, "evri": 0.03, "usps": 0.005}
_ON_RETURNS = frozenset({Fate.DELAYED, Fate.LOST})
"""What can go wrong on the way back: nobody has to be at home."""


@dataclass(frozen=True)
class Stop:
    """A place on the way, with the time zone its scanner shows."""

    city: str
    region: str
    postcode: str
    country: str
    timezone: str

    @property
    def zone(self) -> ZoneInfo:
        """Local time there."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class PostedParcel:
    """What the carrier knows of a parcel from its label."""

    tenant: str
    order_id: str
    shipment_id: str
    route_version: int
    parcel: int
    tracking_number: str
    carrier: str
    service: str
    kind: Literal["order", "return"]
    warehouse: Stop
    customer: Stop
    zone: str
    labelled_at: datetime

    @property
    def ends(self) -> tuple[Stop, Stop]:
        """Where the parcel starts and where it goes."""
        return (self.warehouse, self.customer) if self.kind == "order" else (self.customer, self.warehouse)


@dataclass(frozen=True)
class Scan:
    """One true event. `retracts` is the index of the scan it takes back."""

    meaning: Meaning
    at: datetime
    stop: Stop
    retracts: int | None = None


@dataclass(frozen=True)
class Report:
    """When the carrier tells a scan; a scan may be told twice, and after a later one."""

    scan: int
    at: datetime


@dataclass(frozen=True)
class Journey:
    """The truth about one parcel, and how it will be told."""

    fate: Fate
    scans: tuple[Scan, ...]
    reports: tuple[Report, ...]

    @property
    def delivered_at(self) -> datetime | None:
        """When the parcel was truly handed to its receiver, if ever."""
        retracted = {scan.retracts for scan in self.scans if scan.retracts is not None}
        handed = [s.at for i, s in enumerate(self.scans) if s.meaning is Meaning.DELIVERED and i not in retracted]
        return handed[-1] if handed else None


def plan_journey(parcel: PostedParcel, seed: int, trouble: float = 1.0) -> Journey:
    """Return the journey of `parcel`: equal arguments give equal journeys. `trouble` multiplies all trouble rates."""
    rng = Random(f"{seed}|{parcel.tenant}|{parcel.shipment_id}|{parcel.route_version}|{parcel.parcel}")
    profile = profile_of(parcel.carrier, parcel.service)
    fate = _draw_fate(rng, parcel, profile, trouble)
    if fate is Fate.NEVER_HANDED_OVER:
        return Journey(fate, (), ())
    way = _Way(rng, profile)
    _travel(way, parcel, fate)
    scans = tuple(way.scans)
    return Journey(fate, scans, _reports(rng, scans))


def _draw_fate(rng: Random, parcel: PostedParcel, profile: Profile, trouble: float) -> Fate:
    rates = {**_RATES, Fate.LOST: profile.loss, Fate.RETRACTED: _RETRACTING_CARRIERS.get(parcel.carrier, 0.0)}
    if parcel.kind == "return":
        rates = {fate: rate for fate, rate in rates.items() if fate in _ON_RETURNS}
    drawn = rng.random()
    for fate, rate in rates.items():
        drawn -= rate * trouble
        if drawn < 0:
            return fate
    return Fate.SMOOTH


@dataclass
class _Way:
    """A parcel under way: keeps the time of its last scan and appends the next one strictly later."""

    rng: Random
    profile: Profile
    scans: list[Scan] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.scans[-1].at

    def scan(self, meaning: Meaning, at: datetime, stop: Stop, retracts: int | None = None) -> None:
        at = at.astimezone(UTC).replace(microsecond=0)
        if self.scans:
            at = max(at, self.now + timedelta(minutes=self.rng.randint(7, 40)))
        self.scans.append(Scan(meaning, at, stop, retracts))

    def after(self, low_h: float, high_h: float) -> datetime:
        return self.now + timedelta(hours=self.rng.uniform(low_h, high_h))

    def morning(self, stop: Stop, working_days: int) -> datetime:
        """Return a local morning `working_days` delivery days after the last scan."""
        local = self.now.astimezone(stop.zone)
        day = local
        while working_days > 0:
            day += timedelta(days=1)
            working_days -= _delivers_on(day, self.profile)
        return _at_local(day, 6.5, 9.5, self.rng)


def _delivers_on(day: datetime, profile: Profile) -> bool:
    return day.weekday() < 5 or (day.weekday() == 5 and profile.saturday) or (day.weekday() == 6 and profile.sunday)


def _at_local(day: datetime, low_h: float, high_h: float, rng: Random) -> datetime:
    midnight = datetime.combine(day.date(), time(), tzinfo=day.tzinfo)
    return midnight + timedelta(hours=rng.uniform(low_h, high_h))


def _travel(way: _Way, parcel: PostedParcel, fate: Fate) -> None:
    origin, goal = parcel.ends
    _hand_over(way, parcel, origin, late=fate is Fate.LATE_HANDOVER)
    zone = distance_zone(parcel.zone, origin.country, origin.postcode, goal.postcode)
    median = way.profile.days + way.profile.per_zone * zone
    days = max(1, min(14, round(median * math.exp(way.rng.gauss(0, way.profile.sigma)))))
    _line_haul(way, origin, goal, days, fate)
    if fate is Fate.LOST:
        del way.scans[way.rng.randint(1, len(way.scans)) :]
    elif fate is Fate.RETURNED:
        _fail_and_return(way, origin, goal)
    else:
        _deliver(way, goal, fate)


def _hand_over(way: _Way, parcel: PostedParcel, origin: Stop, late: bool) -> None:
    local = parcel.labelled_at.astimezone(origin.zone)
    wait = (
        way.rng.randint(4, 6) if late else way.rng.randint(1, 3) if parcel.kind == "return" else int(local.hour >= 14)
    )
    day = local + timedelta(days=wait)
    while not _delivers_on(day, way.profile) or day.weekday() == 6:
        day += timedelta(days=1)
    way.scan(Meaning.ACCEPTED, _at_local(day, 15.0, 19.0, way.rng), origin)


def _line_haul(way: _Way, origin: Stop, goal: Stop, days: int, fate: Fate) -> None:
    way.scan(Meaning.DEPOT, way.after(1.5, 4), origin)
    hubs = hubs_between(goal.country, origin.postcode, goal.postcode, 1 + min(3, (days + 1) // 2))
    arrival = way.morning(goal, days) - timedelta(hours=way.rng.uniform(1.0, 2.5))
    leg = max(timedelta(hours=2), (arrival - way.now) / (len(hubs) + 1))
    troubled = way.rng.randrange(len(hubs))
    for index, hub in enumerate(hubs):
        way.scan(Meaning.HUB, way.now + leg * way.rng.uniform(0.7, 1.1), _stop(hub))
        if index == troubled:
            _trouble_at(way, _stop(hub), fate)
    way.scan(Meaning.DEPOT, max(way.after(0.5, 2), arrival), goal)


def _trouble_at(way: _Way, stop: Stop, fate: Fate) -> None:
    if fate is Fate.DELAYED:
        way.scan(Meaning.HELD, way.after(2, 10), stop)
        way.scan(Meaning.DEPOT, way.after(30, 80), stop)
    elif fate is Fate.SILENT:
        way.scan(Meaning.DEPOT, way.after(5 * 24, 8 * 24), stop)
    elif fate is Fate.DAMAGED:
        way.scan(Meaning.DAMAGED, way.after(1, 5), stop)


def _deliver(way: _Way, goal: Stop, fate: Fate) -> None:
    _drive(way, goal, 0 if fate is Fate.SMOOTH else 1)
    if fate in (Fate.ATTEMPTED, Fate.PICKED_UP):
        way.scan(Meaning.ATTEMPT_FAILED, way.after(1, 9), goal)
        if fate is Fate.PICKED_UP:
            way.scan(Meaning.AVAILABLE_FOR_PICKUP, way.after(2, 8), goal)
            way.scan(Meaning.DELIVERED, way.after(14, 80), goal)
            return
        _drive(way, goal, 1)
    way.scan(Meaning.DELIVERED, way.after(0.5, 9), goal)
    if fate is Fate.RETRACTED:
        way.scan(Meaning.RETRACTION, way.after(0.3, 3), goal, retracts=len(way.scans) - 1)
        _drive(way, goal, 1)
        way.scan(Meaning.DELIVERED, way.after(0.5, 9), goal)


def _drive(way: _Way, goal: Stop, working_days: int) -> None:
    local = way.now.astimezone(goal.zone)
    today = working_days == 0 and local.hour < 10 and _delivers_on(local, way.profile)
    way.scan(Meaning.OUT_FOR_DELIVERY, way.after(0.3, 1.5) if today else way.morning(goal, max(1, working_days)), goal)


def _fail_and_return(way: _Way, origin: Stop, goal: Stop) -> None:
    for _ in range(2):
        _drive(way, goal, 1)
        way.scan(Meaning.ATTEMPT_FAILED, way.after(1, 9), goal)
    way.scan(Meaning.RETURN_TO_SENDER, way.after(12, 30), goal)
    for hub in reversed(hubs_between(goal.country, origin.postcode, goal.postcode, 2)):
        way.scan(Meaning.HUB, way.after(12, 30), _stop(hub))
    way.scan(Meaning.RETURNED, way.after(10, 30), origin)


def _stop(hub: Hub) -> Stop:
    return Stop(hub.city, hub.region, hub.postcode, hub.country, hub.timezone)


def customer_stop(country: str, region: str, city: str, postcode: str) -> Stop:
    """Return the receiver's place with its local time zone."""
    return Stop(city, region, postcode, country, str(local_zone(country, region)))


def _reports(rng: Random, scans: tuple[Scan, ...]) -> tuple[Report, ...]:
    """Each scan is told within minutes, some hours late, some twice."""
    reports = []
    for index, scan in enumerate(scans):
        late_h = rng.uniform(3, 14) if rng.random() < 0.04 else rng.expovariate(6.0)
        reports.append(Report(index, scan.at + timedelta(hours=late_h)))
        if rng.random() < 0.03:
            reports.append(Report(index, reports[-1].at + timedelta(hours=rng.uniform(0, 6))))
    return tuple(sorted(reports, key=lambda report: report.at))
