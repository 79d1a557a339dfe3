"""What invoices look like from outside: sums, and their lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from linkstar_runtime.handling import Transaction

__all__ = ["InvoiceSums", "invoice_codes", "invoice_lines", "invoices_page"]


@dataclass(frozen=True, slots=True)
class InvoiceSums:
    """One invoice in one currency, in minor units."""

    carrier: str
    invoice_number: str
    invoice_date: date
    currency: str
    lines: int
    billed_minor: int
    expected_minor: int
    variance_minor: int
    in_review: int
    disputed: int


async def invoices_page(
    tx: Transaction,
    tenant: str,
    limit: int,
    after: tuple[str, str, str] = ("", "", ""),
    only: tuple[str, str] | None = None,
) -> list[InvoiceSums]:
    """Return invoices with their sums, by carrier, number and currency behind `after`, or the one named `only`."""
    rows = await tx.fetch(
        """SELECT carrier, invoice_number, max(invoice_date) AS invoice_date, currency, count(*) AS lines,
                  sum(billed_minor)::bigint AS billed_minor, sum(expected_minor)::bigint AS expected_minor,
                  sum(billed_minor - expected_minor)::bigint AS variance_minor,
                  count(*) FILTER (WHERE state = 'review') AS in_review,
                  count(*) FILTER (WHERE state = 'disputed') AS disputed
           FROM invoice_line
           WHERE tenant = $1 AND (carrier, invoice_number, currency) > ($2, $3, $4)
             AND ($5::text IS NULL OR (carrier, invoice_number) = ($5, $6))
           GROUP BY carrier, invoice_number, currency ORDER BY carrier, invoice_number, currency LIMIT $7""",
        tenant, *after, *(only or (None, None)), limit,
    )  # fmt: skip
    return [InvoiceSums(**row) for row in rows]


async def invoice_codes(tx: Transaction, tenant: str, carrier: str, invoice_number: str) -> list[dict[str, object]]:
    """Return expected beside billed of one invoice, by charge code and kind."""
    rows = await tx.fetch(
        """SELECT charge_code, kind, currency, count(*) AS lines, sum(expected_minor)::bigint AS expected_minor,
                  sum(billed_minor)::bigint AS billed_minor, sum(billed_minor - expected_minor)::bigint AS variance_minor
           FROM invoice_line WHERE tenant = $1 AND carrier = $2 AND invoice_number = $3
           GROUP BY charge_code, kind, currency ORDER BY charge_code, kind, currency""",
        tenant, carrier, invoice_number,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def invoice_lines(
    tx: Transaction, tenant: str, carrier: str, invoice_number: str, after: int, limit: int, kind: str | None
) -> list[dict[str, object]]:
    """Return lines of one invoice behind line `after`."""
    rows = await tx.fetch(
        """SELECT line, tracking_number, shipment_id, charge_code, carrier_code, description, currency, expected_minor,
                  billed_minor, billed_minor - expected_minor AS variance_minor, kind, state, invoice_date
           FROM invoice_line WHERE tenant = $1 AND carrier = $2 AND invoice_number = $3 AND line > $4
             AND ($6::text IS NULL OR kind = $6)
           ORDER BY line LIMIT $5""",
        tenant, carrier, invoice_number, after, limit, kind,
    )  # fmt: skip
    return [dict(row) for row in rows]
