"""One label to be bought, from our own number range in the running transaction or over the network after it, and the events
and postings that tell of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from linkstar_contracts.assembly import assembled
from linkstar_contracts.events import (
    LabelCreated,
    LabelledParcel,
    LabelRejected,
    LabelVoided,
    PurchaseGuarantee,
    RouteChosen,
)
from linkstar_contracts.values import Consignee
from linkstar_labeler.carriers import NumberRangeCarrier
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.carrier_words import as_token, printable
from linkstar_labeler.domain.charge_events import charged_on_scan
from linkstar_labeler.domain.charges import capture, hold, refund
from linkstar_labeler.domain.charges import release as release_of
from linkstar_labeler.domain.connector import Refused
from linkstar_labeler.domain.ledger import Account, Entry
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.domain.shipments import Release, Shipment, charge_of
from linkstar_labeler.domain.zpl import render_zpl
from linkstar_labeler.store import AccountKey, StoredLabel

__all__ = [
    "Purchase", "RangePurchase", "RemotePurchase", "label_created", "rejection", "void_entries", "voiding",
]  # fmt: skip

_FORMATS = ("zpl", "pdf", "png")


@dataclass(slots=True)
class Purchase:
    """A wanted label on its way; with a `hold_code` it waits."""

    shipment: Shipment
    route: RouteChosen
    consignee: Consignee | None
    hold_code: str | None

    @property
    def account(self) -> Account:
        """The wallet that pays."""
        return self.route.tenant, self.route.route.total.currency

    @property
    def charge_minor(self) -> int:
        """What it costs."""
        return charge_of(self.route).amount_minor

    def entries(self) -> list[Entry]:
        """Return what moves its price; nothing where nothing is charged."""
        raise NotImplementedError

    def stored(self) -> StoredLabel:
        """Return the row of this attempt."""
        raise NotImplementedError

    def _row(self, state: str, numbers: tuple[str, ...] = (), hashes: tuple[str, ...] = ()) -> StoredLabel:
        state = "held" if self.hold_code else state
        return StoredLabel(self.shipment, self.route, state, self.hold_code, self.charge_minor, numbers, hashes)


@dataclass(slots=True)
class RemotePurchase(Purchase):
    """A label to be bought with `account` over the network: this transaction sets its price aside."""

    account_key: AccountKey

    @property
    def key(self) -> PurchaseKey:
        """Identity of the purchase."""
        return PurchaseKey(self.route.tenant, self.route.shipment_id, self.route.version)

    def entries(self) -> list[Entry]:
        return hold(self.route)

    def stored(self) -> StoredLabel:
        return self._row("buying")


@dataclass(slots=True)
class RangePurchase(Purchase):
    """A label of our own number range: it ends with `hold_code`, or with tracking numbers and hashes."""

    carrier: NumberRangeCarrier
    tracking_numbers: tuple[str, ...] = ()
    label_sha256: tuple[str, ...] = ()

    def print(self, serials: tuple[int, ...], at: datetime) -> None:
        """Number and print the label; what is kept of the print is its hash."""
        self.tracking_numbers = self.carrier.number(self.route.route.service, serials)
        if self.consignee is None:
            raise ValueError("a label needs its consignee")
        labels = make_labels(self.carrier, self.route, self.consignee, self.tracking_numbers, at)
        self.label_sha256 = tuple(sha256(render_zpl(label).encode()).hexdigest() for label in labels)

    def entries(self) -> list[Entry]:
        return hold(self.route) if charged_on_scan(self.route) else capture(self.route)

    def stored(self) -> StoredLabel:
        return self._row("active", self.tracking_numbers, self.label_sha256)

    def created(self, at: datetime) -> LabelCreated:
        """Return the event of the bought label."""
        printed = list(zip(self.tracking_numbers, self.label_sha256, strict=True))
        guarantee, paid_by = self.carrier.capabilities.guarantee, "hold" if charged_on_scan(self.route) else "capture"
        return label_created(self.shipment, self.route, printed, guarantee, _FORMATS, at, paid_by)


def _posting_id(route: RouteChosen, kind: str) -> str:
    """`shipment|kind|attempt`; a test label names a posting that is never made."""
    return f"{route.shipment_id}|{'test' if route.test else kind}|{route.version}"


def label_created(
    shipment: Shipment, route: RouteChosen, printed: Sequence[tuple[str, str]], guarantee: PurchaseGuarantee,
    formats: tuple[str, ...], at: datetime, paid_by: str = "capture",
) -> LabelCreated:  # fmt: skip
    """Return the event of a bought label: what is new in it, numbers and hashes, is validated; the rest was.

    `printed` holds tracking number and SHA-256 of each parcel's label, `paid_by` is the kind of posting that pays.
    """
    parcels = tuple(
        LabelledParcel(
            number=parcel.number, tracking_number=number, weight=parcel.weight,
            declared_value=parcel.declared_value, label_sha256=digest,
        )
        for parcel, (number, digest) in zip(route.parcels, printed, strict=True)
    )  # fmt: skip
    own = {
        "version": shipment.next_version(), "occurred_at": at, "route_version": route.version, "parcels": parcels,
        "posting_id": _posting_id(route, paid_by), "formats": formats, "purchase_guarantee": guarantee, "manifest_id": None,
    }  # fmt: skip
    return assembled(LabelCreated, {**vars(route), **vars(route.route), **own})


def rejection(shipment: Shipment, route: RouteChosen, refused: Refused, at: datetime) -> LabelRejected:
    """Return the event of a refused route: nothing was bought. A carrier's code becomes a token, its text printable."""
    return LabelRejected(
        tenant=route.tenant, order_id=route.order_id, version=shipment.next_version(), occurred_at=at,
        shipment_id=route.shipment_id, route_version=route.version, carrier=route.route.carrier,
        service=route.route.service, code=as_token(refused.code), detail=printable(refused.detail),
        retry_at=refused.retry_at,
    )  # fmt: skip


def voiding(shipment: Shipment, release: Release, at: datetime) -> LabelVoided:
    """Return the event of a voided label."""
    route = release.label.route
    return LabelVoided(
        tenant=route.tenant, order_id=route.order_id, version=shipment.next_version(), occurred_at=at,
        shipment_id=route.shipment_id, route_version=route.version, carrier=route.route.carrier,
        service=route.route.service, reason=release.reason, refund=charge_of(route),
        tracking_numbers=release.label.tracking_numbers,
    )  # fmt: skip


def void_entries(release: Release) -> list[Entry]:
    """Return the refund of a voided label; nothing where nothing had been charged. What waits for a scan is released."""
    if not release.label.bought:
        return []
    return release_of(release.label.route) if charged_on_scan(release.label.route) else refund(release.label.route)
