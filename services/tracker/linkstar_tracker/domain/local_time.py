"""Local time and zone to UTC, for carriers that print the depot's clock without an offset."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

__all__ = ["LocalTimeError", "to_utc"]

_FIRST_YEAR, _LAST_YEAR = 1991, 2198


class LocalTimeError(ValueError):
    """The local time or its zone cannot be read. `code` is stable, the text says how to fix it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def to_utc(local: str, zone: str) -> datetime:
    """Return the UTC instant of an ISO 8601 local time in an IANA zone.

    A time the clocks show twice (autumn) is the first of the two. A time they skip (spring) is read with the offset
    before the change, that is moved forward by the gap.
    """
    try:
        moment = datetime.fromisoformat(local)
    except ValueError as error:
        raise LocalTimeError("local_time_unreadable", "write scanned_local as 2026-03-29T02:30:00") from error
    if moment.tzinfo is not None:
        raise LocalTimeError("local_time_has_offset", "a time with offset belongs into scanned_at")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise LocalTimeError("local_time_out_of_range", f"write a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    try:
        return moment.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    except (OSError, ValueError, OverflowError, LookupError) as error:
        raise LocalTimeError("unknown_timezone", "name the zone as in the IANA list, e.g. Europe/Berlin") from error
