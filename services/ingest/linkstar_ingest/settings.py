"""Settings of ingest beside those every service has."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from linkstar_runtime.settings import Settings

__all__ = ["ImportSettings", "IngestSettings"]


class ImportSettings(BaseModel):
    """How order files are worked off; times in real seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_s: Annotated[float, Field(gt=0, le=60)] = 0.2
    portion: Annotated[int, Field(ge=1, le=500)] = 100
    """Orders per transaction."""
    lease_s: Annotated[float, Field(ge=1, le=3600)] = 30
    """A job whose worker has been silent for so long is taken over by another one."""


class IngestSettings(Settings):
    """`LINKSTAR_IMPORTS__PORTION=200` sets `settings.imports.portion`."""

    imports: ImportSettings = ImportSettings()
