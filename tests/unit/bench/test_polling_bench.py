"""The polling bench: a day's questions stay within their budget and find scans sooner than as many spread evenly."""

from __future__ import annotations

import pytest

from linkstar_bench.polling.day import poll_a_day
from linkstar_bench.polling.parcels import BEGIN_H, parcels


@pytest.fixture(scope="module")
def ample() -> dict[str, float]:
    return poll_a_day(300, seed=3).figures


def test_as_many_parcels_are_under_way_as_asked_for() -> None:
    drawn = parcels(200, 5)
    assert sum(each.live(BEGIN_H) for each in drawn) == 200
    assert all(list(each.scans_h) == sorted(each.scans_h) for each in drawn)


def test_questions_are_fewer_than_two_hourly_and_fresher_than_even_ones(ample: dict[str, float]) -> None:
    assert ample["live_trackers"] == 300
    assert ample["poll_calls"] < 0.6 * ample["fixed_2h_calls"]
    assert ample["scan_age_mean_h"] < ample["same_calls_age_mean_h"]
    assert ample["tour_age_mean_h"] < ample["scan_age_mean_h"]


def test_a_short_budget_is_kept_and_costs_freshness(ample: dict[str, float]) -> None:
    short = poll_a_day(300, calls_per_day=400, seed=3).figures
    assert short["poll_budget_used"] <= 1
    assert short["poll_calls"] > 300
    assert short["scan_age_mean_h"] > ample["scan_age_mean_h"]
