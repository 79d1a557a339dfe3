"""Settings of labeler."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from linkstar_labeler.domain.purchase_steps import Patience
from linkstar_runtime.settings import Settings

__all__ = ["LabelerSettings", "PurchaseSettings"]

Seconds = Annotated[float, Field(gt=0, le=864_000)]


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
    call_s: Annotated[float, Field(gt=0, le=600)] = 45.0
    """How long a connector waits for a whole answer, however slowly it drips in."""
    lease_s: Annotated[float, Field(gt=0, le=3_600)] = 90.0
    """How long a call may take before its outcome counts as unknown; more than `call_s`."""
    settle_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """How long a call without an answer is left alone before it is resolved; at least the carrier's own time-out."""
    simulators: bool = False
    """A sandbox: accounts name simulators on this machine or the carriers' own sandboxes, never a host that sells labels."""
    simulator_url: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+[^\s?#/])?$")] = ""
    """Where the carriers' simulators are: test orders are bought there."""
    give_up_s: Annotated[float, Field(gt=0, le=86_400)] = 1_800.0
    """After this long without connection or answer the route is given back to the router."""
    backoff_s: Annotated[float, Field(gt=0, le=3_600)] = 5.0
    """Pause after a call that led nowhere; it doubles up to `backoff_max_s`."""
    backoff_max_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    void_again_s: Annotated[float, Field(gt=0, le=86_400)] = 3_600.0
    """Pause before a void that the carrier decides later is asked about again."""
    suspect_checks_s: Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=20)] = Patience().suspect_checks_s
    """When a suspected attempt is looked up again, each after the one before; after the last it is cleared."""

    @model_validator(mode="after")
    def _calls_end_within_their_lease(self) -> Self:
        if self.call_s >= self.lease_s:
            raise ValueError("call_s must be below lease_s: a call may not outlive its lease")
        return self

    @property
    def patience(self) -> Patience:
        """How long a purchase waits for what."""
        return Patience(
            lease_s=self.lease_s, settle_s=self.settle_s, give_up_s=self.give_up_s, backoff_s=self.backoff_s,
            backoff_max_s=self.backoff_max_s, void_again_s=self.void_again_s, suspect_checks_s=self.suspect_checks_s,
        )  # fmt: skip


class LabelerSettings(Settings):
    """The common settings and labeler's own."""

    labeler: _LabelSettings = _LabelSettings()
    purchases: PurchaseSettings = PurchaseSettings()
