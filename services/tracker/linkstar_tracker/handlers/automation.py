"""Sellers' rules at work: asked about each exception when it opens and when it is old enough, never by a scan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from linkstar_contracts.event import Event
from linkstar_contracts.events import RuleOutcome
from linkstar_runtime.handling import Linked, Transaction
from linkstar_tracker.domain.actions import Action, NotPossible, Wish, ask
from linkstar_tracker.domain.automation import AutomationRule, Occasion, RuleDocument
from linkstar_tracker.domain.occasions import facts_of, fired_event, occasion_of
from linkstar_tracker.domain.rule_plan import Firing, Plan, plan
from linkstar_tracker.domain.shipment import Rules, Shipment
from linkstar_tracker.domain.timeline import TERMINAL
from linkstar_tracker.handlers.actions import asked_events, chain_action, store_trails
from linkstar_tracker.store import ShipmentKey, lock_shipments
from linkstar_tracker.store.actions import actions_of, add_actions
from linkstar_tracker.store.automation import (
    Fired,
    Published,
    Review,
    due_reviews,
    end_reviews,
    fired_rules,
    newest_rules,
    put_off_reviews,
    record_firings,
)

__all__ = ["Automation"]

_AT_ONCE = 200
MOST_BY_RULES = 10
"""So many actions may rules ask for about one shipment: whatever carriers and rules do to each other, it ends."""


class Automation:
    """The timer that asks the rules, with each version read once."""

    def __init__(self, rules: Rules, at_once: int = _AT_ONCE) -> None:
        self._rules, self._at_once = rules, at_once
        self._ready: dict[tuple[str, int], tuple[AutomationRule, ...]] = {}

    async def judge_exceptions(self, shards: Sequence[int], tx: Transaction) -> list[Event | Linked]:
        """Fire what holds about the exceptions that are due; state, actions and events are one transaction's."""
        reviews = await due_reviews(tx, shards, self._at_once)
        if not reviews:
            return []
        keys = {(each.tenant, each.shipment_id) for each in reviews}
        shipments, known = await lock_shipments(tx, keys), await actions_of(tx, keys)
        in_force, fired = await newest_rules(tx, {each.tenant for each in reviews}), await fired_rules(tx, reviews)
        desk = _Desk(self._rules, tx.now, known)
        ended, later = list[Review](), list[tuple[Review, datetime]]()
        for review in reviews:
            due_at = self._judge(desk, review, shipments, in_force, fired[review.tenant, review.exception_id])
            if due_at is None:
                ended.append(review)
            else:
                later.append((review, due_at))
        await end_reviews(tx, ended)
        await put_off_reviews(tx, later)
        await desk.store(tx)
        return desk.events

    def _judge(
        self, desk: _Desk, review: Review, shipments: Mapping[ShipmentKey, Shipment],
        in_force: Mapping[str, Published], fired: set[str],
    ) -> datetime | None:  # fmt: skip
        shipment, published = shipments.get((review.tenant, review.shipment_id)), in_force.get(review.tenant)
        alarm = shipment.alarms.get(review.exception_id) if shipment else None
        if shipment is None or shipment.label is None or alarm is None or not alarm.open or published is None:
            return None
        occasion = occasion_of(shipment.label, alarm, [scan.scanned_at for scan in shipment.scans.values()])
        found: Plan = plan(self._ordered(review.tenant, published), occasion, fired, desk.now)
        for firing in found.firings:
            desk.fire(shipment, occasion, firing, published.version)
        return found.due_at

    def _ordered(self, tenant: str, published: Published) -> tuple[AutomationRule, ...]:
        key = tenant, published.version
        if key not in self._ready:
            if len(self._ready) >= _AT_ONCE:
                self._ready.clear()
            self._ready[key] = RuleDocument.model_validate_json(published.document).ordered
        return self._ready[key]


class _Desk:
    """What firings lead to in one transaction."""

    def __init__(self, rules: Rules, now: datetime, known: Mapping[ShipmentKey, list[Action]]) -> None:
        self.now = now
        self.events: list[Event | Linked] = []
        self._rules, self._known = rules, known
        self._actions: list[Action] = []
        self._acted: dict[ShipmentKey, Shipment] = {}
        self._fired: list[Fired] = []

    def fire(self, shipment: Shipment, occasion: Occasion, firing: Firing, version: int) -> None:
        """Do what a rule wants, as far as it can be, and record it."""
        asked, why = list[Action](), firing.why
        if firing.outcome is RuleOutcome.ASKED:
            asked, why = self._ask(shipment, occasion, firing, version)
            firing = firing if asked else firing._replace(outcome=RuleOutcome.NOT_POSSIBLE)
        names = [each.request.action_id for each in asked]
        then = firing.rule.then
        self._fired.append(
            Fired(
                shipment.tenant, shipment.shipment_id, occasion.exception_id, firing.rule.id, version, firing.outcome.value,
                why, json.dumps(facts_of(occasion)), names, then.assignee, then.notify,
            )
        )  # fmt: skip
        if firing.outcome is not RuleOutcome.SHADOW:
            label = shipment.label
            event = fired_event(shipment, occasion, firing, version, names, self.now)
            self.events += [Linked(event, (label.traceparent if label else None,))]

    def _ask(self, shipment: Shipment, occasion: Occasion, firing: Firing, version: int) -> tuple[list[Action], str]:
        """Ask for the action on every parcel that it is possible for; tell why not where it is for none."""
        kind = firing.rule.then.action_kind
        assert kind is not None  # noqa: S101 - only such rules ask
        asked, why, rule = list[Action](), "", firing.rule.id
        for parcel in self._parcels(shipment, whole=firing.rule.then.action == "reship"):
            wish = Wish(kind, parcel, rule, exception_id=occasion.exception_id, rule=rule, rules_version=version)
            try:
                asked.append(self._one(shipment, wish))
            except NotPossible as fault:
                why = fault.code
        return asked, "" if asked else why or "no_parcel_under_way"

    def _one(self, shipment: Shipment, wish: Wish) -> Action:
        known = self._known[shipment.tenant, shipment.shipment_id]
        if sum(each.request.rule is not None for each in known) >= MOST_BY_RULES:
            raise NotPossible("too_many_by_rules", f"Rules asked for {MOST_BY_RULES} actions", "Ask yourself.")
        action = ask(shipment, shipment.parcels(self._rules), known, wish, "", self.now)
        known.append(action)
        self._actions.append(action)
        self._acted[shipment.tenant, shipment.shipment_id] = shipment
        chain_action(shipment, action, self.now)
        self.events += asked_events(shipment, action)
        return action

    def _parcels(self, shipment: Shipment, *, whole: bool) -> Sequence[int | None]:
        if whole:
            return (None,)
        parcels = shipment.parcels(self._rules)
        return [number for number, timeline in parcels.items() if timeline.status not in TERMINAL]

    async def store(self, tx: Transaction) -> None:
        """Store what was asked for and what fired."""
        if self._actions:
            await add_actions(tx, self._actions)
            await store_trails(tx, list(self._acted.values()))
        await record_firings(tx, self._fired)
