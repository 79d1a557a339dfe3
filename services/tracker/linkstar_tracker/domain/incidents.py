"""Places and lanes where a seller's parcels are no longer scanned: one incident instead of an alert for each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TypeAlias

from linkstar_contracts.events import ExceptionCode, ExceptionState, IncidentRaised, ResponsibleParty
from linkstar_performance.outages import WHOLE_LANE, LaneCourse
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.timeline import Timeline
from linkstar_tracker.domain.watch import Watched
from linkstar_tracker.domain.wording import Wording

__all__ = ["Incident", "Incidents", "LaneKey", "begun", "carrier_of", "incident_key"]

LaneKey: TypeAlias = tuple[str, str]
"""Tenant, and carrier with countries."""

_GRACE_H = 24.0
_LOOK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Incident:
    """An outage of one tenant's parcels at a place, or on a whole lane (`*`). Counts are those of its newest state."""

    tenant: str
    incident_id: str
    lane: str
    """Carrier and countries."""
    spot: str
    busy: bool
    """So much of the lane passes here that parcels on the road count as explained, too."""
    expected: int
    seen: int
    parcels: int
    state: ExceptionState
    version: int
    opened_at: datetime
    changed_at: datetime

    @property
    def open(self) -> bool:
        return self.state is not ExceptionState.RESOLVED

    @property
    def detail(self) -> str:
        """What happened, in a sentence."""
        where = f"on all of {self.lane}" if self.spot == WHOLE_LANE else f"at {self.spot} on {self.lane}"
        return (
            f"{self.seen} scans within a working day {where} where {self.expected} were expected; "
            f"{self.parcels} parcels were last seen there"
        )

    def ended(self, course: LaneCourse, now: datetime) -> Incident:
        """Return its last state."""
        expected, seen, parcels = _counted(course, self.spot)
        return replace(
            self, expected=expected, seen=seen, parcels=parcels, state=ExceptionState.RESOLVED, version=self.version + 1,
            changed_at=now,
        )  # fmt: skip

    def event(self) -> IncidentRaised:
        """Return the event that tells its newest state."""
        words = Wording.shipped().of(ExceptionCode.INCIDENT)
        return IncidentRaised(
            tenant=self.tenant,
            order_id=incident_key(self.lane),
            version=self.version,
            occurred_at=self.changed_at,
            exception_id=self.incident_id,
            code=ExceptionCode.INCIDENT,
            severity=words.severity,
            party=ResponsibleParty.CARRIER,
            carrier=carrier_of((self.tenant, self.lane)),
            lane=self.lane,
            place="" if self.spot == WHOLE_LANE else self.spot,
            parcels=self.parcels,
            expected_scans=self.expected,
            seen_scans=self.seen,
            detail=self.detail,
            action=words.action["en"],
            state=self.state,
        )

    def explains(self, timeline: Timeline) -> bool:
        """True when it is no wonder that nothing is heard of a parcel."""
        if not self.open and (timeline.last_scan_at is None or timeline.last_scan_at >= self.changed_at):
            return False
        stay = timeline.stay
        at_hand = stay is not None and (stay.spot == self.spot or (self.busy and stay.leaving))
        return self.spot == WHOLE_LANE or at_hand

    def quiet_until(self, as_of: datetime) -> datetime:
        """Return until when parcels it explains are not asked after one by one: a working day after its end at least."""
        if self.open:
            return as_of + _LOOK
        return calendar_of(carrier_of((self.tenant, self.lane))).after(self.changed_at, _GRACE_H)


class Incidents:
    """The incidents that are open or have ended lately; whoever holds them sees them renewed."""

    def __init__(self) -> None:
        self._by_lane: dict[tuple[str, str], tuple[Incident, ...]] = {}
        self._as_of: datetime | None = None
        self.state: tuple[int, int] = (0, 0)
        """How many there are and the sum of their versions: it changes with each of them."""

    def renew(self, incidents: Iterable[Incident], state: tuple[int, int]) -> None:
        """Take these incidents for all there are."""
        found: dict[tuple[str, str], tuple[Incident, ...]] = {}
        for each in incidents:
            found[each.tenant, each.lane] = (*found.get((each.tenant, each.lane), ()), each)
        self._by_lane, self.state = found, state

    def look(self, now: datetime) -> None:
        """Say what time it is: while an incident lasts, its parcels are looked at again an hour later."""
        self._as_of = now

    def postponed(
        self, tenant: str, lane: str, parcels: Mapping[int, Timeline], watched: list[Watched]
    ) -> list[Watched]:
        """Return what is watched, silences that an incident explains put off and pointing to it."""
        incidents = self._by_lane.get((tenant, lane.partition("|")[0])) if self._by_lane else None
        if not incidents or self._as_of is None:
            return watched
        return [self._put_off(incidents, parcels[each.parcel], each, self._as_of) for each in watched]

    def _put_off(self, incidents: tuple[Incident, ...], timeline: Timeline, watch: Watched, as_of: datetime) -> Watched:
        if watch.code is not ExceptionCode.SILENT or watch.stage != "movement":
            return watch
        for incident in incidents:
            if incident.explains(timeline):
                at = max(watch.at, incident.quiet_until(as_of))
                return watch._replace(at=at, evidence=(incident.incident_id,))
        return watch


def begun(lane: LaneKey, spot: str, course: LaneCourse, recurrence: int, now: datetime) -> Incident:
    """Return a new incident, the so many-th of its place or lane within a tenant."""
    tenant, name = lane
    incident_id = f"track.incident.{_slug(name if spot == WHOLE_LANE else f'{name} {spot}')}"
    return Incident(
        tenant, incident_id if recurrence == 1 else f"{incident_id}.{recurrence}", name, spot,
        spot in course.busy, *_counted(course, spot), ExceptionState.OPEN, 1, now, now,
    )  # fmt: skip


def _counted(course: LaneCourse, spot: str) -> tuple[int, int, int]:
    """Scans expected and seen within the last working day, and parcels under way."""
    here = course.course(spot)
    parcels = sum(each.under_way for each in course.places.values()) if spot == WHOLE_LANE else here.under_way
    return round(here.expected), round(here.seen), parcels


def carrier_of(lane: LaneKey) -> str:
    """Return the carrier of a lane."""
    return lane[1].partition(" ")[0]


def incident_key(lane: str) -> str:
    """Return what stands for the order in the record key of a lane's incidents."""
    return f"~{_slug(lane)}"


def _slug(name: str) -> str:
    """A readable name of safe characters, made unique by a digest of what it left out."""
    plain = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{plain}-{blake2b(name.encode(), digest_size=4).hexdigest()}"
