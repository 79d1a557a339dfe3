"""Actions asked for about shipments, with their newest answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from linkstar_contracts.events import ActionAnswered, ActionRequested
from linkstar_runtime.handling import Transaction
from linkstar_tracker.domain.actions import Action
from linkstar_tracker.store.rows import Row, columns
from linkstar_tracker.store.shipments import ShipmentKey

__all__ = ["ActionKey", "actions_of", "add_actions", "lock_actions", "save_actions"]

ActionKey: TypeAlias = tuple[str, str, str]
"""Tenant, shipment id and action id."""


async def actions_of(tx: Transaction, shipments: Iterable[ShipmentKey]) -> dict[ShipmentKey, list[Action]]:
    """Return what was asked for about these shipments, the oldest first. Who adds to it holds the shipments."""
    wanted = sorted(shipments)
    found: dict[ShipmentKey, list[Action]] = {key: [] for key in wanted}
    for row in await tx.fetch(
        "SELECT a.* FROM shipment_action a JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) "
        "USING (tenant, shipment_id) ORDER BY a.asked_at, a.action_id",
        *columns(wanted, 2),
    ):  # fmt: skip
        found[row["tenant"], row["shipment_id"]].append(_action(row))
    return found


async def add_actions(tx: Transaction, actions: Sequence[Action]) -> None:
    """Store new actions of locked shipments; an id that is taken is an error."""
    flat = [
        (a.request.tenant, a.request.shipment_id, a.request.action_id, a.request.body().decode(),
         a.answer.body().decode() if a.answer else None, a.state.value, a.version, a.asked_by)
        for a in actions
    ]  # fmt: skip
    await tx.execute(
        "INSERT INTO shipment_action (tenant, shipment_id, action_id, request, answer, state, version, asked_by, asked_at, "
        "changed_at) SELECT u.*, $9, $9 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
        "$6::text[], $7::int[], $8::text[]) u",
        *columns(flat, 8), tx.now,
    )  # fmt: skip


async def lock_actions(tx: Transaction, keys: Iterable[ActionKey]) -> dict[ActionKey, Action]:
    """Return those of these actions that are known, locked until the transaction ends."""
    rows = await tx.fetch(
        "SELECT a.* FROM shipment_action a JOIN unnest($1::text[], $2::text[], $3::text[]) "
        "u(tenant, shipment_id, action_id) USING (tenant, shipment_id, action_id) "
        "ORDER BY a.tenant, a.shipment_id, a.action_id FOR NO KEY UPDATE OF a",
        *columns(sorted(set(keys)), 3),
    )  # fmt: skip
    return {(row["tenant"], row["shipment_id"], row["action_id"]): _action(row) for row in rows}


async def save_actions(tx: Transaction, actions: Sequence[Action]) -> None:
    """Write the newest answers of locked actions."""
    flat = [
        (a.request.tenant, a.request.shipment_id, a.request.action_id, a.answer.body().decode(), a.state.value, a.version)
        for a in actions
        if a.answer
    ]  # fmt: skip
    if flat:
        await tx.execute(
            "UPDATE shipment_action a SET answer = u.answer, state = u.state, version = u.version, changed_at = $7 "
            "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[]) "
            "u(tenant, shipment_id, action_id, answer, state, version) WHERE a.tenant = u.tenant "
            "AND a.shipment_id = u.shipment_id AND a.action_id = u.action_id",
            *columns(flat, 6), tx.now,
        )  # fmt: skip


def _action(row: Row) -> Action:
    answer = ActionAnswered.model_validate_json(row["answer"]) if row["answer"] else None
    return Action(ActionRequested.model_validate_json(row["request"]), answer, row["asked_by"])
