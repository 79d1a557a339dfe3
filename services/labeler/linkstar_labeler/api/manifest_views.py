"""Manifests as HTTP tells them, and as paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel

from linkstar_labeler.domain.hand_overs import zone_of
from linkstar_labeler.domain.manifest_sheet import Sheet, sheet_pdf
from linkstar_labeler.domain.manifests import MadeBy, ManifestedLabel, ManifestState
from linkstar_labeler.store import manifests as store
from linkstar_labeler.store.manifests import StoredManifest
from linkstar_runtime.handling import Transaction

__all__ = ["ManifestDescription", "ManifestDetail", "described", "sheet_of"]


class ManifestDescription(BaseModel):
    """One manifest. The counts are of what the driver gets: without labels that were left out or voided since."""

    manifest_id: str
    carrier_number: str
    """The carrier's own number, once it has made the manifest."""
    warehouse: str
    carrier: str
    account: str | None
    day: date
    state: ManifestState
    made_by: MadeBy
    code: str
    detail: str
    """Why it is refused, or what the carrier said last."""
    labels: int
    parcels: int
    weight_g: int
    created_at: datetime
    changed_at: datetime
    key_id: str
    """Who closed it; `end-of-day` for a day that closed by itself."""


class LabelOnManifest(BaseModel):
    """One label. `left_out`: the carrier did not take it, and it waits for the next manifest. A `state` other than `active`:
    it was voided after the close.
    """

    shipment_id: str
    route_version: int
    service: str
    tracking_numbers: tuple[str, ...]
    weight_g: int
    left_out: str
    state: str


class ManifestDetail(ManifestDescription):
    """A manifest with its labels."""

    on_it: list[LabelOnManifest]

    @classmethod
    def of(cls, description: ManifestDescription, labels: Sequence[ManifestedLabel]) -> ManifestDetail:
        """Add the labels."""
        told = [
            LabelOnManifest(
                shipment_id=each.shipment_id, route_version=each.route_version, service=each.service,
                tracking_numbers=each.tracking_numbers, weight_g=each.weight_g, left_out=each.left_out, state=each.state,
            )
            for each in labels
        ]  # fmt: skip
        return cls(**description.model_dump(), on_it=told)


async def described(tx: Transaction, found: Sequence[StoredManifest]) -> list[ManifestDescription]:
    """Describe manifests in their order."""
    counted = await store.manifest_totals(tx, [each.manifest.key for each in found])
    return [
        ManifestDescription(
            manifest_id=each.manifest.key.manifest_id, carrier_number=each.manifest.carrier_number,
            warehouse=each.manifest.warehouse, carrier=each.manifest.carrier,
            account=each.account.account if each.account else None, day=each.manifest.day, state=each.manifest.state,
            made_by=each.manifest.made_by, code=each.manifest.code, detail=each.manifest.detail,
            **counted[each.manifest.key]._asdict(), created_at=each.created_at, changed_at=each.changed_at,
            key_id=each.key_id,
        )
        for each in found
    ]  # fmt: skip


def sheet_of(stored: StoredManifest, labels: Sequence[ManifestedLabel]) -> bytes:
    """Return LinkStar's own sheet, with the carrier's number where there is one."""
    manifest = stored.manifest
    number = manifest.carrier_number or manifest.key.manifest_id
    closed_at = stored.created_at.astimezone(zone_of(stored.timezone))
    account = stored.account.account if stored.account else ""
    day = manifest.day.isoformat()
    return sheet_pdf(Sheet(number, manifest.carrier, manifest.warehouse, day, closed_at, account, labels))
