"""What was raised about shipments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from linkstar_contracts.events import ExceptionRaised
from linkstar_labeler.domain.exceptions import KnownException
from linkstar_labeler.store.arrays import columns
from linkstar_labeler.store.shipments import ShipmentKey
from linkstar_runtime.handling import Transaction

__all__ = ["known_exceptions", "save_exceptions"]


async def known_exceptions(tx: Transaction, keys: Iterable[ShipmentKey]) -> dict[ShipmentKey, list[KnownException]]:
    """Return what was raised about these shipments, which the caller has locked."""
    rows = await tx.fetch(
        """SELECT tenant, shipment_id, exception_id, code, state, version
           FROM raised_exception JOIN unnest($1::text[], $2::text[]) u(tenant, shipment_id) USING (tenant, shipment_id)
           ORDER BY tenant, exception_id""",
        *columns(sorted(set(keys))),
    )
    found: dict[ShipmentKey, list[KnownException]] = {}
    for row in rows:
        known = KnownException(row["exception_id"], row["code"], row["state"] == "open", row["version"])
        found.setdefault((row["tenant"], row["shipment_id"]), []).append(known)
    return found


async def save_exceptions(tx: Transaction, raised: Sequence[ExceptionRaised]) -> None:
    """Keep the newest state of each exception."""
    await tx.execute(
        """INSERT INTO raised_exception (tenant, exception_id, shipment_id, code, state, version)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[])
           ON CONFLICT (tenant, exception_id) DO UPDATE SET state = EXCLUDED.state, version = EXCLUDED.version""",
        [event.tenant for event in raised], [event.exception_id for event in raised],
        [event.shipment_id for event in raised], [event.code.value for event in raised],
        [event.state.value for event in raised], [event.version for event in raised],
    )  # fmt: skip
