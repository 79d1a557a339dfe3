"""What one decision costs on one core: orders of the load, as questions, each decided once on a warm router."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from linkstar_bench.orders import OrderRecord, build_orders
from linkstar_router.domain.decision import Question, decide
from linkstar_router.domain.snapshot import shipped
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
    times = {"ordered_at": now.isoformat(), "decided_at": now.isoformat(), "penalty_minor": 600}
    return Question.model_validate_json(json.dumps(quote_body(order) | times))


def decision_figures(count: int, seed: int, now: datetime) -> dict[str, float]:
    """Return the CPU time per decision in the order an orders' partition would bring them, all of them in the US.

    `decision_us` is the mean over all; the first fifth warms up and is not counted.
    """
    orders = [order for order in build_orders(count * 2, seed, "decide", now) if b'"US"' in order.message.value][:count]
    questions = [_question(order, now) for order in orders]
    first = len(questions) // 5
    _decide(questions[:first])
    spent, offered = _decide(questions[first:])
    us = spent * 1e6 / (len(questions) - first)
    return {"decision_us": round(us, 1), "decisions_per_s_core": round(1e6 / us), "services": offered, "rules": 0}


def _decide(questions: Sequence[Question]) -> tuple[float, int]:
    """Return the CPU seconds used, and how many services each decision weighed at most."""
    snapshot, weighed = shipped(), 0
    began = time.process_time()
    for question in questions:
        decision = decide(snapshot, question)
        weighed = max(weighed, len(decision.candidates) + len(decision.excluded))
    return time.process_time() - began, weighed
