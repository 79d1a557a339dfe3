"""Settings of the router besides those of every service."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from linkstar_runtime.settings import Settings

__all__ = ["RouterSettings"]


class RouterSettings(Settings):
    """`LINKSTAR_LATE_PENALTY_MINOR` prices a missed deadline, in minor units of the tariff's currency."""

    late_penalty_minor: Annotated[int, Field(ge=0, le=10**9)] = 600
    retry_held_every_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
