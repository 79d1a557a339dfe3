"""A shipment's label as an aggregate: what each event means for it, whatever order the topics deliver in.

The newest order content and the newest route attempt win. Once the carrier has the parcel its label never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from linkstar_contracts.events import RouteChosen
from linkstar_contracts.values import Money

__all__ = ["CurrentLabel", "Release", "Shipment", "State", "charge_of"]


@dataclass(frozen=True, slots=True)
class CurrentLabel:
    """The label that is paid (`active`), waits (`held`, with the reason in `hold_code`) or is `buying`: its price is set
    aside and the carrier is being asked.
    """

    route: RouteChosen
    tracking_numbers: tuple[str, ...] = ()
    hold_code: str | None = None
    buying: bool = False

    @property
    def held(self) -> bool:
        """True while nothing has been bought and nothing is being bought."""
        return self.hold_code is not None

    @property
    def bought(self) -> bool:
        """True for a label that others were told of."""
        return not self.held and not self.buying


@dataclass(frozen=True, slots=True)
class Release:
    """A label given up: voided when it was bought, withdrawn when it was held or being bought."""

    label: CurrentLabel
    reason: str


class State(NamedTuple):
    """What is stored of a shipment besides its label."""

    version: int
    order_version: int
    route_version: int
    cancelled: bool
    accepted: bool


@dataclass(slots=True)
class Shipment:
    """What is known, and in `release`, `wanted` and `late_reason` what has to follow in this transaction."""

    tenant: str
    shipment_id: str
    order_id: str
    shard: int
    version: int = 0
    order_version: int = 0
    route_version: int = 0
    cancelled: bool = False
    accepted: bool = False
    label: CurrentLabel | None = None
    release: Release | None = None
    wanted: RouteChosen | None = None
    late_reason: str = ""
    stored: State | None = None
    """The `state` its row has."""

    @property
    def state(self) -> State:
        """What is kept of the shipment itself."""
        return State(self.version, self.order_version, self.route_version, self.cancelled, self.accepted)

    @property
    def key(self) -> tuple[str, str]:
        """Identity: tenant and shipment id."""
        return self.tenant, self.shipment_id

    @property
    def just_accepted(self) -> bool:
        """True when the carrier was not known to have a parcel before this transaction."""
        return self.accepted and not (self.stored and self.stored.accepted)

    def choose(self, route: RouteChosen) -> None:
        """A route attempt: buy it if it is the newest, for the newest content, and nothing stands against it."""
        if route.version <= self.route_version:
            return
        self.route_version = route.version
        obsolete = route.order_version < self.order_version
        self.order_version = max(self.order_version, route.order_version)
        if self.cancelled or obsolete:
            return
        if self.accepted:
            self.late_reason = "rerouted"
            return
        self._give_up("rerouted")
        self.wanted = route

    def change(self, order_version: int) -> None:
        """New order content: a label for older content must not be used."""
        if order_version <= self.order_version:
            return
        self.order_version = order_version
        self._stop("order_changed")

    def cancel(self) -> None:
        """The order is cancelled, now or before its route is known."""
        if not self.cancelled:
            self.cancelled = True
            self._stop("order_cancelled")

    def accept(self, tracking_number: str) -> None:
        """The carrier has a parcel: of the current label, or of one that was voided meanwhile."""
        if self.label is not None and tracking_number in self.label.tracking_numbers:
            self.accepted = True
        elif not self.accepted:
            self.late_reason = "voided_label_used"

    def retry(self) -> None:
        """Try again to buy a held label."""
        if self.label is not None and self.label.held:
            self.wanted = self.label.route

    def void(self, reason: str) -> bool:
        """Give the label up on request; False when the carrier already has the parcel."""
        if self.accepted:
            return False
        self._give_up(reason)
        return True

    def next_version(self) -> int:
        """Count and return the version of the next label event."""
        self.version += 1
        return self.version

    def _stop(self, reason: str) -> None:
        if self.accepted:
            self.late_reason = reason
        else:
            self._give_up(reason)

    def _give_up(self, reason: str) -> None:
        self.wanted = None
        if self.label is not None:
            self.release = Release(self.label, reason)
            self.label = None


def charge_of(route: RouteChosen) -> Money:
    """Return what buying the route costs: its total; test labels are printed but never charged."""
    return Money(amount_minor=0, currency=route.route.total.currency) if route.test else route.route.total
