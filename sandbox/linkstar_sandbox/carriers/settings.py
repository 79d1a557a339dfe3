"""Settings of the simulator, read from `LINKSTAR_SIMULATOR__…` beside the Kafka and clock settings every process has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from linkstar_runtime.settings import Settings

__all__ = ["SimulatorSettings", "SimulatorSpecifics"]


class SimulatorSpecifics(BaseModel):
    """What only the simulator needs."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tracker_url: str = "http://127.0.0.1:8084"
    api_key: Annotated[str, Field(repr=False)] = ""
    """A key with scope `scans:write`."""
    seed: int = 1
    trouble: Annotated[float, Field(ge=0, le=4)] = 1.0
    """Multiplies the rates of everything that can go wrong."""
    ledger: Path = Path("carriers.sqlite")
    group: str = "carrier-simulator"


class SimulatorSettings(Settings):
    """All settings of the simulator process."""

    simulator: SimulatorSpecifics = SimulatorSpecifics()
