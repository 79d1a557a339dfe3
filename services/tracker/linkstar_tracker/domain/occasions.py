"""Exceptions of shipments as automation rules see them, and how firings are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from linkstar_contracts.events import RuleFired
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.automation import Occasion
from linkstar_tracker.domain.label import TrackedLabel
from linkstar_tracker.domain.rule_plan import Firing
from linkstar_tracker.domain.shipment import Shipment

__all__ = ["facts_of", "fired_event", "occasion_of"]


def occasion_of(label: TrackedLabel, alarm: Alarm, scanned_at: Sequence[datetime]) -> Occasion:
    """Return an exception of a labelled shipment; it is silent since the newest of the scans, or its label."""
    return Occasion(
        alarm.exception_id, alarm.code, alarm.severity, alarm.party, alarm.opened_at,
        None if alarm.open else alarm.changed_at, label.carrier, label.service, label.origin, label.country, label.kind,
        label.declared, tuple(sorted({label.labelled_at, *scanned_at})),
    )  # fmt: skip


def facts_of(occasion: Occasion) -> dict[str, Any]:
    """Return what a rule judged by, as JSON-ready data."""
    return {
        "code": occasion.code.value,
        "severity": occasion.severity.value,
        "party": occasion.party.value,
        "carrier": occasion.carrier,
        "service": occasion.service,
        "origin": occasion.origin,
        "country": occasion.country,
        "kind": occasion.kind,
        "value": str(occasion.value) if occasion.value else None,
        "opened_at": occasion.opened_at.isoformat(),
        "heard_at": occasion.heard_at[-1].isoformat(),
    }


def fired_event(
    shipment: Shipment, occasion: Occasion, firing: Firing, version: int, actions: Sequence[str], now: datetime
) -> RuleFired:
    """Return the event that tells of a firing."""
    then = firing.rule.then
    return RuleFired(
        tenant=shipment.tenant, order_id=shipment.order_id, shipment_id=shipment.shipment_id, occurred_at=now,
        rule=firing.rule.id, rules_version=version, exception_id=occasion.exception_id, code=occasion.code,
        severity=occasion.severity, outcome=firing.outcome, assignee=then.assignee, notify=then.notify,
        actions=tuple(actions),
    )  # fmt: skip
