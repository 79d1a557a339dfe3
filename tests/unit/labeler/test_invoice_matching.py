"""Every billed line is explained: kinds by what is known, amounts that sum to bill and expectation, whatever the mixture."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_contracts.values import Money
from linkstar_labeler.domain.charge_codes import share
from linkstar_labeler.domain.invoice_lines import BilledLine
from linkstar_labeler.domain.invoice_matching import BilledBefore, BoughtParcel, Kind, Match, match
from linkstar_labeler.domain.invoices import (
    BookedLine,
    adjustment,
    dispute_opening,
    dispute_outcome,
    first_state,
)
from linkstar_labeler.domain.ledger import Entry, wallet_changes

EXPECTED = {"BASE_RATE": 1000, "FUEL_SURCHARGE": 151}
NUMBERS = ["GOOD0001", "GOOD0002", "VOID0001", "IDLE0001", "ALIEN001"]


def parcel(number: int = 1, parcels: int = 1, *, active: bool = True, scanned: bool = True) -> BoughtParcel:
    grams = Decimal(500) if parcels == 1 else None
    return BoughtParcel("acme", "order-1", 3, active, scanned, "USD", number, parcels, EXPECTED, grams)


BOUGHT = {"GOOD0001": parcel(1, 2), "GOOD0002": parcel(2, 2), "VOID0001": parcel(active=False),
          "IDLE0001": parcel(scanned=False)}  # fmt: skip


def billed(number: str, amount: int, code: str = "BASE_RATE", *, line: int = 1, grams: int | None = None) -> BilledLine:
    money = Money(amount_minor=amount, currency="USD")
    weight = Decimal(grams) if grams else None
    return BilledLine("F1", date(2026, 11, 30), line, number, code, code, money, weight, "", line)


def judged(*lines: BilledLine, before: tuple[BilledBefore, ...] = ()) -> list[tuple[str, int, int]]:
    bought = BOUGHT | {"SOLE0001": parcel()}
    return [(m.kind.value, m.expected_minor, m.variance_minor) for m in match(lines, bought, before)]


def test_each_kind() -> None:
    assert judged(billed("SOLE0001", 1000)) == [("matched", 1000, 0)]
    assert judged(billed("SOLE0001", 1040)) == [("price_differs", 1000, 40)]
    assert judged(billed("SOLE0001", 1300, grams=900)) == [("weight_differs", 1000, 300)]
    assert judged(billed("SOLE0001", 1000, grams=900)) == [("matched", 1000, 0)]
    assert judged(billed("SOLE0001", 1000), billed("SOLE0001", 1000)) == [
        ("matched", 1000, 0),
        ("duplicate_line", 0, 1000),
    ]
    assert judged(billed("SOLE0001", 700), billed("SOLE0001", 320)) == [("matched", 700, 0), ("price_differs", 300, 20)]
    assert judged(billed("SOLE0001", 650, "RESIDENTIAL_SURCHARGE")) == [("price_differs", 0, 650)]
    assert judged(billed("VOID0001", 1000)) == [("voided_but_billed", 0, 1000)]
    assert judged(billed("IDLE0001", 1000)) == [("never_scanned", 1000, 0)]
    assert judged(billed("ALIEN001", 1000), billed("", 30)) == [
        ("unknown_shipment", 0, 1000),
        ("unknown_shipment", 0, 30),
    ]


def test_what_is_billed_beyond_the_price_stands_on_the_line_that_bills_it() -> None:
    twice = judged(billed("SOLE0001", 1400), billed("SOLE0001", 1300, line=2))
    assert twice == [("price_differs", 1000, 400), ("price_differs", 0, 1300)]
    in_parts = judged(billed("SOLE0001", 600), billed("SOLE0001", 400, line=2))
    assert in_parts == [("matched", 600, 0), ("matched", 400, 0)]
    corrected = judged(billed("SOLE0001", 1400), billed("SOLE0001", -400, line=2))
    assert corrected == [("matched", 1400, 0), ("matched", -400, 0)]


def test_what_an_earlier_invoice_billed_is_not_expected_again() -> None:
    before = BilledBefore("SOLE0001", "BASE_RATE", "BASE_RATE", 1000)
    assert judged(billed("SOLE0001", 1000), before=(before,)) == [("duplicate_line", 0, 1000)]
    assert judged(billed("SOLE0001", 55), before=(before,)) == [("price_differs", 0, 55)]
    assert judged(billed("SOLE0001", 151, "FUEL_SURCHARGE"), before=(before,)) == [("matched", 151, 0)]


lines_of_an_invoice = st.lists(
    st.tuples(
        st.sampled_from(NUMBERS), st.sampled_from(["BASE_RATE", "FUEL_SURCHARGE", "VAT"]), st.integers(-50, 1200)
    ),
    max_size=25,
).map(lambda rows: [billed(number, amount, code, line=n) for n, (number, code, amount) in enumerate(rows, 1)])


@settings(deadline=None, max_examples=300)
@given(lines_of_an_invoice, st.integers(0, 25))
def test_expectations_sum_to_the_label_s_price_however_the_bill_is_split_over_imports(
    lines: list[BilledLine], cut: int
) -> None:
    first = match(lines[:cut], BOUGHT, ())
    kept = [
        BilledBefore(m.line.tracking_number, m.line.code, m.line.carrier_code, m.line.amount.amount_minor)
        for m in first
    ]
    found = [*first, *match(lines[cut:], BOUGHT, kept)]
    assert [m.line for m in found] == lines
    wanted: dict[tuple[str, str], int] = defaultdict(int)
    for m in found:
        assert m.variance_minor == m.line.amount.amount_minor - m.expected_minor
        wanted[m.line.tracking_number, m.line.code] += m.expected_minor
    ordinary = {Kind.MATCHED, Kind.PRICE_DIFFERS, Kind.WEIGHT_DIFFERS, Kind.NEVER_SCANNED}
    for (number, code), total in wanted.items():
        about = [m for m in found if (m.line.tracking_number, m.line.code) == (number, code)]
        known = BOUGHT.get(number)
        owed = share(known.expected.get(code, 0), known.parcel, known.parcels) if known else 0
        assert total == (owed if any(m.kind in ordinary for m in about) else 0)


@settings(deadline=None)
@given(lines_of_an_invoice)
def test_a_repeated_amount_is_paid_once(lines: list[BilledLine]) -> None:
    found = match(lines, BOUGHT, ())
    paid = Counter(
        (m.line.tracking_number, m.line.code, m.line.amount.amount_minor)
        for m in found
        if m.kind not in (Kind.DUPLICATE_LINE, Kind.UNKNOWN_SHIPMENT) and m.line.amount.amount_minor
    )
    assert not [identity for identity, times in paid.items() if times > 1]


def booked(found: Match, state: str = "review") -> BookedLine:
    line = found.line
    known = found.parcel is not None
    return BookedLine(
        "acme", "usps", "F1", line.invoice_date, line.line, found.kind, state, "USD", found.expected_minor,
        line.amount.amount_minor, "acme", "order-1" if known else None, 3,
    )  # fmt: skip


def balances(entries: list[Entry]) -> Counter[str]:
    accounts: Counter[str] = Counter()
    for entry in entries:
        accounts[entry.from_account] -= entry.amount.amount_minor
        accounts[entry.to_account] += entry.amount.amount_minor
    return accounts


@settings(deadline=None)
@given(lines_of_an_invoice, st.integers(0, 500))
def test_policy_and_disputes_leave_every_account_explained(lines: list[BilledLine], tolerance: int) -> None:
    for found in match(lines, BOUGHT, ()):
        state, line = first_state(found, tolerance), booked(found)
        assert (state == "settled") == (found.kind is Kind.MATCHED)
        if state == "adjusted":
            assert found.variance_minor <= tolerance
        accepted = balances(adjustment(line))
        assert accepted["carrier_payable:usps"] == found.variance_minor == -accepted[line.bearer]
        opened = dispute_opening(line)
        assert not wallet_changes(opened).get(("acme", "USD"))
        lost, expired = (balances([*opened, *dispute_outcome(line, end)]) for end in ("lost", "expired"))
        assert +lost == +accepted
        assert +expired == +accepted
        won = balances([*opened, *dispute_outcome(line, "won")])
        refunded = max(found.expected_minor, 0) if found.kind is Kind.NEVER_SCANNED else 0
        assert (won["wallet"], won["carrier_payable:usps"], won["carrier_disputed:usps"]) == (refunded, -refunded, 0)


def test_the_postings_of_a_line_have_ids_of_their_own() -> None:
    [found] = match([billed("IDLE0001", 1100)], BOUGHT, ())
    line = booked(found)
    entries = [*adjustment(line), *dispute_opening(line), *dispute_outcome(line, "won"), *dispute_outcome(line, "lost")]
    ids = [entry.posting_id for entry in entries]
    assert ids == [
        "order-1|adjustment|usps.F1.1", "order-1|dispute|usps.F1.1", "order-1|dispute.won|usps.F1.1",
        "order-1|dispute.refund|usps.F1.1", "order-1|dispute.lost|usps.F1.1",
    ]  # fmt: skip
    assert replace(line, shipment_id=None).entry("adjustment", 1, "a", "b").posting_id == "invoice|adjustment|usps.F1.1"
