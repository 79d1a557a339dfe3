"""Fifty rules as a large seller could have them, none holding an order back: deciding and checking are timed on them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.rules.checking import check_rules
from linkstar_router.domain.rules.compiled import CompiledRules, compile_rules
from linkstar_router.domain.rules.document import RuleSet, parse_rules

__all__ = ["compiled_rules", "rules_check_s"]

_STATES = ("AK", "HI", "CA", "NY", "TX", "FL", "WA", "IL", "PA", "OH")


def _entries() -> Iterator[dict[str, Any]]:
    for number, state in enumerate(_STATES):
        weights = {"over": f"{number} lb", "up_to": f"{number + 15} lb"}
        yield _entry(f"state-{state}", {"prefer": "usps"}, state=state, weight=weights)
        yield _entry(f"value-{number}", {"surcharge": {"services": "fedex", "amount": "0.35 USD"}},
                     value={"over": f"{50 + 25 * number}.00 USD"}, level="standard", battery="none")  # fmt: skip
        yield _entry(f"sku-{number}", {"forbid": "ups/2nd_day_air"}, sku=[f"SKU-{number}*", f"X-{number}"],
                     longest_side={"over": f"{8 + number} in"})  # fmt: skip
        yield _entry(f"channel-{number}", {"prefer": "ups"}, channel=f"shop-{number}", residential=True,
                     volume={"under": f"{number + 1} cu ft"})  # fmt: skip
        yield _entry(f"zip-{number}", {"forbid": "fedex/2day"}, postcode=f"{number}0-{number}4",
                     weight={"over": f"{30 + number} lb"}, signature=False)  # fmt: skip


def _entry(name: str, then: dict[str, Any], **when: Any) -> dict[str, Any]:
    return {"id": name, "when": {"country": "US", **when}, "then": then}


def _rule_set() -> RuleSet:
    return parse_rules({"rules": list(_entries())}, shipped_catalogue())


def compiled_rules() -> CompiledRules:
    """Return the rules, compiled."""
    return compile_rules(_rule_set().rules, "bench")


def rules_check_s() -> float:
    """Return the CPU seconds that checking them takes."""
    rules, catalogue = _rule_set(), shipped_catalogue()
    began = time.process_time()
    report = check_rules(rules, catalogue)
    spent = time.process_time() - began
    if report.errors:
        raise AssertionError(report.errors)
    return round(spent, 3)
