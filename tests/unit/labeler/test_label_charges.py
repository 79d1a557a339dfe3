"""A label's price goes to those it is owed to, to the cent, and comes back from them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.labeler.label_samples import route

from linkstar_contracts.events import RouteChosen
from linkstar_contracts.values import ChargeLine, Money
from linkstar_labeler.domain.charges import capture, refund
from linkstar_labeler.domain.ledger import wallet_changes

amounts = st.integers(0, 5000)


def priced(*lines: tuple[str, int], total: int | None = None) -> RouteChosen:
    plain = route(total=sum(amount for _, amount in lines) if total is None else total)
    charged = tuple(ChargeLine(code=code, amount=Money(amount_minor=n, currency="USD")) for code, n in lines)
    return plain.model_copy(update={"route": plain.route.model_copy(update={"lines": charged})})


def owed(chosen: RouteChosen) -> dict[str, int]:
    return {entry.to_account: entry.amount.amount_minor for entry in capture(chosen)}


def test_fee_and_premium_are_no_money_of_the_carrier() -> None:
    chosen = priced(("base_rate", 700), ("contract_discount", -100), ("platform_fee", 30), ("insurance", 45))
    assert owed(chosen) == {"carrier_payable:usps": 600, "platform_fees": 30, "insurance_payable": 45}
    ids = {entry.posting_id for entry in capture(chosen)}
    assert ids == {"order-1|capture|1", "order-1|capture.platform_fee|1", "order-1|capture.insurance|1"}


def test_lines_that_cannot_be_part_of_the_price_leave_all_to_the_carrier() -> None:
    assert owed(priced(("base_rate", 10), ("platform_fee", 700), total=500)) == {"carrier_payable:usps": 500}
    assert owed(priced(("base_rate", 510), ("platform_fee", -10))) == {"carrier_payable:usps": 500}
    assert owed(priced(("platform_fee", 20))) == {"platform_fees": 20}
    assert capture(priced(("base_rate", 0))) == capture(route(test=True)) == []


@settings(deadline=None)
@given(
    amounts, st.lists(st.tuples(st.sampled_from(["platform_fee", "insurance", "fuel_surcharge"]), amounts), max_size=6)
)
def test_the_parts_are_the_price_and_a_refund_undoes_them(base: int, more: list[tuple[str, int]]) -> None:
    chosen = priced(("base_rate", base), *more)
    total = chosen.route.total.amount_minor
    paid, back = capture(chosen), refund(chosen)
    assert sum(owed(chosen).values()) == total
    assert wallet_changes(paid) == ({("acme", "USD"): -total} if total else {})
    assert sum(wallet_changes([*paid, *back]).values()) == 0
    assert len({entry.posting_id for entry in paid + back}) == len(paid) + len(back)
