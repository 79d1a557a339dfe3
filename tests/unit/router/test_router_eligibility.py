"""Which services may carry a shipment, and the coded reason when they may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from linkstar_router.domain.decision import Decision

Decided = Callable[..., Decision]


def _refusals(decision: Decision) -> dict[str, str]:
    return {entry.service.key: entry.refusal.code for entry in decision.excluded}


def _taken(decision: Decision) -> set[str]:
    return {candidate.offer.service.key for candidate in decision.candidates}


CASES: list[tuple[str, tuple[str, ...], dict[str, Any], dict[str, str]]] = [
    ("po box", ("US-LA", "10001"), {"po_box": True}, {"ups/ground": "po_box", "fedex/home_delivery": "po_box"}),
    ("a lone battery flies with nobody", ("US-LA", "10001"), {"contents": {"battery": "standalone"}},
     {"ups/2nd_day_air": "battery", "usps/priority_mail": "battery", "fedex/2day": "battery"}),
    ("an unknown battery class travels nowhere", ("UK-BHX", "SW1A"), {"contents": {"battery": "sodium"}},
     {"royal-mail/tracked_24": "battery", "evri/standard": "battery"}),
    ("liquids", ("UK-BHX", "SW1A"), {"contents": {"liquid": True}}, {"evri/standard": "liquid"}),
    ("dangerous goods", ("DE-HAJ", "10115"), {"contents": {"hazmat": True}},
     {"dhl-de/paket": "hazmat", "hermes-de/to_door": "hazmat", "dpd-de/classic": "hazmat"}),
    ("customs border", ("UK-BHX", "10115"), {"country": "DE"}, {"royal-mail/tracked_24": "cross_border_without_customs"}),
    ("signature without a price", ("UK-BHX", "SW1A"), {"signature": True}, {"royal-mail/tracked_48": "signature"}),
    ("appointment", ("FR-LIL", "75001"), {"appointment": True}, {"colissimo/home": "appointment"}),
    ("insurance beyond the cover", ("UK-BHX", "SW1A"), {"insurance": True, "value_minor": 15001},
     {"royal-mail/tracked_24": "insurance"}),
    ("level", ("US-LA", "10001"), {"level": "next_day"}, {"usps/priority_mail": "level", "ups/2nd_day_air": "level"}),
    ("no list in force", ("UK-BHX", "SW1A"), {"on": "2025-12-01T12:00:00Z"}, {"royal-mail/tracked_24": "no_tariff_at_date"}),
    ("no fuel week", ("US-LA", "10001"), {"on": "2026-02-28T12:00:00Z"}, {"ups/ground": "no_tariff_at_date"}),
    ("refused before", ("US-LA", "10001"), {"barred": ["usps/priority_mail"]},
     {"usps/priority_mail": "rejected_by_carrier"}),
    ("too heavy", ("UK-BHX", "SW1A", "20001 g", "40 30 20 cm"), {},
     {"royal-mail/tracked_24": "weight", "evri/standard": "weight"}),
    ("too long", ("DE-HAJ", "10115", "5 kg", "121 30 20 cm"), {}, {"hermes-de/to_door": "size"}),
    ("fits no size class", ("UK-BHX", "SW1A", "3 kg", "80 60 20 cm"), {}, {"royal-mail/tracked_24": "size"}),
    ("volume weight beyond the list", ("US-LA", "10001", "5 lb", "26 26 15 in"), {"on": "2026-08-03T12:00:00Z"},
     {"usps/ground_advantage": "weight"}),
    ("oversize without a price in the newer list", ("US-LA", "10001", "5 lb", "40 20 16 in"), {"on": "2026-08-03T12:00:00Z"},
     {"usps/ground_advantage": "size"}),
    ("Alaska", ("US-LA", "99501"), {}, {"ups/ground": "coverage", "fedex/2day": "coverage"}),
    ("Corsica", ("FR-LIL", "20090"), {"level": "economy"},
     {"mondial-relay/relay": "coverage", "chronopost/chrono_13": "coverage"}),
    ("overseas France", ("FR-LIL", "97400"), {}, {"colissimo/home": "cross_border_without_customs"}),
    ("Northern Ireland", ("UK-BHX", "BT7"), {}, {"parcelforce/express24": "coverage"}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "parcel", "options", "expected"), CASES, ids=[case[0] for case in CASES])
def test_refusals_are_coded(
    decided: Decided, case: str, parcel: tuple[str, ...], options: dict[str, Any], expected: dict[str, str]
) -> None:
    decision = decided(*parcel, **options)
    found = _refusals(decision)
    assert {service: found.get(service) for service in expected} == expected
    assert not _taken(decision) & expected.keys()


def test_limits_are_met_exactly(decided: Decided) -> None:
    assert "hermes-de/to_door" in _taken(decided("DE-HAJ", "10115", "25 kg", "100 30 20 cm"))
    assert "usps/priority_mail" in _taken(decided("US-LA", "10001", "70 lb", "60 12 12 in"))
    assert _refusals(decided("US-LA", "10001", "70.0001 lb", "60 12 12 in"))["usps/priority_mail"] == "weight"
    assert _refusals(decided("US-LA", "10001", "70 lb", "60.0001 12 12 in"))["usps/priority_mail"] == "size"


def test_fedex_serves_homes_and_businesses_by_different_services(decided: Decided) -> None:
    assert _refusals(decided(residential=True))["fedex/ground"] == "coverage"
    assert _refusals(decided(residential=False))["fedex/home_delivery"] == "coverage"


def test_po_boxes_and_relays_serve_who_asks_for_them(decided: Decided) -> None:
    assert {"usps/ground_advantage", "usps/priority_mail"} == _taken(decided(po_box=True))
    assert "mondial-relay/relay" in _taken(decided("FR-LIL", "75001", level="economy"))


def test_one_heavy_parcel_of_three_refuses_the_shipment(decided: Decided) -> None:
    decision = decided("UK-BHX", "SW1A", "16 kg", "40 30 20 cm", parcels=3)
    assert _refusals(decision)["evri/standard"] == "weight"
    assert "dpd-uk/next_day" in _taken(decision)


def test_insured_parcels_pay_by_their_own_value(decided: Decided) -> None:
    decision = decided("US-LA", "10001", insurance=True, value_minor=50000, parcels=2)
    (ground,) = (entry for entry in decision.candidates if entry.offer.service.key == "ups/ground")
    # 2 x 5 x 1.70; FedEx 2 x 5 x 1.65; USPS covers 100 USD and sells no more
    assert {line.code: line.amount for line in ground.rated.lines}["insurance"] == 1700
    (home,) = (entry for entry in decision.candidates if entry.offer.service.key == "fedex/home_delivery")
    assert {line.code: line.amount for line in home.rated.lines}["insurance"] == 1650
    assert _refusals(decision)["usps/ground_advantage"] == "insurance"


def test_no_service_is_offered_that_is_kept_for_reference(decided: Decided) -> None:
    decision = decided("UK-BHX", "SW1A", "1 kg", "40 30 10 cm", level="economy")
    named = _taken(decision) | _refusals(decision).keys()
    assert "royal-mail/tracked_24" in named
    assert not {key for key in named if key.endswith("_branch")}
