"""Settings of labeler."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from linkstar_runtime.settings import Settings

__all__ = ["LabelerSettings"]


class _LabelSettings(BaseModel):
    """`LINKSTAR_LABELER__…`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    block_size: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """Serials leased to a shard at once; what a shard has not used when a range ends is not lost, only late."""
    retry_held_s: Annotated[float, Field(gt=0, le=3_600)] = 1.0
    """Real seconds between looks at held labels."""


class LabelerSettings(Settings):
    """The common settings and labeler's own."""

    labeler: _LabelSettings = _LabelSettings()
