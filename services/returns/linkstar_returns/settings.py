"""Settings of returns beyond those of every service."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from linkstar_returns.domain.policy import Policy
from linkstar_runtime.settings import Settings as RuntimeSettings

__all__ = ["ReturnSettings", "Settings"]


class ReturnSettings(BaseModel):
    """The terms of returns, and how often unused ones are looked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window: timedelta = timedelta(days=30)
    expire_after: timedelta = timedelta(days=30)
    auto_close: bool = True
    """Close a return when it has been received; else it waits for `POST /v1/returns/{id}/close`."""
    every_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    max_orders: Annotated[int, Field(ge=1, le=10_000)] = 500

    @property
    def policy(self) -> Policy:
        """The terms as the domain knows them."""
        return Policy(self.window, self.expire_after, self.auto_close)


class Settings(RuntimeSettings):
    """All settings of returns."""

    returns: ReturnSettings = ReturnSettings()
