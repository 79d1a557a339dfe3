"""A wallet's month as its owner reads it: opening balance, every entry with the balance after it, closing balance."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from io import StringIO

from linkstar_contracts.text import CURRENCY_EXPONENTS
from linkstar_labeler.domain.months import Month

__all__ = ["WORDS", "Movement", "Statement", "StatementLine", "csv_closing", "csv_entries", "csv_opening", "written"]


@dataclass(frozen=True, slots=True)
class Movement:
    """An entry as the wallet feels it: positive amounts come in."""

    entry_id: int
    posted_at: datetime
    posting_id: str
    shipment_id: str | None
    reference: str
    amount_minor: int

    @property
    def kind(self) -> str:
        """What kind of posting it is: what stands in its id behind the subject, or the subject where there is none."""
        parts = self.posting_id.split("|")
        return parts[0] if len(parts) == 2 or _REBATE.match(self.posting_id) else parts[1]


_REBATE = re.compile(r"rebate\|20[0-9]{2}-")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A movement and the balance after it."""

    movement: Movement
    balance_minor: int


@dataclass(slots=True)
class Statement:
    """A month in the making: movements go in once, in their order."""

    tenant: str
    currency: str
    month: Month
    opening_minor: int
    balance_minor: int = field(init=False)
    by_kind: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.balance_minor = self.opening_minor

    def add(self, movement: Movement) -> StatementLine:
        """Count a movement and return its line; `balance_minor` is the closing balance after the last."""
        self.balance_minor += movement.amount_minor
        self.by_kind[movement.kind] += movement.amount_minor
        return StatementLine(movement, self.balance_minor)


_EN = {
    "statement": "Wallet statement", "date": "Date (UTC)", "number": "Entry", "what": "What", "shipment": "Shipment",
    "reference": "Reference", "posting": "Posting", "amount": "Amount", "balance": "Balance",
    "opening": "Opening balance", "closing": "Closing balance", "total": "Total", "page": "Page",
    "topup": "Top-up", "capture": "Label", "capture.platform_fee": "Platform fee", "capture.insurance": "Insurance premium",
    "refund": "Label refunded", "refund.platform_fee": "Platform fee refunded",
    "refund.insurance": "Insurance premium refunded", "hold": "Set aside for a label", "release": "Set aside, given back",
    "settlement.claim_payout": "Claim paid out", "settlement.refund": "Refund", "settlement.return_fee": "Return fee",
    "rebate": "Volume rebate", "adjustment": "Carrier's bill adjusted", "dispute.lost": "Dispute lost",
    "dispute.expired": "Dispute without answer", "dispute.refund": "Unused label refunded by the carrier",
}  # fmt: skip
_ZH = {
    "statement": "钱包对账单", "date": "日期（UTC）", "number": "序号", "what": "事项", "shipment": "货件",
    "reference": "备注", "posting": "凭证号", "amount": "金额", "balance": "余额", "opening": "期初余额",
    "closing": "期末余额", "total": "合计", "page": "页", "topup": "充值", "capture": "面单费",
    "capture.platform_fee": "平台服务费", "capture.insurance": "保险费", "refund": "面单退款",
    "refund.platform_fee": "平台服务费退款", "refund.insurance": "保险费退款", "hold": "购买面单预留",
    "release": "预留退回", "settlement.claim_payout": "理赔款", "settlement.refund": "退款",
    "settlement.return_fee": "退货费", "rebate": "用量返利", "adjustment": "承运商账单调整",
    "dispute.lost": "争议败诉", "dispute.expired": "争议逾期未答复", "dispute.refund": "未使用面单由承运商退款",
}  # fmt: skip
WORDS: Mapping[str, Mapping[str, str]] = {"en": _EN, "zh": _ZH}
"""What statements say, by language; a kind without a word is named by its code."""
_COLUMNS = ("date", "number", "what", "shipment", "reference", "posting", "amount", "balance")


def written(amount_minor: int, currency: str) -> str:
    """Return an amount in decimals, as `parse_money` reads it."""
    places = CURRENCY_EXPONENTS[currency]
    return f"{Decimal(amount_minor).scaleb(-places):.{places}f}"


def csv_opening(statement: Statement, lang: str) -> str:
    """Return the headings and the opening balance as CSV."""
    words, currency = WORDS[lang], statement.currency
    headings = _row([words[name] for name in _COLUMNS[:-1]] + [f"{words['balance']} {currency}"])
    return headings + _balance(statement.month.starts_at, words["opening"], written(statement.opening_minor, currency))


def csv_entries(statement: Statement, movements: Iterable[Movement], lang: str) -> str:
    """Add these movements to the statement and return them as CSV."""
    return "".join(_entry(statement.add(movement), statement.currency, lang) for movement in movements)


def csv_closing(statement: Statement, lang: str) -> str:
    """Return the closing balance as CSV."""
    closing = written(statement.balance_minor, statement.currency)
    return _balance(statement.month.ends_at, WORDS[lang]["closing"], closing)


def _entry(line: StatementLine, currency: str, lang: str) -> str:
    movement = line.movement
    return _row([
        movement.posted_at.isoformat(), str(movement.entry_id), WORDS[lang].get(movement.kind, movement.kind),
        movement.shipment_id or "", _harmless(movement.reference), _harmless(movement.posting_id),
        written(movement.amount_minor, currency), written(line.balance_minor, currency),
    ])  # fmt: skip


def _balance(at: datetime, word: str, amount: str) -> str:
    return _row([at.isoformat(), "", word, "", "", "", "", amount])


def _row(cells: list[str]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
