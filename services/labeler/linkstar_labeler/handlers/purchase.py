"""One label to be bought in the running transaction, and the events and postings that tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from linkstar_contracts.assembly import assembled
from linkstar_contracts.events import LabelCreated, LabelledParcel, LabelRejected, LabelVoided, RouteChosen
from linkstar_contracts.values import Consignee
from linkstar_labeler.carriers import NumberRangeCarrier
from linkstar_labeler.carriers.printing import make_labels
from linkstar_labeler.domain.charges import capture, refund
from linkstar_labeler.domain.connector import Refused
from linkstar_labeler.domain.ledger import Account, Entry
from linkstar_labeler.domain.shipments import Release, Shipment, charge_of
from linkstar_labeler.domain.zpl import render_zpl
from linkstar_labeler.store import StoredLabel

__all__ = ["Purchase", "rejection", "void_entries", "voiding"]

_FORMATS = ("zpl", "pdf", "png")


@dataclass(slots=True)
class Purchase:
    """A wanted label on its way: it ends with `hold_code`, or with tracking numbers and hashes."""

    shipment: Shipment
    route: RouteChosen
    carrier: NumberRangeCarrier
    consignee: Consignee | None
    hold_code: str | None = None
    tracking_numbers: tuple[str, ...] = ()
    label_sha256: tuple[str, ...] = ()

    @property
    def account(self) -> Account:
        """The wallet that pays."""
        return self.route.tenant, self.route.route.total.currency

    @property
    def charge_minor(self) -> int:
        """What it costs."""
        return charge_of(self.route).amount_minor

    @property
    def posting_id(self) -> str:
        """`shipment|kind|attempt`; a test label names a posting that is never made."""
        kind = "test" if self.route.test else "capture"
        return f"{self.route.shipment_id}|{kind}|{self.route.version}"

    def print(self, serials: tuple[int, ...], at: datetime) -> None:
        """Number and print the label; what is kept of the print is its hash."""
        self.tracking_numbers = self.carrier.number(self.route.route.service, serials)
        if self.consignee is None:
            raise ValueError("a label needs its consignee")
        labels = make_labels(self.carrier, self.route, self.consignee, self.tracking_numbers, at)
        self.label_sha256 = tuple(sha256(render_zpl(label).encode()).hexdigest() for label in labels)

    def entries(self) -> list[Entry]:
        """Return the capture; nothing where nothing is charged."""
        return capture(self.route)

    def stored(self) -> StoredLabel:
        """Return the row of this attempt."""
        state = "held" if self.hold_code else "active"
        return StoredLabel(
            self.shipment, self.route, state, self.hold_code, self.charge_minor, self.tracking_numbers,
            self.label_sha256,
        )  # fmt: skip

    def created(self, at: datetime) -> LabelCreated:
        """Return the event of a bought label: what is new in it, numbers and hashes, is validated; the rest was."""
        route, chosen = self.route, self.route.route
        parcels = tuple(
            LabelledParcel(
                number=parcel.number, tracking_number=number, weight=parcel.weight,
                declared_value=parcel.declared_value, label_sha256=digest,
            )
            for parcel, number, digest in zip(route.parcels, self.tracking_numbers, self.label_sha256, strict=True)
        )  # fmt: skip
        own = {
            "version": self.shipment.next_version(), "occurred_at": at, "route_version": route.version,
            "parcels": parcels, "posting_id": self.posting_id, "formats": _FORMATS,
            "purchase_guarantee": self.carrier.capabilities.guarantee, "manifest_id": None,
        }  # fmt: skip
        return assembled(LabelCreated, {**vars(route), **vars(chosen), **own})


def rejection(shipment: Shipment, route: RouteChosen, refused: Refused, at: datetime) -> LabelRejected:
    """Return the event of a refused route: nothing was bought."""
    return LabelRejected(
        tenant=route.tenant, order_id=route.order_id, version=shipment.next_version(), occurred_at=at,
        shipment_id=route.shipment_id, route_version=route.version, carrier=route.route.carrier,
        service=route.route.service, code=refused.code, detail=refused.detail, retry_at=refused.retry_at,
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
    """Return the refund of a voided label; nothing where nothing had been charged."""
    return [] if release.label.held else refund(release.label.route)
