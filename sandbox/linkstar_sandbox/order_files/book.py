"""The order book of a demo: every order, the files and records it comes in, and what must become of it.

The same seed and time give the same bytes. `Expectation`s are for an independent reader, no service sees them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Literal

from linkstar_sandbox.order_files.amazon import AMAZON
from linkstar_sandbox.order_files.drafts import Draft, invent_draft
from linkstar_sandbox.order_files.flaws import FLAWS, Flaw
from linkstar_sandbox.order_files.messages import Message, cancel_message, order_message, poison_messages
from linkstar_sandbox.order_files.own_csv import OWN_CSV, cancel_row
from linkstar_sandbox.order_files.shopify import SHOPIFY
from linkstar_sandbox.order_files.tables import FileFormat, Row

__all__ = ["Expectation", "OrderBook", "OrderFile", "build_order_book", "load_expectations"]

Outcome = Literal["accepted", "held", "rejected", "dead_lettered"]
CANCELS_PER_OWN_FILE = 6
REPEATED_IN_NEXT_FILE = 4


@dataclass(frozen=True)
class Expectation:
    """What must become of one order. `row` counts lines of the file, the header being line 1."""

    order_id: str
    door: str
    outcome: Outcome
    row: int = 0
    code: str | None = None
    flaw: str | None = None
    cancelled: bool = False


@dataclass(frozen=True)
class OrderFile:
    """One file as a seller would upload it."""

    name: str
    channel: str
    warehouse: str
    content: bytes


@dataclass(frozen=True)
class _Plan:
    name: str
    format: FileFormat
    countries: tuple[str, ...]
    orders: int
    warehouse: str
    reference: str
    encoding: str = "utf-8"


_PLANS = (
    _Plan("shopify-us.csv", SHOPIFY, ("US",), 170, "auto", "{:04}"),
    _Plan("shopify-uk.csv", SHOPIFY, ("GB",), 60, "auto", "UK{:04}"),
    _Plan("amazon-us-unshipped.txt", AMAZON, ("US",), 110, "auto", "113-20{:05}-7{:06}"),
    _Plan("amazon-de-unshipped.txt", AMAZON, ("DE",), 50, "DE-HAJ", "305-60{:05}-4{:06}"),
    _Plan("linkstar-eu.csv", OWN_CSV, ("DE", "FR", "FR"), 100, "auto", "eu-{:05}", "utf-8-sig"),
    _Plan("linkstar-erp-gb18030.csv", OWN_CSV, ("CA", "CA", "US"), 60, "auto", "erpcn-{:05}", "gb18030"),
)
KAFKA_ORDERS = 40


@dataclass(frozen=True)
class OrderBook:
    """All input of a demo run."""

    files: tuple[OrderFile, ...]
    messages: tuple[Message, ...]
    expectations: tuple[Expectation, ...]

    def save(self, directory: Path) -> None:
        """Write the files and `expectations.json` into `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        for file in self.files:
            (directory / file.name).write_bytes(file.content)
        text = json.dumps([asdict(expectation) for expectation in self.expectations], ensure_ascii=False, indent=1)
        (directory / "expectations.json").write_text(text, "utf-8")


def load_expectations(directory: Path) -> list[Expectation]:
    """Read what `OrderBook.save` wrote."""
    rows: list[dict[str, Any]] = json.loads((directory / "expectations.json").read_text("utf-8"))
    return [Expectation(**row) for row in rows]


def build_order_book(seed: int, now: datetime, tenant: str = "demo") -> OrderBook:
    """Return the order book of `seed`, with orders placed in the two days before `now`."""
    files, expectations = [], []
    repeated: list[Row] = []
    for plan in _PLANS:
        sheet = _Sheet(plan, Random(f"{seed}|{plan.name}"), now, repeated if plan.format is SHOPIFY else [])
        files.append(OrderFile(plan.name, plan.format.channel, plan.warehouse, sheet.content()))
        expectations += sheet.expectations
        repeated = sheet.rows[: _rows_of_first(sheet.rows, plan, REPEATED_IN_NEXT_FILE)]
    messages, about_messages = _kafka_orders(Random(f"{seed}|kafka"), now, tenant)
    return OrderBook(tuple(files), tuple(messages), (*expectations, *about_messages))


def _rows_of_first(rows: Sequence[Row], plan: _Plan, orders: int) -> int:
    """Return how many rows the first `orders` orders take; a new order fills its country column."""
    if plan.format is not SHOPIFY:
        return 0
    starts = [index for index, row in enumerate(rows) if row.get("Currency")]
    return starts[orders]


class _Sheet:
    """One file being filled: rows, and what is expected of each order."""

    def __init__(self, plan: _Plan, rng: Random, now: datetime, repeated: Sequence[Row]) -> None:
        self.plan = plan
        self.rows: list[Row] = []
        self.expectations: list[Expectation] = []
        drafts = [self._draft(rng, number, now) for number in range(plan.orders)]
        flaws = self._scatter_flaws(rng, drafts)
        for index, draft in enumerate(drafts):
            self._add(draft, flaws.get(index))
        if plan.format is OWN_CSV:
            self._cancel_some(rng)
        self.rows += repeated

    def _draft(self, rng: Random, number: int, now: datetime) -> Draft:
        country = self.plan.countries[number % len(self.plan.countries)]
        return invent_draft(rng, self.plan.reference.format(1001 + number, rng.randrange(10**6)), country, now)

    def _scatter_flaws(self, rng: Random, drafts: Sequence[Draft]) -> dict[int, Flaw]:
        """Give each flaw that this file can show to one order after the first ten."""
        placed: dict[int, Flaw] = {}
        for flaw in FLAWS:
            free = [
                index for index, draft in enumerate(drafts)
                if index >= 10 and index not in placed and flaw.country in (None, draft.country)
            ]  # fmt: skip
            fits = flaw.channels is None or self.plan.format.channel in flaw.channels
            if free and fits and self.plan.format.can_spoil(flaw.fields):
                placed[rng.choice(free)] = flaw
        return placed

    def _add(self, draft: Draft, flaw: Flaw | None) -> None:
        rows = self.plan.format.rows(draft)
        if flaw is not None:
            rows = self.plan.format.spoil(rows, flaw.fields)
        self.expectations.append(
            Expectation(
                order_id=self.plan.format.order_id(draft), door=self.plan.name, row=len(self.rows) + 2,
                outcome=flaw.outcome if flaw else "accepted", code=flaw.code if flaw else None,
                flaw=flaw.name if flaw else None,
            )
        )  # fmt: skip
        self.rows += rows

    def _cancel_some(self, rng: Random) -> None:
        sound = [index for index, expectation in enumerate(self.expectations) if expectation.flaw is None]
        for index in sorted(rng.sample(sound, CANCELS_PER_OWN_FILE)):
            expectation = self.expectations[index]
            self.expectations[index] = Expectation(**{**asdict(expectation), "cancelled": True})
            self.rows.append(cancel_row(expectation.order_id))

    def content(self) -> bytes:
        return self.plan.format.write(self.rows, self.plan.encoding)


def _kafka_orders(rng: Random, now: datetime, tenant: str) -> tuple[list[Message], list[Expectation]]:
    """Return records of good orders, repeats, cancels (one before its order) and poison, in publishing order."""
    messages: list[Message] = []
    expectations = []
    for number in range(KAFKA_ORDERS):
        draft = invent_draft(rng, f"erp-{2001 + number}", rng.choice(("US", "US", "GB")), now)
        cancelled = number % 10 == 3
        submitted = order_message(draft, tenant, "UK-BHX" if draft.country == "GB" else "US-NJ")
        cancel = [cancel_message(draft.reference, tenant, now)] if cancelled else []
        repeat = [submitted] if number % 8 == 5 else []
        messages += [*cancel, submitted] if number == 3 else [submitted, *repeat, *cancel]
        expectations.append(Expectation(draft.reference, "orders-inbound", "accepted", cancelled=cancelled))
    poison = poison_messages(invent_draft(rng, "erp-poison", "US", now), tenant)
    for name, message in poison.items():
        messages.insert(rng.randrange(5, len(messages)), message)
        order_id = message.key.decode().partition("/")[2]
        expectations.append(Expectation(order_id, "orders-inbound", "dead_lettered", flaw=name))
    return messages, expectations
