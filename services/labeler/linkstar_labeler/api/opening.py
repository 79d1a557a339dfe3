"""From shipment ids to what can be printed: stored routes, numbers and times, with the consignees as long as they exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from linkstar_contracts.values import Consignee
from linkstar_labeler import store
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.carriers.printing import make_labels, make_slips
from linkstar_labeler.domain.connector import Document
from linkstar_labeler.domain.exceptions import HOLD_CODES
from linkstar_labeler.domain.label_layout import Label
from linkstar_labeler.domain.packing_slip import Slip
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.domain.zpl import render_zpl
from linkstar_labeler.store import DatedLabel, StoredLabel
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.turns import Turns
from linkstar_runtime.vault import Vault

__all__ = ["Opened", "open_labels", "unknown"]


@dataclass(frozen=True, slots=True)
class Opened:
    """One shipment's labels, of our own or as its carrier printed them (`documents`), and, if asked for, packing slips:
    equal to the first print unless `changed`.
    """

    stored: StoredLabel
    labels: list[Label]
    documents: list[Document]
    slips: list[Slip]
    changed: bool

    @property
    def count(self) -> int:
        """How many labels there are: one per parcel."""
        return len(self.documents) or len(self.labels)


async def open_labels(
    context: ServiceContext, tenant: str, shipment_ids: Sequence[str], slip: bool
) -> tuple[dict[str, Opened], dict[str, Problem]]:
    """Return what can be printed, and why the rest cannot: every id is in one of both."""
    async with context.database.transaction() as tx:
        found = await store.find_labels(tx, tenant, shipment_ids)
        problems = {each: problem for each in shipment_ids if (problem := _obstacle(found.get(each)))}
        active = {each: dated for each, dated in found.items() if each not in problems}
        sealed = [(tenant, label.shipment.order_id, label.route.consignee) for label, _ in active.values()]
        consignees = await context.vault.open_many(tx, sealed)
        documents = await _documents(context.vault, tx, [label for label, _ in active.values()])
    opened, turns = {}, Turns(context.clock)
    for (shipment_id, dated), consignee in zip(active.items(), consignees, strict=True):
        if consignee is None:
            problems[shipment_id] = _erased()
        else:
            opened[shipment_id] = _printable(dated, consignee, documents.get(_key(dated[0]), []), slip)
        await turns.pause()
    return opened, problems


async def _documents(vault: Vault, tx: Transaction, labels: Sequence[StoredLabel]) -> dict[PurchaseKey, list[Document]]:
    """Return what carriers printed of these labels, opened; nothing of those whose consignee has been erased."""
    orders = {_key(label): (label.shipment.tenant, label.shipment.order_id) for label in labels}
    kept = await store.label_documents(tx, list(orders))
    rows = [(key, each) for key, documents in kept.items() for each in documents]
    opened = await vault.open_bytes(tx, [(orders[key], each.content) for key, each in rows])
    found: dict[PurchaseKey, list[Document]] = {}
    for (key, document), content in zip(rows, opened, strict=True):
        if content is not None:
            found.setdefault(key, []).append(Document(document.media_type, content))
    return found


def _key(label: StoredLabel) -> PurchaseKey:
    return PurchaseKey(label.shipment.tenant, label.shipment.shipment_id, label.route.version)


def _printable(dated: DatedLabel, consignee: Consignee, documents: list[Document], slip: bool) -> Opened:
    stored, created_at = dated
    route, numbers = stored.route, stored.tracking_numbers
    carrier = CARRIERS.get(route.route.carrier)
    labels = make_labels(carrier, route, consignee, numbers, created_at) if carrier and not documents else []
    slips = make_slips(carrier, route, consignee, numbers, created_at) if slip else []
    prints = [document.content for document in documents] or [render_zpl(label).encode() for label in labels]
    hashes = tuple(sha256(each).hexdigest() for each in prints)
    return Opened(stored, labels, documents, slips, changed=hashes != stored.label_sha256)


def _obstacle(dated: DatedLabel | None) -> Problem | None:
    """What holds a held label is told with its remedy; a voided or withdrawn one is never printed again."""
    if dated is None:
        return unknown()
    stored, _ = dated
    if stored.state == "active":
        return None
    if stored.state == "buying":
        return Problem(409, "label_buying", "The carrier is asked for the label", fix="Try again in a few seconds.")
    hold = HOLD_CODES[stored.hold_code] if stored.hold_code else None
    return Problem(
        409, f"label_{stored.state}", f"The label is {stored.state}", hold.detail if hold else "",
        fix=hold.action if hold else "Change the order to have a new label made; if it is cancelled, submit a new one.",
    )  # fmt: skip


def unknown() -> Problem:
    """There is no such label."""
    return Problem(404, "label_unknown", "There is no label of this shipment", fix="Check the shipment id.")


def _erased() -> Problem:
    fix = "Submit a new order with its address; this label cannot be printed any more."
    return Problem(410, "consignee_erased", "The consignee's data has been erased", fix=fix)
