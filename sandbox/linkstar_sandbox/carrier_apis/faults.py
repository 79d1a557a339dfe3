"""What goes wrong on demand: single faults for the next calls, or a seeded share of all calls."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Fault", "FaultKind", "FaultSchedule", "Faults"]


class FaultKind(StrEnum):
    """How a call goes wrong. *Before* and *after* are those of the carrier's work: after it, the label is charged."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    SLOW_DRIP = "slow_drip"
    HTML = "html"
    TRUNCATED = "truncated"
    NOT_JSON = "not_json"
    FIELD_LOST = "field_lost"
    COMPRESSED = "compressed"
    HUGE_LABEL = "huge_label"
    WRONG_LABEL = "wrong_label"
    WRONG_CURRENCY = "wrong_currency"
    PRICE_CHANGE = "price_change"
    SIGNED_OUT = "signed_out"


class Fault(BaseModel):
    """A fault for the next `times` calls that fit; an empty filter fits all."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    carrier: str = ""
    operation: str = ""
    account: str = ""
    times: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    seconds: Annotated[float, Field(ge=0, le=600)] = 30.0
    """How long a time-out lasts, or what `Retry-After` says."""

    def fits(self, carrier: str, operation: str, account: str) -> bool:
        """Tell whether a call is meant."""
        return (
            self.carrier in ("", carrier) and self.operation in ("", operation) and self.account in ("", account)
        )  # fmt: skip


class FaultSchedule(BaseModel):
    """A share of all calls fails, the same ones for the same seed and order of calls."""

    model_config = ConfigDict(extra="forbid")

    seed: int
    rate: Annotated[float, Field(ge=0, le=1)]
    kinds: Annotated[list[FaultKind], Field(min_length=1)]
    carrier: str = ""
    operations: list[str] = []
    seconds: Annotated[float, Field(ge=0, le=600)] = 30.0


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._schedule: FaultSchedule | None = None
        self._chance = Random(0)
        self.done: dict[str, int] = {}

    def plan(self, faults: Sequence[Fault]) -> None:
        """Add faults behind those that wait."""
        self._waiting += [fault.model_copy() for fault in faults]

    def follow(self, schedule: FaultSchedule) -> None:
        """Follow a seeded schedule from here on."""
        self._schedule, self._chance = schedule, Random(schedule.seed)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._waiting, self._schedule = [], None

    def next(self, carrier: str, operation: str, account: str) -> Fault | None:
        """Return the fault this call suffers."""
        fault = self._planned(carrier, operation, account) or self._drawn(carrier, operation)
        if fault is not None:
            self.done[fault.kind] = self.done.get(fault.kind, 0) + 1
        return fault

    def _planned(self, carrier: str, operation: str, account: str) -> Fault | None:
        for fault in self._waiting:
            if fault.fits(carrier, operation, account):
                fault.times -= 1
                self._waiting = [left for left in self._waiting if left.times > 0]
                return fault
        return None

    def _drawn(self, carrier: str, operation: str) -> Fault | None:
        schedule = self._schedule
        if schedule is None or schedule.carrier not in ("", carrier):
            return None
        if schedule.operations and operation not in schedule.operations:
            return None
        if self._chance.random() >= schedule.rate:
            return None
        return Fault(kind=self._chance.choice(schedule.kinds), seconds=schedule.seconds)
