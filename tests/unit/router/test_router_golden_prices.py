"""Prices worked out by hand from the published tables: `golden_prices.csv` names file and row (header = 1) of each.

The surcharge amounts stand in us/surcharges_us.csv and eu/surcharges.csv, the fuel in us/fuel_percent_history.csv.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from linkstar_router.domain.decision import Decision

Decided = Callable[..., Decision]
CASES = list(csv.DictReader(Path(__file__).with_name("golden_prices.csv").read_text().splitlines()))


@pytest.mark.parametrize("case", CASES, ids=[f"{case['service']}: {case['evidence']}"[:90] for case in CASES])
def test_price_is_the_published_one(decided: Decided, case: dict[str, str]) -> None:
    expected = {code: int(amount) for code, amount in (line.split("=") for line in case["lines"].split())}
    options = json.loads(case["options"] or "{}")
    decision = decided(case["warehouse"], case["postcode"], case["weight"], case["box"], on=case["on"], **options)
    rated = next(entry.rated for entry in decision.candidates if entry.offer.service.key == case["service"])
    assert {line.code: line.amount for line in rated.lines} == expected
    assert rated.total == sum(expected.values())
    assert rated.net == rated.total - expected.get("vat", 0)


def test_three_parcels_carry_fuel_once_on_their_sum(decided: Decided) -> None:
    decision = decided("US-LA", "85001", "5 lb", "10 8 4 in", residential=False, parcels=3)
    ground = next(entry.rated for entry in decision.candidates if entry.offer.service.key == "ups/ground")
    # 3 x 17.15 = 51.45; 26.50 % of it are 13.634, not three times 4.54
    assert [(line.code, line.amount) for line in ground.lines] == [("base_rate", 5145), ("fuel_surcharge", 1363)]
