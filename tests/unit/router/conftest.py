"""The shipped router data and a builder of questions, shared by the router's unit tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from linkstar_router.domain.decision import Decision, Question, decide
from linkstar_router.domain.snapshot import Snapshot, shipped

WAREHOUSES = {
    "US-LA": ("US", "90058", "America/Los_Angeles"),
    "US-NJ": ("US", "08817", "America/New_York"),
    "CA-TOR": ("CA", "L5T 2N7", "America/Toronto"),
    "UK-BHX": ("GB", "B24 9QR", "Europe/London"),
    "DE-HAJ": ("DE", "30179", "Europe/Berlin"),
    "FR-LIL": ("FR", "59810", "Europe/Paris"),
}
CURRENCIES = {"US": "USD", "CA": "CAD", "GB": "GBP", "DE": "EUR", "FR": "EUR"}

Ask = Callable[..., Question]


@pytest.fixture(scope="session")
def snapshot() -> Snapshot:
    return shipped()


def ask_for(
    warehouse: str = "US-LA", postcode: str = "10001", weight: str = "2 lb", box: str = "10 8 4 in", *,
    on: str = "2026-11-23T18:00:00Z", country: str | None = None, residential: bool = True, po_box: bool = False,
    kind: str = "order", contents: dict[str, Any] | None = None, parcels: int = 1, **more: Any,
) -> Question:  # fmt: skip
    """Return the question of an order of equal parcels; `more` goes to the service options unless it is a question field."""
    home, origin, timezone = WAREHOUSES[warehouse]
    value, unit = weight.split()
    *sides, side_unit = box.split()
    parcel = {
        "weight": {"value": value, "unit": unit},
        "dimensions": dict(zip(("length", "width", "height"), sides, strict=True), unit=side_unit),
        "declared_value": {"amount_minor": more.pop("value_minor", 2500), "currency": CURRENCIES[home]},
        "contents": contents or {},
    }
    asked = {name: more.pop(name) for name in ("barred", "penalty_minor", "decided_at") if name in more}
    return Question.model_validate({
        "kind": kind,
        "warehouse": {"code": warehouse, "country": home, "postcode": origin, "timezone": timezone},
        "destination": {
            "country": country or home, "postcode": postcode, "residential": residential, "po_box": po_box,
        },
        "parcels": [{"number": number + 1, **parcel} for number in range(parcels)],
        "options": more, "ordered_at": on, "decided_at": on, **asked,
    }, strict=False)  # fmt: skip


@pytest.fixture(scope="session")
def ask() -> Ask:
    return ask_for


@pytest.fixture(scope="session")
def decided(snapshot: Snapshot) -> Callable[..., Decision]:
    """Decide the order that `ask_for` describes."""
    return lambda *args, **more: decide(snapshot, ask_for(*args, **more))
