"""Invoices worked out by hand from published rules and rows; `golden_invoices.yaml` shows the arithmetic of each line."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.router.pricing_desk import course_on, priced

from linkstar_router.domain.measures import parse_limit
from linkstar_router.domain.packs import load_all_services
from linkstar_router.domain.rating import NoPrice
from linkstar_router.domain.tariff import Service

BOOK = yaml.safe_load(Path(__file__).with_name("golden_invoices.yaml").read_text())
INVOICES: list[dict[str, Any]] = [BOOK["defaults"] | invoice for invoice in BOOK["invoices"]]


@cache
def services() -> dict[str, Service]:
    return {service.key: service for service in load_all_services()}


def test_there_are_enough() -> None:
    assert len(INVOICES) >= 60
    assert len({invoice["service"] for invoice in INVOICES}) >= 30


@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: f"{invoice['service']} {invoice['weight']}")
def test_an_invoice_is_equal_line_by_line(invoice: dict[str, Any]) -> None:
    on: date = invoice["day"]
    value = invoice.get("insured", 0)
    facts = {name: invoice[name] for name in ("residential", "signature", "areas") if name in invoice}
    course = course_on(
        services()[invoice["service"]],
        invoice["zone"],
        on,
        insured=(value,) * invoice.get("parcels", 1) if value else (),
        **facts,
    )
    rated = priced(course, invoice["weight"], invoice["box"], parcels=invoice.get("parcels", 1), value=value)
    if "refused" in invoice:
        assert isinstance(rated, NoPrice)
        assert rated.code == invoice["refused"]
        return
    assert not isinstance(rated, NoPrice)
    assert [(line.code, line.amount) for line in rated.lines] == [
        (code, amount) for code, amount, _ in invoice["lines"]
    ]
    assert rated.total == sum(amount for _, amount, _ in invoice["lines"])
    assert rated.billable == parse_limit("weight", invoice["billable"])
    assert course.edition.pack.synthetic == invoice.get("synthetic", False)
