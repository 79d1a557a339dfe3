"""A bound account as the API shows it: without its credentials, with what it may still do."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from linkstar_carriers.standing import AccountStanding
from linkstar_contracts.values import Money
from linkstar_labeler.store import AccountKey, StoredAccount

__all__ = ["AccountDescription", "CallStanding"]


class CallStanding(BaseModel):
    """How fast the answering replica may call the carrier now: each replica paces itself."""

    calls_per_s: float
    calls_left: int
    """Calls that could be sent at once."""
    blocked_for_s: float
    """Real seconds until the carrier, which said that it was too much, is called again."""
    circuit: str
    """`closed`; `open` while a carrier that does not answer is not called; `half_open` while it is tried again."""

    @classmethod
    def of(cls, standing: AccountStanding) -> CallStanding:
        """Describe a connector's standing."""
        budget = standing.budget
        return cls(
            calls_per_s=round(budget.per_s, 2), calls_left=int(budget.available),
            blocked_for_s=round(budget.blocked_for_s, 1), circuit=standing.circuit,
        )  # fmt: skip


class AccountDescription(BaseModel):
    """A bound account."""

    carrier: str
    account: str
    connector: str
    base_url: str
    number: str
    senders: list[str]
    drift_percent: int
    monthly_limit: Money | None
    spent_this_month: list[Money]
    """Bought or being bought since the month (UTC) began, by currency."""
    left_this_month: Money | None
    calls: CallStanding | None
    """None while the answering replica has not used the account."""
    test: bool
    suspended: bool
    version: int

    @classmethod
    def of(
        cls, stored: StoredAccount, spending: Mapping[tuple[AccountKey, str], int], standing: AccountStanding | None
    ) -> AccountDescription:
        """Describe a stored account; `spending` is this month's."""
        own, limit = stored.settings, stored.monthly_limit
        spent = {currency: minor for (key, currency), minor in spending.items() if key == stored.key}
        return cls(
            carrier=stored.key.carrier, account=stored.key.account, connector=stored.connector,
            base_url=stored.base_url, number=own["number"], senders=sorted(own["senders"]),
            drift_percent=own["drift_percent"], monthly_limit=limit,
            spent_this_month=[Money(amount_minor=minor, currency=each) for each, minor in sorted(spent.items())],
            left_this_month=_left(limit, spent), calls=CallStanding.of(standing) if standing else None,
            test=stored.test, suspended=stored.suspended, version=stored.version,
        )  # fmt: skip


def _left(limit: Money | None, spent: Mapping[str, int]) -> Money | None:
    if limit is None:
        return None
    left = max(limit.amount_minor - spent.get(limit.currency, 0), 0)
    return Money(amount_minor=left, currency=limit.currency)
