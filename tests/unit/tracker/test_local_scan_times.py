"""Local time beside a zone becomes UTC, also in the hours that summer time skips or repeats."""

from __future__ import annotations

import pytest

from linkstar_tracker.domain.local_time import LocalTimeError, to_utc


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ("2026-07-01T12:00:00", "Europe/Berlin", "2026-07-01T10:00:00+00:00"),
        ("2026-01-15T12:00:00", "America/Los_Angeles", "2026-01-15T20:00:00+00:00"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00+00:00"),  # gap: 02:00-03:00 does not exist
        ("2026-03-08T02:30:00", "America/New_York", "2026-03-08T07:30:00+00:00"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),  # fold: the first of the two
        ("2026-11-01T01:30:00", "America/New_York", "2026-11-01T05:30:00+00:00"),
    ],
)
def test_gap_moves_forward_and_fold_is_the_first(local: str, zone: str, utc: str) -> None:
    assert to_utc(local, zone).isoformat() == utc


@pytest.mark.parametrize(
    ("local", "zone", "code"),
    [
        ("yesterday", "Europe/Paris", "local_time_unreadable"),
        ("2026-03-29T02:30:00+01:00", "Europe/Paris", "local_time_has_offset"),
        ("2026-03-29T02:30:00", "Mars/Olympus", "unknown_timezone"),
        ("2026-03-29T02:30:00", "../../etc/passwd", "unknown_timezone"),
        ("2026-03-29T02:30:00", "Europe", "unknown_timezone"),
        ("0001-01-01T00:00:00", "Asia/Tokyo", "local_time_out_of_range"),
    ],
)
def test_what_cannot_be_a_time_is_named(local: str, zone: str, code: str) -> None:
    with pytest.raises(LocalTimeError) as caught:
        to_utc(local, zone)
    assert caught.value.code == code
