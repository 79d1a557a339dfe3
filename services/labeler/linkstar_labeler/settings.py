"""Settings of labeler."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from linkstar_runtime.settings import Settings

__all__ = ["LabelerSettings", "PurchaseSettings"]


class _LabelSettings(BaseModel):
    """`LINKSTAR_LABELER__…`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    block_size: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """Serials leased to a shard at once; what a shard has not used when a range ends is not lost, only late."""
    retry_held_s: Annotated[float, Field(gt=0, le=3_600)] = 1.0
    """Real seconds between looks at held labels."""


class PurchaseSettings(BaseModel):
    """`LINKSTAR_PURCHASES__…`: labels bought over the network. All times are real seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_once: Annotated[int, Field(ge=1, le=500)] = 32
    """Calls under way at the same time in one process."""
    look_s: Annotated[float, Field(gt=0, le=60)] = 0.5
    """Pause between looks for purchases that are due."""
    compare_s: Annotated[float, Field(gt=0, le=86_400)] = 3_600.0
    """Pause between readings of the carriers' lists."""
    lease_s: Annotated[float, Field(gt=0, le=3_600)] = 90.0
    """How long a call may take before its outcome counts as unknown; more than a connector waits for an answer."""
    settle_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """How long a call without an answer is left alone before it is resolved; at least the carrier's own time-out."""
    simulators: bool = False
    """Accounts may name a carrier on this machine, as in the sandbox. Without it credentials go to carriers' hosts only."""
    give_up_s: Annotated[float, Field(gt=0, le=86_400)] = 1_800.0
    """After this long without connection or answer the route is given back to the router."""


class LabelerSettings(Settings):
    """The common settings and labeler's own."""

    labeler: _LabelSettings = _LabelSettings()
    purchases: PurchaseSettings = PurchaseSettings()
