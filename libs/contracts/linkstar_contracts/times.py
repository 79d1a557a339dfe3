"""Points in time and local dates, as every contract states them."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import core_schema

from linkstar_contracts.ordinary import Ordinary

__all__ = ["Instant", "LocalDate"]

_EARLIEST, _LATEST = "1990-01-01T00:00:00Z", "2200-01-01T00:00:00Z"


_starts_with_year = re.compile("[0-9]{4}-").match


def _written_time(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and not _starts_with_year(value)):
        raise ValueError("is no time; send an RFC 3339 time with offset, such as 2026-11-22T17:05:00Z")
    return value


_THIS_CENTURY = Ordinary(
    core_schema.chain_schema(
        [
            core_schema.str_schema(pattern="^20[0-9]{2}-", strict=True),
            core_schema.datetime_schema(tz_constraint="aware", strict=False),
        ]
    )
)
Instant = Annotated[
    AwareDatetime, Field(ge=_EARLIEST, le=_LATEST, strict=False), BeforeValidator(_written_time), _THIS_CENTURY
]
"""An aware point in time between 1990 and 2200. Naive times and bare numbers are refused."""


def _calendar_date(text: str) -> str:
    if not "1990" <= text[:4] < "2200":
        raise ValueError("is out of bounds; send a date between 1990 and 2199")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("is no day of the calendar; send a date such as 2026-11-22") from None
    return text


_DAY_OF_ANY_YEAR = Ordinary(
    core_schema.str_schema(
        pattern="^20[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)$",
        strict=True,
    )
)
LocalDate = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_calendar_date), _DAY_OF_ANY_YEAR
]
"""A date of the calendar, `YYYY-MM-DD`, local to the place it speaks of."""
