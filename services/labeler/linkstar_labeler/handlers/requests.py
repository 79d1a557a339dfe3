"""What carriers are asked: the requests of attempts, written from their labels' routes whenever they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from linkstar_contracts.events import RouteChosen
from linkstar_contracts.values import Consignee
from linkstar_labeler import store
from linkstar_labeler.domain.connector import LabelRequest, Refused
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.domain.purchasing import purchase_key, reference_of
from linkstar_labeler.handlers.connectors import BoundConnector
from linkstar_runtime.handling import Transaction
from linkstar_runtime.vault import Vault

__all__ = ["Asked", "write_requests"]


class Asked(NamedTuple):
    """An attempt, which was noted, and the account it is made with."""

    key: PurchaseKey
    attempt: int
    bound: BoundConnector

    @property
    def reference(self) -> str:
        """What the carrier knows the attempt by."""
        return reference_of(self.key, self.attempt)


async def write_requests(tx: Transaction, vault: Vault, asked: Sequence[Asked]) -> list[LabelRequest | Refused]:
    """Return the request of each attempt, the same every time; or why it cannot be written."""
    if not asked:
        return []
    found = await store.purchased_routes(tx, {each.key for each in asked})
    routes = [found[each.key] for each in asked]
    consignees = await vault.open_many(tx, [(route.tenant, route.order_id, route.consignee) for route in routes])
    sent_at = await store.attempts_sent_at(tx, [each.reference for each in asked])
    return [
        _request(each, route, consignee, sent_at[each.reference])
        for each, route, consignee in zip(asked, routes, consignees, strict=True)
    ]


def _request(
    asked: Asked, route: RouteChosen, consignee: Consignee | None, sent_at: datetime
) -> LabelRequest | Refused:
    sender = asked.bound.sender(route.warehouse.code, route.warehouse.country)
    if consignee is None:
        return Refused("consignee_erased", "The consignee's data was erased before the label was bought")
    if not asked.bound.usable:
        return Refused("account_unusable", "The carrier account is suspended, incomplete or gone")
    if sender is None:
        return Refused("sender_unknown", f"The account has no address of warehouse {route.warehouse.code}")
    inbound = route.kind == "return"
    return LabelRequest(
        purchase_key(asked.key), asked.reference, route.route.service,
        consignee if inbound else sender, sender if inbound else consignee, route.parcels, route.options,
        sent_at.date(), route.route.total, inbound,
    )  # fmt: skip
