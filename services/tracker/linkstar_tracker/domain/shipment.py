"""The aggregate: one shipment with its label, scans and exceptions. Its methods return the events they cause.

The state after a set of label events and scans is the same in whatever order they came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from linkstar_contracts.assembly import assembled
from linkstar_contracts.event import Event
from linkstar_contracts.events import (
    LabelCreated,
    LabelVoided,
    ShipmentUpdated,
    TrackingStatus,
    TrackingUpdated,
)  # fmt: skip
from linkstar_contracts.values import Promise
from linkstar_tracker.domain.alarms import Alarm, opened, raised, reconcile, resolved
from linkstar_tracker.domain.deadlines import Deadlines
from linkstar_tracker.domain.disputes import still_denied
from linkstar_tracker.domain.evidence import Trail, label_fact, void_fact
from linkstar_tracker.domain.forecasts import reforecast
from linkstar_tracker.domain.foresight import Foresight
from linkstar_tracker.domain.incidents import Incidents
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.lessons import Broken, lane_key
from linkstar_tracker.domain.meanings import StatusMap
from linkstar_tracker.domain.policies import Policies
from linkstar_tracker.domain.promises import missed
from linkstar_tracker.domain.roll_up import roll_up
from linkstar_tracker.domain.scans import Brief, Scan
from linkstar_tracker.domain.timeline import Timeline, fold, followed
from linkstar_tracker.domain.troubles import Trouble, seen_in, slip, struck
from linkstar_tracker.domain.watch import Watched, WatchRules

__all__ = ["MOST_SCANS", "Rules", "Shipment"]

MOST_SCANS = 2_000
"""So many are followed of one shipment: each is read with every new one. A journey of twenty parcels has some hundreds."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The data the tracker judges by."""

    meanings: StatusMap
    watch: WatchRules
    foresight: Foresight = field(default_factory=Foresight)
    policies: Policies = field(default_factory=Policies)
    deadlines: Deadlines = field(default_factory=Deadlines.shipped)
    incidents: Incidents = field(default_factory=Incidents)

    @classmethod
    def shipped(cls) -> Rules:
        """Return the rules that come with the package."""
        return cls(StatusMap.shipped(), WatchRules.shipped())


@dataclass(slots=True)
class Shipment:
    """One shipment. `version` counts its TrackingUpdated events; `label_version` is the newest label event seen."""

    tenant: str
    shipment_id: str
    order_id: str
    shard: int
    label: TrackedLabel | None = None
    label_version: int = 0
    voided: bool = False
    version: int = 0
    scans: dict[str, Scan | Brief] = field(default_factory=dict)
    """In brief where only new scans are to be told of; whole before the label is known, and for whoever reads."""
    briefs: str | None = field(default=None, repr=False, compare=False)
    """The text that scans in brief were read from."""
    alarms: dict[str, Alarm] = field(default_factory=dict)
    trail: Trail = field(default_factory=Trail, repr=False, compare=False)
    """What was told in the order it was told in: alone of all state it depends on that."""
    broken: list[Broken] = field(default_factory=list, repr=False, compare=False)
    """The silences that scans have ended since the shipment was read."""
    _folded: dict[int, Timeline] | None = field(default=None, repr=False, compare=False)
    _lane: tuple[TrackedLabel, str] | None = field(default=None, repr=False, compare=False)
    _foreseen: tuple[dict[int, Timeline], Promise | None] | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """Tenant and shipment id."""
        return self.tenant, self.shipment_id

    @property
    def carrier(self) -> str:
        """Empty before the label is known."""
        return self.label.carrier if self.label else ""

    @property
    def lane(self) -> str:
        """Empty before the label is known."""
        if self.label is None:
            return ""
        if self._lane is None or self._lane[0] is not self.label:
            self._lane = self.label, self.label.lane
        return self._lane[1]

    def label_created(
        self, event: LabelCreated, rules: Rules, now: datetime, traceparent: str | None = None
    ) -> list[Event]:
        """Follow the label from now on. A label older than the one followed changes nothing."""
        held = (self.label.version or self.label_version) if self.label else 0
        if event.version <= held or event.version == self.label_version:
            return []
        if event.version > self.label_version:
            self.label_version, self.voided = event.version, False
        self.label, self._folded = TrackedLabel.of(event, traceparent), None
        self.trail.keep(self.tenant, self.shipment_id, "label", now, label_fact(event))
        early = self._take_scans_of(self.label) if self.scans else ()
        events = self._announce(event.occurred_at, rules, now)
        for scan in sorted(early, key=lambda each: (each.scanned_at, each.scan_id)):
            events += self.record(scan, rules, now)
        return events

    def label_voided(self, event: LabelVoided, rules: Rules, now: datetime) -> list[Event]:
        """Stop watching. Scans that come all the same are still followed."""
        if event.version <= self.label_version:
            return []
        self.label_version, self.voided, self._folded = event.version, True, None
        self.trail.keep(self.tenant, self.shipment_id, "void", now, void_fact(event))
        return self._announce(event.occurred_at, rules, now)

    def record(self, scan: Scan, rules: Rules, now: datetime) -> list[Event]:
        """Add a scan. A repeated one, or one that leaves the timeline as it is, causes nothing."""
        if scan.scan_id in self.scans:
            return []
        parcel = self.label.parcel_of(scan.tracking_number) if self.label else None
        before = self.parcels(rules)
        self.scans[scan.scan_id], self._folded = scan, self._followed(before, parcel, scan, rules)
        if parcel is None or before[parcel].entries == self.parcels(rules)[parcel].entries:
            return []
        self.broken.append(Broken(before[parcel], self.parcels(rules)[parcel]))
        return [self._updated(parcel, scan, rules, now), *self._reconcile(rules, now)]

    def watch(self, rules: Rules, now: datetime) -> list[Event]:
        """Raise what the passing of time has brought."""
        return self._reconcile(rules, now, may_open_timed=True)

    def open(self, trouble: Trouble, rules: Rules, now: datetime) -> list[Event]:
        """Raise what somebody tells of a labelled shipment, if nothing of its kind is open."""
        if any(alarm.open and alarm.code is trouble.code for alarm in self.alarms.values()):
            return []
        return self._change((opened(self.shipment_id, self.alarms, trouble, now, partial(self._due, rules, now)),))

    def settle(self, alarm: Alarm, now: datetime, outcome: str) -> list[Event]:
        """Resolve what somebody told, and has settled."""
        return self._change((resolved(alarm, now, f"outcome:{outcome}"),)) if alarm.open else []

    def watch_due_at(self, rules: Rules) -> datetime | None:
        """Return when `watch` has something to raise, if no scan comes before."""
        watched = self._watched(rules)
        if self.alarms:
            is_open = {alarm.code for alarm in self.alarms.values() if alarm.open}
            watched = [each for each in watched if each.code not in is_open]
        return min([each.at for each in watched], default=None)

    def told(self) -> list[Scan]:
        """Return the scans whole. Raises TypeError if the shipment was read with scans in brief."""
        whole = [scan for scan in self.scans.values() if isinstance(scan, Scan)]
        if len(whole) < len(self.scans):
            raise TypeError(f"shipment {self.shipment_id} was read in brief")
        return whole

    def parcels(self, rules: Rules) -> dict[int, Timeline]:
        """Return the timeline of each parcel under the current label."""
        if self._folded is None:
            self._folded = self._fold(self.label, rules) if self.label else {}
        return self._folded

    def _followed(
        self, before: dict[int, Timeline], parcel: int | None, scan: Scan, rules: Rules
    ) -> dict[int, Timeline] | None:
        """Return the timelines with one scan more where that needs no fold: it is its parcel's latest, and stands."""
        if (
            parcel is None
            or scan.retracts
            or self.voided
            or any(s.retracts == scan.scan_id for s in self.scans.values())
        ):
            return None
        after = followed(before[parcel], scan, rules.meanings)
        return {**before, parcel: after} if after else None

    def _fold(self, label: TrackedLabel, rules: Rules) -> dict[int, Timeline]:
        by_number: dict[str, list[Scan | Brief]] = {}
        for scan in self.scans.values():
            by_number.setdefault(scan.tracking_number, []).append(scan)
        parcels = {p.number: fold(by_number.get(p.tracking_number, ()), rules.meanings) for p in label.parcels}
        if self.voided and not any(timeline.accepted_at for timeline in parcels.values()):
            return {n: each._replace(status=TrackingStatus.CANCELLED, substatus=None) for n, each in parcels.items()}
        return parcels

    def current(self, rules: Rules, now: datetime) -> ShipmentUpdated | None:
        """Return the shipment's latest state; None before its label is known."""
        if self.label is None or self.version == 0:
            return None
        rolled = roll_up(self.parcels(rules).values())
        return assembled(ShipmentUpdated, {
            **self._common(self.label, rolled, rules, now),
            "tracking_numbers": tuple([parcel.tracking_number for parcel in self.label.numbered]),
            "last_scan_at": rolled.last_scan_at,
        })  # fmt: skip

    def _take_scans_of(self, label: TrackedLabel) -> list[Scan]:
        """Remove and return the scans that came before their label."""
        early = [scan for scan in self.told() if label.parcel_of(scan.tracking_number) is not None]
        for scan in early:
            del self.scans[scan.scan_id]
        self._folded = None
        return early

    def _announce(self, at: datetime, rules: Rules, now: datetime) -> list[Event]:
        """Tell that the label was made or voided. Before a tracking number is known only what was open can be answered."""
        if self.label is None:
            return []
        numbered = self.label.numbered
        if not numbered:
            return self._reconcile(rules, now)
        first = numbered[0]
        told = Scan("", self.label.carrier, first.tracking_number, "", at, source="kafka")
        return [self._updated(first.number, told, rules, now), *self._reconcile(rules, now)]

    def _updated(self, parcel: int, scan: Scan, rules: Rules, now: datetime) -> TrackingUpdated:
        assert self.label is not None  # noqa: S101 - callers have looked
        parcels = self.parcels(rules)
        self.version += 1
        return assembled(TrackingUpdated, {
            **self._common(self.label, roll_up(parcels.values()), rules, now),
            "parcel": parcel,
            "tracking_number": scan.tracking_number,
            "parcel_status": parcels[parcel].status,
            "carrier_code": scan.code,
            "carrier_text": scan.text,
            "place": scan.place,
            "scanned_at": scan.scanned_at,
            "scanned_local": scan.scanned_local,
            "timezone": scan.timezone,
            "source": scan.source,
            "retraction": scan.retracts is not None,
        })  # fmt: skip

    def _common(self, label: TrackedLabel, rolled: Timeline, rules: Rules, now: datetime) -> dict[str, Any]:
        """What every event of the shipment says. All of it, and of a scan, was validated with the label or scan it came in,
        under the same types; status and sub-status are rows of the package's own map. So events are only assembled.
        """
        return {
            "tenant": self.tenant,
            "order_id": self.order_id,
            "version": self.version,
            "occurred_at": now,
            "shipment_id": self.shipment_id,
            "kind": label.kind,
            "carrier": label.carrier,
            "service": label.service,
            "status": rolled.status,
            "substatus": rolled.substatus,
            "party": rolled.party,
            "accepted": rolled.accepted_at is not None,
            "first_attempt": rolled.first_attempt_at is not None,
            "delivered": rolled.delivered_at is not None,
            "promise": self._forecast(rules) or label.promise,
            "deliver_by": label.deliver_by,
            "test": label.test,
        }

    def _forecast(self, rules: Rules) -> Promise | None:
        """Return when the shipment will arrive, as of its last scans; None when nothing better is known than its promise."""
        if rules.foresight.arrivals is None or self.label is None or self.voided:
            return None
        parcels = self.parcels(rules)
        if self._foreseen is None or self._foreseen[0] is not parcels:
            self._foreseen = parcels, reforecast(rules.foresight.arrivals, self.carrier, self.lane, parcels.values())
        return self._foreseen[1]

    def _watched(self, rules: Rules) -> list[Watched]:
        if self.label is None or self.voided:
            return []
        label, known, policy = self.label, rules.foresight.expectations, rules.policies.of(self.tenant)
        watched = list(missed(label, parcels := self.parcels(rules)))
        for n, each in parcels.items():
            expected = known.of(lane_key(each, self.lane), policy.alerts_per_1000) if known else None
            watched += rules.watch.watch(label.carrier, label.kind, n, each, label.labelled_at, expected, policy.rules)
        return rules.incidents.postponed(self.tenant, self.lane, parcels, watched)

    def _reconcile(self, rules: Rules, now: datetime, *, may_open_timed: bool = False) -> list[Event]:
        seen = self._seen(rules, now)
        if not (seen or self.alarms or may_open_timed):
            return []
        timed = may_open_timed or any(alarm.open for alarm in self.alarms.values())
        passed = struck(self._watched(rules), now) if timed else ()
        due = partial(self._due, rules, now)
        changed = reconcile(self.shipment_id, self.alarms, seen, passed, now, due, may_open_timed=may_open_timed)
        return self._change(changed)

    def _seen(self, rules: Rules, now: datetime) -> tuple[Trouble, ...]:
        """What scans, forecasts and people tell of; a promise that is broken is no longer at risk."""
        parcels, label = self.parcels(rules), self.label
        risk = slip(label.promise, self._forecast(rules)) if label and label.promise else ()
        if risk and label and any(broken.at <= now for broken in missed(label, parcels)):
            risk = ()
        denied = (
            still_denied(self.alarms.values(), label, parcels, self.scans.values(), rules.meanings)
            if self.alarms and label else ()
        )  # fmt: skip
        return (*seen_in(parcels), *risk, *denied)

    def _due(self, rules: Rules, now: datetime, trouble: Trouble) -> datetime | None:
        return rules.deadlines.due(trouble, self.label, self.parcels(rules), now) if self.label else None

    def _change(self, changed: tuple[Alarm, ...]) -> list[Event]:
        self.alarms |= {alarm.exception_id: alarm for alarm in changed}
        return [raised(alarm, self.tenant, self.order_id, self.shipment_id) for alarm in changed]
