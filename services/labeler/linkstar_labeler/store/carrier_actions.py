"""What was asked for about parcels under way, the calls to carriers that follow, and the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from linkstar_contracts.events import ActionAnswered, ActionRequested
from linkstar_labeler.domain.leases import Lease
from linkstar_labeler.domain.purchase_steps import PurchaseKey
from linkstar_labeler.store.accounts import AccountKey
from linkstar_labeler.store.arrays import transposed
from linkstar_runtime.handling import Transaction

__all__ = [
    "CarrierAction", "Sold", "answer_actions", "due_actions", "end_action", "lock_action", "put_off_action", "sold_parcels",
    "start_actions",
]  # fmt: skip


class Sold(NamedTuple):
    """The purchase that a parcel travels under, and the account it was made with."""

    key: PurchaseKey
    account: AccountKey


@dataclass(slots=True)
class CarrierAction:
    """An action that a carrier is asked about."""

    request: ActionRequested
    sold: Sold
    lease: Lease


async def sold_parcels(tx: Transaction, asked: Sequence[ActionRequested]) -> dict[tuple[str, str], Sold]:
    """Return which of these actions are about a parcel bought with a carrier's account, by tenant and action id."""
    rows = await tx.fetch(
        """SELECT u.tenant, u.action_id, p.shipment_id, p.route_version, p.account_tenant, p.carrier, p.account
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) u(tenant, action_id, shipment_id, number)
           JOIN purchase p ON p.tenant = u.tenant AND p.shipment_id = u.shipment_id AND p.state = 'purchased'
             AND u.number = ANY (p.tracking_numbers)""",
        *transposed([(a.tenant, a.action_id, a.shipment_id, a.tracking_number or "") for a in asked]),
    )
    return {
        (row["tenant"], row["action_id"]): Sold(
            PurchaseKey(row["tenant"], row["shipment_id"], row["route_version"]),
            AccountKey(row["account_tenant"], row["carrier"], row["account"]),
        )
        for row in rows
    }


async def answer_actions(
    tx: Transaction, answered: Sequence[tuple[ActionRequested, ActionAnswered]]
) -> set[tuple[str, str]]:
    """Store actions with their answers; return the tenant and action id of those not heard of before."""
    rows = [
        (asked.tenant, asked.action_id, asked.shipment_id, asked.kind.value, asked.carrier, answer.state.value, answer.code,
         asked.occurred_at)
        for asked, answer in answered
    ]  # fmt: skip
    if not rows:
        return set()
    made = await tx.fetch(
        """INSERT INTO carrier_action
             (tenant, action_id, shipment_id, kind, carrier, state, code, asked_at, answered_at)
           SELECT *, $9 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::timestamptz[])
           ON CONFLICT DO NOTHING RETURNING tenant, action_id""",
        *transposed(sorted(rows)), tx.now,
    )  # fmt: skip
    return {(row["tenant"], row["action_id"]) for row in made}


async def start_actions(tx: Transaction, begun: Sequence[tuple[ActionRequested, Sold]], due_at: datetime) -> None:
    """Store actions that carriers shall be asked about from `due_at` on; those heard of before stay as they are."""
    rows = [
        (a.tenant, a.action_id, a.shipment_id, a.kind.value, sold.account.carrier, a.occurred_at, a.body().decode(),
         sold.key.route_version, sold.account.tenant, sold.account.account)
        for a, sold in begun
    ]  # fmt: skip
    if rows:
        await tx.execute(
            """INSERT INTO carrier_action (tenant, action_id, shipment_id, kind, carrier, asked_at, request, route_version,
                 account_tenant, account, state, code, due_at, answered_at)
               SELECT *, 'waiting', '', $11, $12 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                 $6::timestamptz[], $7::text[], $8::int[], $9::text[], $10::text[])
               ON CONFLICT DO NOTHING""",
            *transposed(sorted(rows)), due_at, tx.now,
        )  # fmt: skip


async def due_actions(tx: Transaction, now: datetime, limit: int) -> list[CarrierAction]:
    """Lock actions with a call to make that nobody else has in hand."""
    rows = await tx.fetch(
        "SELECT * FROM carrier_action WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
        now,
        limit,
    )
    return [_action(row) for row in rows]


async def lock_action(tx: Transaction, tenant: str, action_id: str) -> CarrierAction | None:
    """Lock one action that a carrier is asked about."""
    row = await tx.fetchrow(
        "SELECT * FROM carrier_action WHERE tenant = $1 AND action_id = $2 AND due_at IS NOT NULL FOR NO KEY UPDATE",
        tenant, action_id,
    )  # fmt: skip
    return _action(row) if row else None


async def put_off_action(tx: Transaction, action: CarrierAction) -> None:
    """Write the lease of a locked action back."""
    lease = action.lease
    await tx.execute(
        """UPDATE carrier_action SET due_at = $3, token = $4, tries = $5, waiting_since = $6
           WHERE tenant = $1 AND action_id = $2""",
        action.request.tenant, action.request.action_id, lease.due_at, lease.token, lease.tries, lease.waiting_since,
    )  # fmt: skip


async def end_action(tx: Transaction, answer: ActionAnswered) -> None:
    """Store the answer of a locked action: nobody asks the carrier again."""
    await tx.execute(
        """UPDATE carrier_action SET state = $3, code = $4, due_at = NULL, token = '', answered_at = $5
           WHERE tenant = $1 AND action_id = $2""",
        answer.tenant, answer.action_id, answer.state.value, answer.code, tx.now,
    )  # fmt: skip


def _action(row: Any) -> CarrierAction:
    key = PurchaseKey(row["tenant"], row["shipment_id"], row["route_version"])
    account = AccountKey(row["account_tenant"], row["carrier"], row["account"])
    lease = Lease(row["due_at"], row["token"], row["tries"], row["waiting_since"])
    return CarrierAction(ActionRequested.model_validate_json(row["request"]), Sold(key, account), lease)
