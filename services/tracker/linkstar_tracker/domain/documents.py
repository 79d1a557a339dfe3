"""How a shipment is shown to those who ask: status, milestones, each parcel's timeline, exceptions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from linkstar_contracts.events import ResponsibleParty
from linkstar_tracker.domain.alarms import Alarm
from linkstar_tracker.domain.cases import Case
from linkstar_tracker.domain.claim_windows import Moments, windows_of
from linkstar_tracker.domain.incidents import Incident
from linkstar_tracker.domain.promises import promised_until
from linkstar_tracker.domain.roll_up import roll_up
from linkstar_tracker.domain.scans import Scan
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.domain.timeline import Timeline
from linkstar_tracker.domain.vocabulary import RETRACTION, Language, Vocabulary, text_code
from linkstar_tracker.domain.wording import Wording

__all__ = [
    "alarm_document", "case_document", "claims_document", "incident_document", "scan_document", "tracker_document",
]  # fmt: skip


def tracker_document(shipment: Shipment, rules: Rules, language: Language = "en") -> dict[str, Any]:
    """Return the shipment as JSON-ready data, told in a language; scans that were retracted are shown and marked."""
    label = shipment.label
    parcels = shipment.parcels(rules)
    rolled = roll_up(parcels.values()) if parcels else Timeline()
    return {
        "shipment_id": shipment.shipment_id,
        "order_id": shipment.order_id,
        "version": shipment.version,
        **_standing(rolled, language),
        "labelled": label is not None,
        "voided": shipment.voided,
        "kind": label.kind if label else None,
        "carrier": label.carrier if label else None,
        "service": label.service if label else None,
        "promise": label.promise.model_dump(mode="json") if label and label.promise else None,
        "deliver_by": _iso(label.deliver_by) if label else None,
        "parcels": [
            {
                "number": parcel.number,
                "tracking_number": parcel.tracking_number,
                **_standing(parcels[parcel.number], language),
                "scans": _scans(shipment.told(), parcel.tracking_number, parcels[parcel.number], rules, language),
            }
            for parcel in (label.parcels if label else ())
        ],
        "exceptions": [alarm_document(alarm, language) for alarm in shipment.alarms.values()],
    }


def alarm_document(alarm: Alarm, language: Language = "en") -> dict[str, Any]:
    """Return one exception as JSON-ready data: what it is and what to do, told in a language."""
    told, action = Wording.shipped().told(alarm.code, alarm.action, language)
    return {
        "exception_id": alarm.exception_id,
        "code": alarm.code.value,
        "told": told,
        "severity": alarm.severity.value,
        "party": alarm.party.value,
        "detail": alarm.detail,
        "action": action,
        "state": alarm.state.value,
        "version": alarm.version,
        "opened_at": _iso(alarm.opened_at),
        "changed_at": _iso(alarm.changed_at),
        "deadline_at": _iso(alarm.deadline_at),
        "evidence": list(alarm.evidence),
    }


def incident_document(incident: Incident, language: Language = "en") -> dict[str, Any]:
    """Return an incident as JSON-ready data, told in a language."""
    event = incident.event()
    told, action = Wording.shipped().told(event.code, event.action, language)
    fields = {"exception_id", "code", "severity", "party", "carrier", "lane", "place", "parcels", "expected_scans",
              "seen_scans", "detail", "state", "version"}  # fmt: skip
    return {
        **event.model_dump(mode="json", include=fields),
        "told": told,
        "action": action,
        "opened_at": _iso(incident.opened_at),
        "changed_at": _iso(incident.changed_at),
    }


def scan_document(scan: Scan) -> dict[str, Any]:
    """Return one scan as JSON-ready data."""
    return {
        "scan_id": scan.scan_id,
        "carrier": scan.carrier,
        "tracking_number": scan.tracking_number,
        "code": scan.code,
        "text": scan.text,
        "scanned_at": _iso(scan.scanned_at),
        "scanned_local": scan.scanned_local or None,
        "timezone": scan.timezone or None,
        "place": scan.place.model_dump(mode="json"),
        "source": scan.source,
        "retracts": scan.retracts,
    }


def case_document(case: Case) -> dict[str, Any]:
    """Return a case as JSON-ready data."""
    return {
        "shipment_id": case.shipment_id,
        "case": case.number,
        "state": "closed" if case.closed_at else "open",
        "opened_by": case.opened_by,
        "opened_at": _iso(case.opened_at),
        "keep_until": _iso(case.keep_until),
        "closed_at": _iso(case.closed_at),
        "closed_by": case.closed_by,
        "papers": case.papers,
        "bytes": case.size,
    }


def claims_document(shipment: Shipment, rules: Rules) -> list[dict[str, Any]]:
    """Return from when until when what may be claimed from the carrier, by terms whose source is told."""
    label = shipment.label
    if label is None:
        return []
    rolled = roll_up(shipment.parcels(rules).values())
    moments = Moments(rolled.accepted_at or label.labelled_at, promised_until(label), rolled.delivered_at)
    return [
        {
            "kind": window.kind,
            "opens_at": _iso(window.opens_at(moments)),
            "closes_at": _iso(window.closes_at(moments)),
            "counted_from": window.anchor,
            "cover": {"amount_minor": window.cover_minor, "currency": window.currency} if window.currency else None,
            "standing": window.standing,
            "source": window.source,
            "as_of": window.as_of,
        }
        for window in windows_of(label.carrier)
    ]


def _scans(
    scans: Iterable[Scan], tracking_number: str, timeline: Timeline, rules: Rules, language: Language
) -> list[dict[str, Any]]:  # fmt: skip
    own = (scan for scan in scans if scan.tracking_number == tracking_number)
    shown = []
    for scan in sorted(own, key=lambda each: (each.scanned_at, each.scan_id)):
        retracted = scan.retracts is None and scan.scan_id not in timeline.entries
        shown.append({**scan_document(scan), **_told(scan, rules, language), "retracted": retracted})
    return shown


def _told(scan: Scan, rules: Rules, language: Language) -> dict[str, Any]:
    """What a scan says in our words. A retraction says nothing itself."""
    if scan.retracts is not None:
        return {"status": None, "party": ResponsibleParty.UNSET.value, **_words(RETRACTION, language)}
    meaning = rules.meanings.meaning(scan.carrier, scan.code)
    status = meaning.status.value if meaning.status else None
    return {"status": status, "party": meaning.party.value, **_words(meaning.text_code, language)}


def _words(code: str, language: Language) -> dict[str, str]:
    return {"text_code": code, "told": Vocabulary.shipped().text(code, language)}


def _standing(timeline: Timeline, language: Language) -> dict[str, Any]:
    return {
        "status": timeline.status.value,
        "substatus": timeline.substatus,
        "party": timeline.party.value,
        **_words(text_code(timeline.status, timeline.substatus), language),
        "accepted_at": _iso(timeline.accepted_at),
        "first_attempt_at": _iso(timeline.first_attempt_at),
        "delivered_at": _iso(timeline.delivered_at),
        "last_scan_at": _iso(timeline.last_scan_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
