"""Services priced in other currencies: compared by dated rates, told in their own currency, never guessed at."""

from __future__ import annotations

from datetime import date

import pytest
from unit.router.conftest import ask_for

from linkstar_router.domain.checks.layouts import layout_findings
from linkstar_router.domain.decision import decide
from linkstar_router.domain.exchange import Exchange, ExchangeRates, Rate
from linkstar_router.domain.layers import Layer, layered
from linkstar_router.domain.notices import notices
from linkstar_router.domain.routes import costed
from linkstar_router.domain.snapshot import Snapshot, shipped

JULY, AUGUST = date(2026, 7, 1).toordinal(), date(2026, 8, 1).toordinal()
RATES = ExchangeRates([("USD", Rate(AUGUST, 1_200_000, "a")), ("USD", Rate(JULY, 1_000_000, "b")),
                       ("CAD", Rate(JULY, 1_500_000, "c"))])  # fmt: skip
COLUMNS = "carrier,service,currency,zone,weight_up_to,weight_unit,price_minor,rate_type,effective_from"


@pytest.mark.parametrize(
    ("of", "to", "day", "amount"),
    [
        ("USD", "CAD", JULY, 1500),
        ("USD", "CAD", AUGUST, 1250),
        ("CAD", "USD", AUGUST + 9, 800),
        ("EUR", "USD", JULY, 1000),
    ],
)
def test_the_newest_rate_of_the_day_holds(of: str, to: str, day: int, amount: int) -> None:
    exchange = RATES.between(of, to, day)
    assert exchange is not None
    assert exchange.of(1000) == amount


@pytest.mark.parametrize(("of", "to", "day"), [("USD", "CAD", JULY - 1), ("JPY", "EUR", JULY), ("EUR", "JPY", JULY)])
def test_no_rate_is_made_up(of: str, to: str, day: int) -> None:
    assert RATES.between(of, to, day) is None


def test_amounts_are_rounded_half_up() -> None:
    assert [Exchange(1, 2, "").of(amount) for amount in (1, 2, 3)] == [1, 1, 2]


def world(currency: str, price: int, **files: str) -> Snapshot:
    """The shipped lists, and a carrier of the seller's own with one price in some currency."""
    manifest = f"""
        carrier: maple
        country: US
        currency: {currency}
        zone_system: one
        calendar: ups
        gaps: []
        service:
        - {{service: ground, level: standard, po_box: false, batteries: [], liquid: true, signature: none,
           limits: {{weight: 70 lb}}, rounding: [{{step: 1 lb}}],
           list: [{{id: maple, file: maple.csv, rows: {{service: [ground]}}, source: s, as_of: 2026-01-01,
             confidence: high}}]}}
    """
    rates = f"{COLUMNS}\nmaple,ground,{currency},US,70,lb,{price},contract,2026-01-01\n"
    made, failed = layered(shipped(), [Layer("maple.1", "d", {"maple.yaml": manifest, "maple.csv": rates, **files})])
    assert failed == []
    return made


def test_a_foreign_price_is_compared_by_the_rate_and_told_as_it_is() -> None:
    question = ask_for()
    listed = decide(shipped(), question).candidates[0]
    decision = decide(world("CAD", listed.rated.net + 100), question)
    best = decision.candidates[0]
    assert best.offer.service.key == "maple/ground"
    # 1 EUR = 1.12 USD = 1.54 CAD
    assert best.cost_milli == (best.rated.net * 1000 * 112 * 2 + 154) // (154 * 2)
    assert costed(best).total.currency == "CAD"
    assert costed(best).total.amount_minor == listed.rated.net + 100


def test_a_foreign_price_that_is_dearer_at_the_rate_does_not_win() -> None:
    question = ask_for()
    dear = decide(shipped(), question).candidates[0].rated.net - 100
    assert decide(world("GBP", dear), question).candidates[0].offer.service.key != "maple/ground"
    assert decide(world("USD", dear), question).candidates[0].offer.service.key == "maple/ground"


def test_a_seller_may_bring_rates_of_his_own() -> None:
    question = ask_for()
    net = decide(shipped(), question).candidates[0].rated.net
    rates = (
        "currency,per_eur,effective_from,source,confidence\nUSD,1,2026-01-01,bank,high\nGBP,1.5,2026-01-01,bank,high\n"
    )
    made = world("GBP", net + 100, **{"exchange_rates.csv": rates})
    decision = decide(made, question)
    assert decision.candidates[0].offer.service.key == "maple/ground"
    told = {notice.code: notice for notice in notices(made, question, decision)}["exchange_rate"]
    assert (told.detail, told.services) == ("compared at 1 GBP = 0.6667 USD since 2026-01-01 (bank)", ("maple/ground",))


def test_without_a_rate_the_service_is_out_with_the_reason() -> None:
    decision = decide(world("JPY", 10), ask_for())
    assert ("maple/ground", "exchange_rate_missing") in {(e.service.key, e.refusal.code) for e in decision.excluded}


def test_a_rate_that_is_none_is_refused_with_its_row() -> None:
    row = {"currency": "USD", "per_eur": "0", "effective_from": "2026-01-01", "source": "bank", "confidence": "high"}
    (finding,) = layout_findings("exchange_rates.csv", list(row), [(2, row)])
    assert (finding.code, finding.row) == ("bad_value", 2)
