"""Actions on shipments: asked for under the shipment's lock, with their events in the same transaction, and answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from linkstar_contracts.events import ActionAnswered, ActionState
from linkstar_runtime.handling import Linked, Outcome, Received, Transaction
from linkstar_tracker.domain.actions import Action, NotPossible, Wish, ask, ends_by_word
from linkstar_tracker.domain.evidence import action_fact, answer_fact
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.store import keep_papers, lock_shipments, lock_trails, save_trails
from linkstar_tracker.store.actions import ActionKey, actions_of, add_actions, lock_actions, save_actions

__all__ = [
    "ask_action", "asked_events", "chain_action", "end_action", "lock_shipment", "on_shipment_actions", "store_trails",
]  # fmt: skip


async def lock_shipment(tx: Transaction, tenant: str, shipment_id: str) -> Shipment:
    """Return a shipment, locked. Raises NotPossible for one that is not tracked."""
    found = (await lock_shipments(tx, [(tenant, shipment_id)])).get((tenant, shipment_id))
    if found is None:
        fix = "Use the shipment_id of LabelCreated: the order id, or the return id."
        raise NotPossible("shipment_unknown", "No such shipment is tracked", fix, "shipment_id")
    return found


async def ask_action(
    tx: Transaction, shipment: Shipment, rules: Rules, wish: Wish, asked_by: str
) -> tuple[Action, Sequence[Linked]]:
    """Ask for an action on a locked shipment; return it with its events. Raises NotPossible."""
    key = shipment.tenant, shipment.shipment_id
    known = await actions_of(tx, [key])
    action = ask(shipment, shipment.parcels(rules), known[key], wish, asked_by, tx.now)
    await add_actions(tx, [action])
    chain_action(shipment, action, tx.now)
    await store_trails(tx, [shipment])
    return action, asked_events(shipment, action)


def chain_action(shipment: Shipment, action: Action, now: datetime) -> None:
    """Record a new action in its shipment's chain of evidence."""
    shipment.trail.keep(shipment.tenant, shipment.shipment_id, "action", now, action_fact(action.request))
    if action.answer:
        _chain_answer(shipment, action.answer, now)


async def store_trails(tx: Transaction, shipments: Sequence[Shipment]) -> None:
    """Store what the chains of locked shipments have got."""
    await keep_papers(tx, shipments)
    await save_trails(tx, shipments)


def _chain_answer(shipment: Shipment, answer: ActionAnswered, now: datetime) -> None:
    shipment.trail.keep(shipment.tenant, shipment.shipment_id, "action_answer", now, answer_fact(answer))


def asked_events(shipment: Shipment, action: Action) -> Sequence[Linked]:
    """Return what a new action tells, tied to the label's trace."""
    label = shipment.label
    told = (action.request, action.answer) if action.answer else (action.request,)
    return [Linked(event, (label.traceparent if label else None,)) for event in told]


async def end_action(
    tx: Transaction, key: ActionKey, state: ActionState, reason: str, confirmation: str
) -> tuple[Action, Sequence[ActionAnswered]]:
    """Take somebody's word for how an action ended. Raises NotPossible."""
    shipments = await lock_trails(tx, [key[:2]])
    action = (await lock_actions(tx, [key])).get(key)
    if action is None:
        raise NotPossible("action_unknown", "There is no such action", "List the shipment's actions.", "action_id")
    answer = ends_by_word(action, state, reason, confirmation, tx.now)
    ended = Action(action.request, answer, action.asked_by)
    await save_actions(tx, [ended])
    _chain_answer(shipments[key[:2]], answer, tx.now)
    await store_trails(tx, [shipments[key[:2]]])
    return ended, [answer]


async def on_shipment_actions(batch: Sequence[Received[ActionAnswered]], tx: Transaction) -> Sequence[Outcome]:
    """Keep the newest answer of each action; one that was known, or told by ourselves, changes nothing."""
    keyed = [((r.event.tenant, r.event.shipment_id, r.event.action_id), r.event) for r in batch]
    shipments = await lock_trails(tx, {key[:2] for key, _ in keyed})
    known, changed = await lock_actions(tx, [key for key, _ in keyed]), set[ActionKey]()
    for key, answer in keyed:
        newer = known[key].answered(answer) if key in known else None
        if newer is not None:
            known[key] = newer
            changed.add(key)
            _chain_answer(shipments[key[:2]], answer, tx.now)
    if changed:
        await save_actions(tx, [known[key] for key in sorted(changed)])
        await store_trails(tx, [shipments[key] for key in sorted({key[:2] for key in changed})])
    return ()
