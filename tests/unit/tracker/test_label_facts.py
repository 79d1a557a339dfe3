"""What a label proves is told in one way for ever: a fact in other bytes would not fit its chain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from unit.tracker.tracked_facts import label

from linkstar_contracts.events import LabelCreated, PurchaseGuarantee
from linkstar_contracts.evidence_chain import canonical
from linkstar_tracker.domain.evidence import label_fact

TOLD = {
    "version", "occurred_at", "kind", "route_version", "carrier", "service", "account", "parcels", "total", "lines",
    "posting_id", "purchase_guarantee", "manifest_id", "zone", "promise", "options", "test",
}  # fmt: skip

TOKENS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,20}", fullmatch=True)
WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
EARLIEST, LATEST = datetime(1991, 1, 1), datetime(2199, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zone
ZONES = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
INSTANTS = st.datetimes(EARLIEST, LATEST, timezones=ZONES | st.just(UTC))
DAYS = st.dates(EARLIEST.date(), LATEST.date()).map(str)
MONEY = st.fixed_dictionaries(
    {
        "amount_minor": st.integers(-(10**12), 10**12),
        "currency": st.sampled_from(["USD", "JPY", "EUR"]),
    }
)
LINES = st.fixed_dictionaries({"code": TOKENS, "amount": MONEY}, optional={"detail": WORDS, "synthetic": st.booleans()})
PARCELS = st.fixed_dictionaries({
    "number": st.integers(1, 99),
    "tracking_number": st.from_regex(r"[A-Z0-9%]{6,40}", fullmatch=True) | st.just("pending"),
    "weight": st.fixed_dictionaries({
        "value": st.decimals(Decimal("0.0001"), 1_000_000, places=4) | st.sampled_from([Decimal("1E+2"), "12.50"]),
        "unit": st.sampled_from(["g", "kg", "oz", "lb"]),
    }),
    "declared_value": MONEY,
    "label_sha256": st.binary(max_size=2).map(lambda content: sha256(content).hexdigest()),
})  # fmt: skip
PROMISES = st.fixed_dictionaries(
    {"p50_on": DAYS, "p90_on": DAYS}, optional={"sample_size": st.integers(0, 10**9), "source": TOKENS}
)
OPTIONS = st.fixed_dictionaries({}, optional={
    "level": st.sampled_from(["economy", "standard", "expedited", "next_day"]),
    "signature": st.booleans(), "insurance": st.booleans(), "appointment": st.booleans(),
    "deliver_by": st.none() | INSTANTS, "ship_by": st.none() | INSTANTS,
})  # fmt: skip
CHANGES = st.fixed_dictionaries({}, optional={
    "version": st.integers(1, 10**9), "route_version": st.integers(1, 10**9), "occurred_at": INSTANTS,
    "kind": st.sampled_from(["order", "return"]), "carrier": TOKENS, "service": TOKENS, "account": TOKENS,
    "parcels": st.lists(PARCELS, min_size=1, max_size=3), "total": MONEY,
    "lines": st.lists(LINES, min_size=1, max_size=3), "posting_id": WORDS.map(lambda words: f"p{words}"),
    "purchase_guarantee": st.sampled_from(PurchaseGuarantee), "manifest_id": st.none() | TOKENS, "zone": WORDS,
    "promise": st.none() | PROMISES, "options": OPTIONS, "test": st.booleans(),
})  # fmt: skip


@given(CHANGES)
def test_a_label_is_recorded_as_its_canonical_json(changes: Mapping[str, Any]) -> None:
    told = LabelCreated.model_validate(label().model_dump() | changes)
    assert label_fact(told) == canonical(told.model_dump(mode="json", include=TOLD))


def test_a_label_is_recorded_as_it_was_before() -> None:
    assert sha256(label_fact(label())).hexdigest() == "76b5ed435f0a27c21c9a5943fbc7b322adf917cb35b116cf4147ca2c864dadd9"
