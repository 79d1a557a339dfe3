"""Carriers' invoices: lines judged and adjusted at once, reviewed, disputed. Every step is in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from linkstar_contracts.event import Event
from linkstar_labeler.domain.dispute_windows import window_of
from linkstar_labeler.domain.invoice_files import MOST_FAULTS
from linkstar_labeler.domain.invoice_lines import BilledLine, Fault
from linkstar_labeler.domain.invoice_matching import BoughtParcel, Match, match
from linkstar_labeler.domain.invoices import (
    BookedLine,
    Outcome,
    adjustment,
    dispute_opening,
    dispute_outcome,
    first_state,
)
from linkstar_labeler.domain.ledger import Account, Entry
from linkstar_labeler.handlers.postings import post_or_wait
from linkstar_labeler.store import disputes, invoices
from linkstar_runtime.handling import Transaction

__all__ = ["Importer", "accept_line", "dispute_line", "end_dispute", "expire_disputes", "import_lines"]

AT_ONCE = 500
"""Disputes that end in one transaction."""


Known = Mapping[tuple[str, int], tuple[object, ...]]
"""Content of lines that were imported, by invoice and line."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Whose invoices of which carrier, and the API key that acts."""

    tenant: str
    carrier: str
    key_id: str


async def import_lines(tx: Transaction, importer: Importer, lines: Sequence[BilledLine]) -> list[Fault]:
    """Judge and keep the lines that are new, and post what the sellers' policies settle. With faults nothing is kept.

    What takes long is done in a thread, so that others get their turns meanwhile.
    """
    await invoices.lock_importer(tx, importer.tenant, importer.carrier)
    numbers = sorted({line.tracking_number for line in lines} - {""})
    bought = await invoices.bought_parcels(tx, importer.tenant, importer.carrier, numbers)
    named = sorted({line.invoice_number for line in lines})
    known = await invoices.known_lines(tx, importer.tenant, importer.carrier, named)
    faults = await asyncio.to_thread(_contradictions, lines, known, bought)
    new = [line for line in lines if line.key not in known]
    if faults or not new:
        return faults
    before = await invoices.billed_before(tx, importer.tenant, importer.carrier, numbers)
    found = await asyncio.to_thread(match, new, bought, before)
    allowed = await invoices.tolerances(tx, {(each.tenant, each.currency) for each in bought.values()})
    booked = await asyncio.to_thread(_booked, importer, found, allowed)
    await invoices.add_lines(tx, list(zip(booked, found, strict=True)), importer.key_id)
    await _post(tx, [line for line in booked if line.state == "adjusted"], adjustment)
    return []


def _contradictions(lines: Sequence[BilledLine], known: Known, bought: Mapping[str, BoughtParcel]) -> list[Fault]:
    found = (_contradiction(line, known.get(line.key), bought.get(line.tracking_number)) for line in lines)
    return list(islice((fault for fault in found if fault), MOST_FAULTS))


def _contradiction(line: BilledLine, known: tuple[object, ...] | None, parcel: BoughtParcel | None) -> Fault | None:
    """Return why a line cannot stand beside what is known: imported with other content, or in another currency."""
    amount = line.amount
    content = (line.invoice_date, line.tracking_number, line.carrier_code, amount.amount_minor, amount.currency)
    if known not in (None, content):
        what = f"Invoice {line.invoice_number} line {line.line} was imported with other content"
        return Fault("line_differs", line.row, "line", what, "Give a corrected invoice a number of its own.")
    if parcel is not None and parcel.currency != amount.currency:
        what = f"The label was bought in {parcel.currency}"
        return Fault(
            "currency_differs", line.row, "currency", what, "Ask the carrier for the invoice in that currency."
        )
    return None


def _booked(importer: Importer, found: Sequence[Match], allowed: Mapping[Account, int]) -> list[BookedLine]:
    return [_booked_line(importer, each, allowed) for each in found]


def _booked_line(importer: Importer, found: Match, allowed: Mapping[Account, int]) -> BookedLine:
    line, parcel = found.line, found.parcel
    owner = parcel.tenant if parcel else importer.tenant
    state = first_state(found, allowed.get((owner, line.amount.currency), 0))
    return BookedLine(
        importer.tenant, importer.carrier, line.invoice_number, line.invoice_date, line.line, found.kind, state,
        line.amount.currency, found.expected_minor, line.amount.amount_minor, owner,
        parcel.shipment_id if parcel else None, parcel.shard if parcel else 0,
    )  # fmt: skip


async def _post(
    tx: Transaction, lines: Sequence[BookedLine], postings: Callable[[BookedLine], Sequence[Entry]]
) -> None:
    await post_or_wait(tx, [(line.shard, entry) for line in lines for entry in postings(line)])


async def accept_line(tx: Transaction, line: BookedLine) -> None:
    """Take the bill as it is: the locked line's excess is paid, what it lacks is given back."""
    await _post(tx, [line], adjustment)
    await invoices.set_states(tx, [line], "accepted")


async def dispute_line(tx: Transaction, line: BookedLine, reason: str, key_id: str) -> None:
    """Contest the locked line."""
    answer_due_on = window_of(line.carrier, line.invoice_date).answer_due_on(tx.now.date())
    await disputes.open_dispute(tx, line, reason, answer_due_on, key_id)
    await _post(tx, [line], dispute_opening)
    await invoices.set_states(tx, [line], "disputed")


async def end_dispute(tx: Transaction, lines: Sequence[BookedLine], outcome: Outcome) -> None:
    """End the disputes of locked lines, and post who pays."""
    await _post(tx, lines, lambda line: dispute_outcome(line, outcome))
    await disputes.end_disputes(tx, lines, outcome)
    await invoices.set_states(tx, lines, outcome)


async def expire_disputes(shards: Sequence[int], tx: Transaction) -> Sequence[Event]:
    """End the disputes that got no answer in time: the bill stands."""
    late = await disputes.overdue(tx, shards, tx.now.date(), AT_ONCE)
    if late:
        await end_dispute(tx, late, "expired")
    return []
