"""What one decision costs on one core: orders of the load, as questions, each decided once on a warm router.

The market they are decided in has twenty services that rate nearly every parcel; the rules are fifty.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from linkstar_bench.orders import OrderRecord, build_orders
from linkstar_bench.router.market import SERVICES, market
from linkstar_bench.router.replaying import replay_figures
from linkstar_bench.router.rule_sets import compiled_rules, rules_check_s
from linkstar_router.domain.decision import Decision, Question, decide
from linkstar_router.domain.rules.compiled import NO_RULES, CompiledRules
from linkstar_router.domain.snapshot import Snapshot, shipped
from linkstar_runtime.application import spare_the_collector
from linkstar_sandbox.order_files import WAREHOUSES

__all__ = ["decision_figures", "quote_body"]

_HOUSES = {house["code"]: dict(house) for house in WAREHOUSES}
_ROUTING = {"US": 5, "CA": 3, "DE": 5, "FR": 5}
"""Characters of a postcode that route; British ones route by their outward code."""


def quote_body(order: OrderRecord) -> dict[str, Any]:
    """Return the body of `POST /v1/quotes` for the shipment of an order."""
    said = json.loads(order.message.value)
    there = said["consignee"]
    country, postcode = there["country"], there["postcode"]
    routing = postcode.split(" ")[0] if country == "GB" else postcode[: _ROUTING.get(country, 10)]
    return {
        "warehouse": _HOUSES[said["warehouse"]], "parcels": said["parcels"], "options": said.get("options", {}),
        "destination": {"country": country, "region": there.get("region", ""), "postcode": routing},
    }  # fmt: skip


def _question(order: OrderRecord, now: datetime) -> Question:
    said = json.loads(order.message.value)
    asked = {
        "ordered_at": now.isoformat(), "decided_at": now.isoformat(), "penalty_minor": 600, "channel": said["channel"],
        "skus": [item["sku"] for item in said.get("items", ())],
    }  # fmt: skip
    return Question.model_validate_json(json.dumps(quote_body(order) | asked))


def decision_figures(count: int, seed: int, now: datetime) -> dict[str, float]:
    """Return the CPU time per decision of orders in the US, and how many orders a second are replayed from columns.

    `decision_us` is the mean over all; the first fifth warms up and is not counted.
    """
    orders = [order for order in build_orders(count * 2, seed, "decide", now) if b'"US"' in order.message.value][:count]
    questions = [_question(order, now) for order in orders]
    first, rules = len(questions) // 5, compiled_rules()
    busy = market(shipped())
    _decide(busy, questions[:first], rules)
    spare_the_collector()
    spent, decisions = _decide(busy, questions[first:], rules)
    us, rated = spent * 1e6 / len(decisions), sum(len(decision.candidates) for decision in decisions)
    figures = {
        "decision_us": round(us, 1), "decisions_per_s_core": round(1e6 / us), "services": SERVICES,
        "services_rated": round(rated / len(decisions), 1), "rules": len(rules.rules), "rules_check_s": rules_check_s(),
    }  # fmt: skip
    _, unruled = _decide(shipped(), questions[first:], NO_RULES)
    return figures | replay_figures(questions[first:], unruled)


def _decide(snapshot: Snapshot, questions: Sequence[Question], rules: CompiledRules) -> tuple[float, list[Decision]]:
    """Return the CPU seconds used, and the decisions."""
    began = time.process_time()
    decisions = [decide(snapshot, question, rules) for question in questions]
    return time.process_time() - began, decisions
