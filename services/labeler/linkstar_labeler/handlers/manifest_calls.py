"""Asks carriers for their manifests. A manifest is stored before its carrier is asked, and asked for again, with the same
labels, when the answer is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from linkstar_labeler.domain.connector import (
    Manifest,
    NotSent,
    OutcomeUnknown,
    PurchasedLabel,
    Refused,
)
from linkstar_labeler.domain.credibility import document_fault
from linkstar_labeler.domain.manifests import (
    DayManifest,
    ManifestedLabel,
    ManifestKey,
    ManifestOutcome,
    ManifestState,
)
from linkstar_labeler.domain.purchase_steps import Patience, PurchaseKey
from linkstar_labeler.domain.purchasing import reference_of
from linkstar_labeler.handlers.connectors import BoundConnector, Connectors
from linkstar_labeler.handlers.lasting import until_stored
from linkstar_labeler.handlers.manifest_papers import ManifestPapers
from linkstar_labeler.store import manifests as store
from linkstar_labeler.store.manifests import StoredManifest
from linkstar_runtime.clock import Clock
from linkstar_runtime.database import Database
from linkstar_runtime.handling import Transaction
from linkstar_runtime.ids import Ids
from linkstar_runtime.vault import Vault

__all__ = ["ManifestCalls"]

_log = structlog.get_logger(__name__)
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Errand:
    """One call for one manifest, to be made before the monotonic `deadline`; with an `outcome` there is none to make."""

    manifest: DayManifest
    token: str
    bound: BoundConnector
    labels: Sequence[PurchasedLabel]
    deadline: float
    outcome: ManifestOutcome | None


class ManifestCalls:
    """One replica's share of the calls: it takes what is due and nobody else has in hand."""

    def __init__(
        self, database: Database, vault: Vault, connectors: Connectors, clock: Clock, patience: Patience
    ) -> None:
        self._database, self._papers, self._connectors = database, ManifestPapers(vault), connectors
        self._clock, self._patience = clock, patience
        self._ids = Ids()

    async def run(self) -> None:
        """Make every call that is due."""
        while errands := await self._take():
            await asyncio.gather(*(self._do(errand) for errand in errands if errand))

    async def _take(self) -> list[_Errand | None]:
        deadline = self._clock.monotonic() + self._patience.lease_s
        async with self._database.transaction() as tx:
            due = await store.due_manifests(tx, self._clock.wall(), _AT_ONCE)
            await store.leave_out_voided(tx, [each.manifest.key for each in due if _unasked(each.manifest)])
            labels = await store.manifest_labels(tx, [each.manifest.key for each in due])
            return [await self._begin(tx, each, labels[each.manifest.key], deadline) for each in due]

    async def _begin(
        self, tx: Transaction, stored: StoredManifest, labels: Sequence[ManifestedLabel], deadline: float
    ) -> _Errand | None:
        manifest, token = stored.manifest, self._ids.hex(12)
        if stored.account is None:
            raise LookupError(f"manifest {manifest.key} has no account")
        begun = manifest.take(self._clock.wall(), token, self._patience)
        await store.save_manifest(tx, manifest)
        if not begun:
            return None
        bound = await self._connectors.of(tx, stored.account)
        purchased = [_purchased(manifest.key, label) for label in labels if not label.left_out]
        return _Errand(manifest, token, bound, purchased, deadline, _unaskable(manifest, bound, purchased))

    async def _do(self, errand: _Errand) -> None:
        outcome: ManifestOutcome
        if errand.outcome:
            outcome = errand.outcome
        elif self._clock.monotonic() >= errand.deadline:
            outcome = NotSent("lease_over", "This process was held up for too long")
        else:
            outcome = await _asked(errand)
        await until_stored(self._clock, lambda: self._settle(errand, outcome))

    async def _settle(self, errand: _Errand, outcome: ManifestOutcome) -> None:
        key = errand.manifest.key
        async with self._database.transaction() as tx:
            stored = await store.lock_manifest(tx, key)
            if stored is None:
                raise LookupError(f"no manifest {key}")
            follow = stored.manifest.finish(errand.token, outcome, self._clock.wall(), self._patience)
            await store.save_manifest(tx, stored.manifest)
            await self._papers.carry_out(tx, key, follow)


def _purchased(key: ManifestKey, label: ManifestedLabel) -> PurchasedLabel:
    bought = PurchaseKey(key.tenant, label.shipment_id, label.route_version)
    numbers = tuple(number for number in label.tracking_numbers if number != "pending")
    return PurchasedLabel(reference_of(bought, label.attempt), label.carrier_id, numbers, label.service)


def _unasked(manifest: DayManifest) -> bool:
    """True as long as no call may have reached the carrier: a call that is repeated names the labels it named."""
    return manifest.state is ManifestState.CLOSING and not manifest.lease.held


def _unaskable(
    manifest: DayManifest, bound: BoundConnector, labels: Sequence[PurchasedLabel]
) -> ManifestOutcome | None:
    """Return why the carrier cannot be asked now; that says nothing of a call made before."""
    if not labels:
        return Refused("nothing_to_manifest", "Every label was voided before the carrier was asked")
    if not bound.usable:
        return NotSent("account_unusable", "The account cannot be used just now", 60.0)
    if bound.sender(manifest.warehouse, manifest.country) is None:
        return Refused("sender_unknown", f"The account has no address of warehouse {manifest.warehouse}")
    return None


async def _asked(errand: _Errand) -> ManifestOutcome:
    """A connector that breaks its promise and raises leaves the outcome unknown."""
    manifest, connector = errand.manifest, errand.bound.connector
    origin = errand.bound.sender(manifest.warehouse, manifest.country)
    try:
        if origin is None:
            raise ValueError("a manifest has an origin")
        outcome = await connector.manifest(manifest.key.manifest_id, origin, errand.labels, manifest.day)
        return _credible(outcome)
    except Exception as error:  # noqa: BLE001 - whatever a connector does, the day must end on one manifest
        _log.exception("connector_failed", carrier=connector.carrier, step="manifest")
        return OutcomeUnknown("connector_failed", type(error).__name__)


def _credible(outcome: ManifestOutcome) -> ManifestOutcome:
    """A manifest has a number that paper can bear; an answer without one is none. A sheet that is no document is dropped:
    the manifest exists all the same, and LinkStar's own paper shows it.
    """
    if not isinstance(outcome, Manifest):
        return outcome
    if not (0 < len(outcome.manifest_id) <= 64 and outcome.manifest_id.isascii()):
        return OutcomeUnknown("no_manifest_number", "The carrier's answer names no manifest")
    if outcome.document and (fault := document_fault(outcome.document)):
        _log.warning("carriers_sheet_dropped", manifest=outcome.manifest_id, fault=fault)
        return replace(outcome, document=None)
    return outcome
