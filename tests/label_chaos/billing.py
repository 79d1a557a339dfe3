"""The end of the month: every carrier bills what it sold, the invoices are imported, and an operator settles their lines."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence

import asyncpg

from label_chaos.evidence import Billed, Sold
from label_chaos.ground import TENANT, Ground
from linkstar_runtime.clock import Clock

__all__ = ["bill"]

_COLUMNS = ("invoice_number", "invoice_date", "line", "tracking_number", "charge_code", "amount", "currency")
_ACCEPTED = ("price_differs", "weight_differs")
_AT_ONCE = 8


async def bill(ground: Ground, sold: Mapping[str, Sequence[Sold]], connection: asyncpg.Connection) -> list[Billed]:
    """Import one invoice for each carrier and settle it: differing prices are accepted, everything else is disputed."""
    for carrier, sales in sold.items():
        query = {"carrier": carrier}
        await ground.call(
            "POST", "/v1/invoices", f"bill-{carrier}", params=query, content=_file(ground, carrier, sales)
        )
    reviewed = await connection.fetch(
        "SELECT carrier, invoice_number, line, kind FROM labeler.invoice_line WHERE owner = $1 AND state = 'review'",
        TENANT,
    )
    turns = asyncio.Semaphore(_AT_ONCE)

    async def settle(row: asyncpg.Record) -> None:
        place = f"{row['carrier']}/{row['invoice_number']}/lines/{row['line']}"
        step, body = ("accept", None) if row["kind"] in _ACCEPTED else ("dispute", {"reason": row["kind"]})
        async with turns:
            await ground.call("POST", f"/v1/invoices/{place}/{step}", f"settle-{place}", json=body)

    await asyncio.gather(*map(settle, reviewed))
    rows = await connection.fetch(
        "SELECT carrier, tracking_number, kind, state FROM labeler.invoice_line WHERE owner = $1", TENANT
    )
    return [Billed(**row) for row in rows]


def _file(ground: Ground, carrier: str, sales: Sequence[Sold]) -> str:
    """Return a carrier's invoice in LinkStar's own layout: one line for each parcel, the odd cents on the first ones."""
    currency = next(slot.rig.currency for slot in ground.slots if slot.carrier == carrier)
    today = Clock().now().date().isoformat()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    number = 0
    for sale in sales:
        whole, rest = divmod(sale.charged_minor, len(sale.tracking_numbers))
        for place, tracking_number in enumerate(sale.tracking_numbers):
            number += 1
            amount = whole + (place < rest)
            money = f"{amount // 100}.{amount % 100:02}"
            writer.writerow((f"CHAOS-{carrier}", today, number, tracking_number, "BASE_RATE", money, currency))
    return text.getvalue()
