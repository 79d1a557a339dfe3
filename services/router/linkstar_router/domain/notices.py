"""Warnings a seller should see before buying: remote area, oversize, dimensional weight, synthetic prices."""

from __future__ import annotations

from collections.abc import Iterable

from linkstar_contracts.values import Notice
from linkstar_router.domain.choice import Candidate
from linkstar_router.domain.decision import Decision, Question
from linkstar_router.domain.measures import weight_quanta
from linkstar_router.domain.snapshot import Snapshot

__all__ = ["notices"]

_OVERSIZE = frozenset({"oversize_surcharge", "additional_handling", "length_surcharge", "high_cube_surcharge"})
_DETAIL = 300


def notices(snapshot: Snapshot, question: Question, decision: Decision) -> tuple[Notice, ...]:
    """Return the warnings that hold for this shipment, with the services they concern."""
    areas = sorted(snapshot.areas.of(question.destination.country, question.destination.postcode))
    oversize = [c for c in decision.candidates if any(line.code in _OVERSIZE for line in c.rated.lines)]
    found = (
        ("remote_area", ", ".join(areas)),
        ("oversize", _named(oversize)),
        ("dim_weight", _named(c for c in decision.candidates if _by_volume(c, question))),
        (
            "synthetic_price",
            _named(c for c in decision.candidates if c.offer.edition and c.offer.edition.pack.synthetic),
        ),
    )
    return tuple(Notice(code=code, detail=detail[:_DETAIL]) for code, detail in found if detail)


def _named(candidates: Iterable[Candidate]) -> str:
    return ", ".join(candidate.offer.service.key for candidate in candidates)


def _by_volume(candidate: Candidate, question: Question) -> bool:
    """True when the volume decides the billable weight: rounding up alone adds less than a pound or a kilogram a parcel."""
    edition = candidate.offer.edition
    if edition is None or edition.dim is None:
        return False
    actual = sum(weight_quanta(parcel.weight) for parcel in question.parcels)
    return candidate.rated.billable >= actual + edition.rounding[-1].step * len(question.parcels)
