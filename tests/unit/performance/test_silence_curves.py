"""What is learned from silences: ordinary waits, how likely a silent parcel is lost, and what thresholds bring."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkstar_performance.hazards import Tally, hazards, survival
from linkstar_performance.silence import BIN_HOURS, BINS, HORIZON_HOURS, Curve, Seen, bin_of, learn
from linkstar_performance.thresholds import Patience, highest_within_wait, outlook

MEAN_H = 30.0


def exponential(count: int, seed: int = 7, mean: float = MEAN_H) -> list[float]:
    draw = random.Random(seed)
    return [draw.expovariate(1 / mean) for _ in range(count)]


def seen_of(hours: list[float], lost: float = 0.0, looked_after: float = float("inf")) -> Seen:
    """Silences of these lengths, seen by one who looked after so many hours: the longer ones still lasted."""
    seen = Seen(lost=lost)
    for each in hours:
        counts, length = (seen.ended, each) if each <= looked_after else (seen.lasting, looked_after)
        counts[bin_of(length)] = counts.get(bin_of(length), 0.0) + 1
    return seen


def curve_of(seen: Seen) -> Curve:
    curve = learn({("in_transit",): seen}).curve(("in_transit",))
    assert curve is not None
    return curve


def test_quantiles_are_those_of_what_was_seen() -> None:
    curve = curve_of(seen_of(exponential(20_000)))
    assert curve.quantile(0.5) == pytest.approx(MEAN_H * 0.693, abs=1.5)
    assert curve.quantile(0.95) == pytest.approx(MEAN_H * 2.996, abs=4)


def test_the_posterior_is_bayes_rule() -> None:
    curve = Curve(tuple(0.5**step for step in range(BINS + 1)), 0.01, 1_000)
    assert curve.posterior(0) == pytest.approx(0.01)
    assert curve.posterior(12) == pytest.approx(0.01 / (0.01 + 0.99 / 4))
    assert curve.posterior(9) == pytest.approx(0.01 / (0.01 + 0.99 * (0.5 + 0.25) / 2))


CURVES = st.lists(st.floats(0.0, 0.9), min_size=BINS, max_size=BINS).map(
    lambda steps: Curve(survival(tuple(steps), 1e-6), 0.004, 1_000)
)


@given(CURVES, st.floats(0.01, 0.6))
def test_the_limit_is_where_the_posterior_passes_the_threshold(curve: Curve, threshold: float) -> None:
    limit = curve.limit(threshold)
    assert 0 < limit <= HORIZON_HOURS
    if limit < HORIZON_HOURS:
        assert curve.posterior(limit) == pytest.approx(threshold, rel=1e-6)
    assert curve.posterior(limit - 0.01) <= threshold


@given(CURVES, st.floats(0, HORIZON_HOURS), st.floats(0, HORIZON_HOURS))
def test_longer_silence_is_never_less_suspicious(curve: Curve, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert curve.posterior(low) <= curve.posterior(high) * (1 + 1e-12)


def test_silences_that_still_last_are_told_apart_from_those_that_ended() -> None:
    """Whoever looks early sees the short ones end first; forgetting the others makes every lane look fast."""
    hours = exponential(20_000)
    early = seen_of(hours, looked_after=30)
    forgetful = Seen(ended=early.ended)
    share = len([each for each in hours if each > 24]) / len(hours)
    assert curve_of(early).silent(24) == pytest.approx(share, abs=0.02)
    assert curve_of(forgetful).silent(24) < share / 2


def test_what_lasts_beyond_reason_is_not_taken_for_slowness() -> None:
    hours = exponential(20_000)
    with_silent = seen_of(hours, lost=60)
    with_silent.lasting[bin_of(400)] = 60.0
    assert curve_of(with_silent).silent(200) == pytest.approx(curve_of(seen_of(hours, lost=60)).silent(200), abs=1e-3)


def test_the_share_lost_is_shrunk_to_what_is_usual() -> None:
    assert curve_of(seen_of(exponential(10), lost=0)).lost == pytest.approx(0.003, rel=0.02)
    assert curve_of(seen_of(exponential(49_000), lost=1_000)).lost == pytest.approx(0.02, rel=0.02)


def test_nothing_is_impossible_that_was_merely_never_seen() -> None:
    few, many = (curve_of(Seen(ended={0: count})) for count in (50.0, 50_000.0))
    assert few.silent(60) == pytest.approx(0.5 / 51)
    assert many.silent(60) == pytest.approx(0.5 / 50_001)
    assert few.limit(0.35) > many.limit(0.35)


def test_a_lane_with_little_history_is_like_its_carrier_and_one_with_much_like_itself() -> None:
    fast, slow = seen_of(exponential(5_000, mean=10)), seen_of(exponential(5_000, mean=60))
    lanes = {("t", "a", "1"): fast, ("t", "a", "2"): seen_of(exponential(3, mean=60)), ("t", "b", "1"): slow}
    model = learn(lanes)
    of = {lane: model.curve(lane) for lane in [*lanes, ("t", "a", "9"), ("t", "a"), ("t", "c", "1"), ("t",)]}
    medians = {lane: curve.quantile(0.5) for lane, curve in of.items() if curve}
    assert medians["t", "a", "1"] == pytest.approx(10 * 0.693, abs=1)
    assert medians["t", "b", "1"] == pytest.approx(60 * 0.693, abs=3)
    assert medians["t", "a", "2"] < 2 * medians["t", "a", "1"]
    assert of["t", "a", "9"] is of["t", "a"]
    assert of["t", "c", "1"] is of[("t",)]
    assert medians["t", "a", "1"] < medians["t",] < medians["t", "b", "1"]
    assert model.curve(("u",)) is None
    assert (model.total(("t", "a", "1")), model.total(("t", "a", "9"))) == (5_000, 0)


def test_who_was_at_risk_is_counted_exactly() -> None:
    tally = Tally.of(ended=[5, 3, 0, 2], unseen=[1, 4, 0])
    assert (tally.at_risk, tally.ended) == ([5 + 3 + 2 + 4, 3 + 2, 2], [5, 3, 0])
    assert hazards(Tally([10, 0], [5, 0]), (0.1, 0.2), 10) == ((5 + 1) / 20, 0.2)


def test_thresholds_keep_to_their_wait_and_their_bounds() -> None:
    lanes = {
        ("t", "a"): seen_of(exponential(9_000, mean=10), lost=40),
        ("t", "b"): seen_of(exponential(9_000), lost=40),
    }
    model = learn(lanes)
    patient = highest_within_wait(model, 100)
    assert outlook(model, patient).wait_hours <= 100 < outlook(model, patient * 1.02).wait_hours
    assert outlook(model, 0.2).alerts < outlook(model, 0.1).alerts
    assert [Patience(hours).threshold(model) for hours in (1, 100, 400)] == [0.03, min(patient, 0.35), 0.35]


def test_a_model_of_nothing_expects_nothing() -> None:
    model = learn({})
    assert (model.curve(("t",)), outlook(model, 0.1)) == (None, (0.0, 0.0))


def test_bins_end_at_the_horizon() -> None:
    assert [bin_of(hours) for hours in (0, 5.9, 6, HORIZON_HOURS - 1, HORIZON_HOURS, 9_999)] == [
        0, 0, 1, BINS - 1, BINS, BINS
    ]  # fmt: skip
    assert BIN_HOURS * BINS == HORIZON_HOURS
