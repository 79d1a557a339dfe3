"""What a carrier is asked: the request of one attempt, written from the label's route whenever it is needed."""

from __future__ import annotations

from linkstar_labeler import store
from linkstar_labeler.domain.connector import LabelRequest, Refused
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.domain.purchasing import purchase_key, reference_of
from linkstar_labeler.handlers.connectors import BoundConnector
from linkstar_runtime.handling import Transaction
from linkstar_runtime.vault import Vault

__all__ = ["write_request"]


async def write_request(
    tx: Transaction, vault: Vault, bound: BoundConnector, key: PurchaseKey, attempt: int
) -> LabelRequest | Refused:
    """Return the request of an attempt, the same every time; or why it cannot be written."""
    route = await store.purchased_route(tx, key)
    [consignee] = await vault.open_many(tx, [(key.tenant, route.order_id, route.consignee)])
    sender = bound.sender(route.warehouse.code, route.warehouse.country)
    if consignee is None:
        return Refused("consignee_erased", "The consignee's data was erased before the label was bought")
    if sender is None:
        return Refused("sender_unknown", f"The account has no address of warehouse {route.warehouse.code}")
    inbound, reference = route.kind == "return", reference_of(key, attempt)
    sent_at = await store.attempt_sent_at(tx, reference)
    return LabelRequest(
        purchase_key(key), reference, route.route.service,
        consignee if inbound else sender, sender if inbound else consignee, route.parcels, route.options,
        sent_at.date(), route.route.total, inbound,
    )  # fmt: skip
