"""Admission and postings: books that balance under every sequence of top-ups, purchases and refunds."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from linkstar_contracts.values import Money
from linkstar_labeler.domain.ledger import FUNDING, WALLET, Entry, admit, carrier_payable, wallet_changes

ACCOUNTS = [("acme", "USD"), ("acme", "EUR"), ("beta", "USD")]
accounts = st.sampled_from(ACCOUNTS)
amounts = st.integers(0, 1000)


class Books(RuleBasedStateMachine):
    """Wallets that are only ever changed by entries, as the store does it."""

    def __init__(self) -> None:
        super().__init__()
        self.balances: Counter[tuple[str, str]] = Counter()
        self.entries: list[Entry] = []
        self.bought: list[tuple[tuple[str, str], int]] = []

    def post(self, entries: list[Entry]) -> None:
        self.entries += entries
        for account, change in wallet_changes(entries).items():
            self.balances[account] += change

    def entry(self, account: tuple[str, str], amount: int, source: str, target: str) -> Entry:
        posting = f"p{len(self.entries)}"
        return Entry(account[0], posting, Money(amount_minor=amount, currency=account[1]), source, target)

    @rule(account=accounts, amount=st.integers(1, 5000))
    def top_up(self, account: tuple[str, str], amount: int) -> None:
        self.post([self.entry(account, amount, FUNDING, WALLET)])

    @rule(charges=st.lists(st.tuples(accounts, amounts), max_size=8))
    def buy(self, charges: list[tuple[tuple[str, str], int]]) -> None:
        admitted = [charge for charge, fits in zip(charges, admit(charges, self.balances), strict=True) if fits]
        self.bought += admitted
        self.post(
            [self.entry(account, amount, WALLET, carrier_payable("ups")) for account, amount in admitted if amount]
        )

    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        if self.bought:
            account, amount = self.bought.pop(data.draw(st.integers(0, len(self.bought) - 1)))
            self.post([self.entry(account, amount, carrier_payable("ups"), WALLET)])

    @invariant()
    def never_overdrawn(self) -> None:
        assert all(balance >= 0 for balance in self.balances.values())

    @invariant()
    def legs_sum_to_zero_per_currency_and_wallets_equal_their_legs(self) -> None:
        legs: Counter[tuple[str, str, str]] = Counter()
        for entry in self.entries:
            tenant, currency = entry.wallet
            legs[tenant, currency, entry.from_account] -= entry.amount.amount_minor
            legs[tenant, currency, entry.to_account] += entry.amount.amount_minor
        for account in ACCOUNTS:
            assert sum(amount for leg, amount in legs.items() if leg[:2] == account) == 0
            assert legs[*account, WALLET] == self.balances[account]

    @invariant()
    def carriers_are_owed_what_was_bought(self) -> None:
        owed = sum(entry.amount.amount_minor * (1 if entry.from_account == WALLET else -1)
                   for entry in self.entries if FUNDING not in (entry.from_account, entry.to_account))  # fmt: skip
        assert owed == sum(amount for _, amount in self.bought)


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@settings(deadline=None)
@given(st.lists(st.tuples(accounts, amounts), max_size=20), st.dictionaries(accounts, amounts))
def test_a_covered_sum_admits_everybody(
    charges: list[tuple[tuple[str, str], int]], surplus: dict[tuple[str, str], int]
) -> None:
    funds: Counter[tuple[str, str]] = Counter(surplus)
    for account, amount in charges:
        funds[account] += amount
    assert all(admit(charges, funds))


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(1, 12), st.integers(1, 900))
def test_equal_prices_admit_the_first(affordable: int, wanted: int, price: int) -> None:
    admitted = admit([(ACCOUNTS[0], price)] * wanted, {ACCOUNTS[0]: affordable * price + price - 1})
    assert admitted == [place < affordable for place in range(wanted)]


def test_a_smaller_charge_may_still_fit_and_an_absent_wallet_never() -> None:
    charges = [(ACCOUNTS[0], 300), (ACCOUNTS[0], 500), (ACCOUNTS[0], 200), (ACCOUNTS[1], 1), (ACCOUNTS[1], 0)]
    assert admit(charges, {ACCOUNTS[0]: 500}) == [True, False, True, False, True]
