"""The silence bench: its world is the one that is described, and broken detectors do not pass its bars."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from architecture.source_tree import ROOT

from linkstar_bench.silence.__main__ import main
from linkstar_bench.silence.judging import Verdict, compared, failures, judge
from linkstar_bench.silence.outages import GATEWAYS, broken_week, quiet_weeks
from linkstar_bench.silence.rules import Rule, at_limits, fixed, learned, limits, model_of, threshold_of
from linkstar_bench.silence.world import STAGES, Silences, scans, wall_clock, working_clock, world
from linkstar_performance.outages import Suspicion
from linkstar_performance.silence import SilenceModel
from linkstar_tracker.domain.calendars import CarrierCalendar

SEED, PARCELS = 31, 30_000


@pytest.fixture(scope="module")
def model() -> SilenceModel:
    return model_of(scans(world(SEED), PARCELS, SEED + 1))


@pytest.fixture(scope="module")
def judged() -> Silences:
    return scans(world(SEED), PARCELS, SEED + 2)


def missed(rule: Rule, judged: Silences) -> set[str]:
    figures = compared(judge(rule, judged), judge(fixed(96), judged))
    return {bar.split()[0] for bar in failures(figures)}


def test_the_detector_passes(model: SilenceModel, judged: Silences) -> None:
    assert missed(learned(model, threshold_of(model)), judged) == set()


def test_a_detector_that_takes_one_stage_for_another_fails(model: SilenceModel, judged: Silences) -> None:
    confused = np.roll(limits(model, threshold_of(model)), 1, axis=1)
    assert missed(at_limits(confused), judged)


def test_a_detector_that_knows_no_lanes_fails(model: SilenceModel, judged: Silences) -> None:
    """Even with the mean of the right limits."""
    right = limits(model, threshold_of(model))
    assert "alert_ratio" in missed(at_limits(np.full_like(right, right.mean())), judged)


def test_a_detector_that_counts_sundays_fails_where_it_matters(model: SilenceModel, judged: Silences) -> None:
    right = limits(model, threshold_of(model))

    def impatient(silences: Silences) -> np.ndarray:
        return silences.since_h + right[silences.service, silences.stage, silences.zone - 2]

    ours, theirs = judge(at_limits(right), judged), judge(impatient, judged)
    assert theirs.alerts > 1.15 * ours.alerts
    assert theirs.lost < ours.lost


def test_patience_and_haste_fail(judged: Silences) -> None:
    assert missed(fixed(168), judged) == {"mean_delay_h"}
    assert missed(fixed(72), judged) == {"alert_ratio", "precision_ratio"}


def test_a_detector_that_never_alerts_fails_every_bar_that_needs_an_alert(judged: Silences) -> None:
    never: Rule = lambda silences: np.full_like(silences.since_h, np.inf)  # noqa: E731 - a rule in one line
    assert missed(never, judged) == {"precision_ratio", "mean_delay_h"}


def test_delay_counts_over_all_alerts(judged: Silences) -> None:
    """False alerts of quick lanes and late ones of slow lanes alike, not only alerts of lost parcels."""
    first = judged.stage == 0

    def rule(silences: Silences) -> np.ndarray:
        return silences.since_h + np.where(silences.stage == 0, 24.0, 240.0)

    alerted = np.where(first, 24.0, 240.0) < judged.wall_h
    expected = (24 * (alerted & first).sum() + 240 * (alerted & ~first).sum()) / alerted.sum()
    assert judge(rule, judged).delay_h == pytest.approx(expected)


def test_the_world_is_as_described(judged: Silences) -> None:
    quiet = judged.lost
    assert judged.since_h.max() < np.inf
    assert not (judged.since_h % 168 >= 144).any(), "no scan on a Sunday"
    assert not (judged.until_h[~quiet] % 168 >= 144).any()
    assert 0.006 < quiet.sum() / PARCELS < 0.014
    assert 0.015 < judged.stalled.sum() / PARCELS < 0.025
    line_haul = judged.stage == STAGES.index("line_haul")
    near, far = (judged.wall_h[line_haul & ~quiet & (judged.zone == zone)] for zone in (2, 8))
    assert 3 < np.median(far) / np.median(near) < 5
    assert np.bincount(judged.stage)[0] == PARCELS


def test_the_clock_stands_still_on_sundays() -> None:
    hours = np.array([0.0, 143.0, 144.0, 150.0, 168.0, 170.0, np.inf])
    assert working_clock(hours).tolist() == [0, 143, 144, 144, 144, 146, np.inf]
    assert wall_clock(np.array([0.0, 143.0, 146.0, 288.0])).tolist() == [0, 143, 170, 336]


def test_the_clock_is_that_of_the_trackers_calendars() -> None:
    calendar, monday = CarrierCalendar("UTC", 6), datetime(2026, 6, 8, tzinfo=UTC)
    since, hours = np.random.default_rng(5).uniform(0, 1_000, (2, 200))
    due = wall_clock(working_clock(since) + hours)
    for start, wait, end in zip(since, hours, due, strict=True):
        moment = calendar.after(monday + timedelta(hours=start), wait)
        assert (moment - monday) / timedelta(hours=1) == pytest.approx(end, abs=1e-4)


def test_the_bars_are_the_bars() -> None:
    at_the_bars = compared(Verdict(400, 0.25, 0, 96, 0), Verdict(1_000, 0.1, 0, 96, 96))
    assert failures(at_the_bars) == []
    assert len(failures(compared(Verdict(401, 0.249, 0, 96.1, 0), Verdict(1_000, 0.1, 0, 96, 96)))) == 3


def test_the_command_passes_its_bars_and_the_document_tells_its_last_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--seeds", "1,2,3,4,5"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert list(json.loads(last)) == ["alert_ratio", "precision_ratio", "mean_delay_h", "fixed96_mean_delay_h"]
    assert last in (ROOT / "docs/silence.md").read_text("utf-8")


def test_a_missed_bar_is_told_and_fails_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linkstar_bench.silence.__main__.threshold_of", lambda _model: 0.05)
    assert main(["--seeds", "31", "--parcels", "5000"]) == 1
    assert "MISSED: precision_ratio" in capsys.readouterr().out


@pytest.mark.parametrize("seed", [1, 2])
def test_a_place_that_stops_is_one_incident_instead_of_an_alert_per_parcel(seed: int) -> None:
    quiet, broken = quiet_weeks(seed, 60, Suspicion()), broken_week(seed, 60, Suspicion())
    assert quiet.incidents == (), "three weeks without an outage"
    assert quiet.alerts == quiet.alerts_alone
    [(_, place)] = broken.incidents
    assert place == str(seed % GATEWAYS)
    outage = broken.alerts_alone - quiet.alerts_alone
    assert outage > 30
    assert broken.alerts - quiet.alerts <= 0.15 * outage
