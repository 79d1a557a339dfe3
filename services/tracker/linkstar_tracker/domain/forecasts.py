"""When parcels under way will arrive, by how long others of their lane took that were as old."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from linkstar_contracts.events import TrackingStatus
from linkstar_contracts.values import Promise
from linkstar_performance.silence import HORIZON_HOURS, SilenceModel
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.lessons import ARRIVAL
from linkstar_tracker.domain.timeline import TERMINAL, Timeline

__all__ = ["Arrivals", "reforecast"]

_NOT_ON_ITS_WAY = TERMINAL | {TrackingStatus.RETURN_TO_SENDER, TrackingStatus.LOST}
_CARRIER_AND_SERVICE = 3
_HOUR_S, _AGE_S = 3600, 6 * 3600
_REMEMBERED = 50_000


class Arrivals:
    """How long parcels take from acceptance to arrival, on lanes of which enough is known, as days of arrival."""

    def __init__(self, model: SilenceModel, least: float) -> None:
        self._model, self._least = model, least
        self._found: dict[tuple[str, int, int], Promise | None] = {}

    def of(self, carrier: str, lane: str, accepted_at: datetime, seen_at: datetime) -> Promise | None:
        """Return when a parcel arrives that was accepted then and under way when last seen; None where nothing can be said.

        Told to the hour of acceptance and to six hours of age, so that parcels accepted together are worked out once.
        """
        hour = int(accepted_at.timestamp()) // _HOUR_S
        key = lane, hour, (int(seen_at.timestamp()) - hour * _HOUR_S) // _AGE_S
        if key not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = self._promise(carrier, *key)
        return self._found[key]

    def _promise(self, carrier: str, lane: str, hour: int, step: int) -> Promise | None:
        names = (ARRIVAL, *lane.split("|", 2))
        curve, sample = self._model.curve(names), self._model.total(names[:_CARRIER_AND_SERVICE])
        if curve is None or sample < self._least:
            return None
        calendar, accepted_at = calendar_of(carrier), datetime.fromtimestamp(hour * _HOUR_S, UTC)
        age = calendar.between(accepted_at, accepted_at + timedelta(seconds=step * _AGE_S), HORIZON_HOURS)
        half, most = (curve.lasting_quantile(share, age) for share in (0.5, 0.9))
        if most >= HORIZON_HOURS:
            return None
        days = [calendar.day_of(calendar.after(accepted_at, hours)).isoformat() for hours in (half, most)]
        return Promise(p50_on=days[0], p90_on=days[1], sample_size=int(sample), source="learned")


def reforecast(arrivals: Arrivals, carrier: str, lane: str, parcels: Iterable[Timeline]) -> Promise | None:
    """Return when the last of the parcels will arrive, as of their last scans; None unless something is known of each that
    has not arrived.
    """
    days = [_promise_of(arrivals, carrier, lane, parcel) for parcel in parcels if parcel.status not in TERMINAL]
    known = [each for each in days if each]
    if not known or len(known) < len(days):
        return None
    return max(known, key=lambda each: (each.p90_on, each.p50_on))


def _promise_of(arrivals: Arrivals, carrier: str, lane: str, parcel: Timeline) -> Promise | None:
    if parcel.accepted_at is None or parcel.last_scan_at is None or parcel.status in _NOT_ON_ITS_WAY:
        return None
    return arrivals.of(carrier, lane, parcel.accepted_at, parcel.last_scan_at)
