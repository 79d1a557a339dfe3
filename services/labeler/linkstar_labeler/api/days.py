"""Days and times of day as requests write them."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field

__all__ = ["CalendarDay", "ClockTime"]

_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")


def _written(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("is no day; write it as 2026-11-23")


CalendarDay = Annotated[date, BeforeValidator(_written)]
"""A day of this century; numbers and times are none."""
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day at the warehouse, `HH:MM`."""
