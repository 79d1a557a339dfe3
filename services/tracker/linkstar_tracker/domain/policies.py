"""What a seller wants watched otherwise: own limits of silence, and how many alerts it can look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import ConfigDict, Field, model_validator

from linkstar_contracts.events import ExceptionCode
from linkstar_contracts.text import Token
from linkstar_contracts.values import Value
from linkstar_tracker.domain.watch import WatchRule, WatchRules

__all__ = ["NO_POLICY", "Policies", "Policy", "PolicyRule", "SellerPolicy"]


class PolicyRule(Value):
    """After `hours` without a scan in `stage`, raise `code`; it goes before what is learned and what is usual."""

    model_config = ConfigDict(extra="forbid")

    code: Literal["track.no_acceptance", "track.silent", "track.lost", "track.dwell"]
    stage: Literal["acceptance", "movement", "pickup", "return_leg", "dwell"]
    carrier: Token | Literal["*"] = "*"
    kind: Literal["order", "return", "*"] = "*"
    hours: Annotated[int, Field(ge=1, le=2160)]
    clock: Literal["calendar", "business"] = "business"

    @model_validator(mode="after")
    def _dwelling_belongs_to_dwell(self) -> PolicyRule:
        if (self.code == "track.dwell") != (self.stage == "dwell"):
            raise ValueError("track.dwell is about the stage dwell, and nothing else is")
        return self

    def watch_rule(self) -> WatchRule:
        """Return the row it stands for."""
        return WatchRule(
            ExceptionCode(self.code), self.stage, self.carrier, self.kind, float(self.hours), self.clock
        )  # fmt: skip


class SellerPolicy(Value):
    """A seller's wishes, as they are stored."""

    model_config = ConfigDict(extra="forbid")

    rules: Annotated[tuple[PolicyRule, ...], Field(max_length=100, strict=False)] = ()
    alerts_per_1000: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Alerts about silent parcels under way that the seller can look at, per thousand parcels."""

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> SellerPolicy:
        told = [(rule.code, rule.stage, rule.carrier, rule.kind) for rule in self.rules]
        for place, each in enumerate(told):
            if each in told[:place]:
                raise ValueError(f"rules[{place}] is about the same as one before it; keep one of the two")
        return self


class Policy(NamedTuple):
    """A seller's wishes, ready to be asked."""

    rules: WatchRules | None = None
    alerts_per_1000: int | None = None


NO_POLICY = Policy()


class Policies:
    """The policies of all sellers; whoever holds them sees them renewed."""

    def __init__(self) -> None:
        self._by_tenant: dict[str, Policy] = {}
        self.state: tuple[int, int] | None = None
        """How many policies there are and the sum of their versions: it changes with each of them. None before the first
        are read.
        """

    def of(self, tenant: str) -> Policy:
        """Return what the seller wants."""
        return self._by_tenant.get(tenant, NO_POLICY)

    def renew(self, policies: Mapping[str, SellerPolicy], state: tuple[int, int]) -> None:
        """Take these policies for all there are."""
        self._by_tenant = {tenant: _ready(policy) for tenant, policy in policies.items()}
        self.state = state


def _ready(policy: SellerPolicy) -> Policy:
    rules = WatchRules(rule.watch_rule() for rule in policy.rules) if policy.rules else None
    return Policy(rules, policy.alerts_per_1000)
