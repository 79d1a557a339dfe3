"""Labels that are charged when the carrier first scans them."""

from __future__ import annotations

from collections.abc import Iterable

from linkstar_contracts.events import RouteChosen
from linkstar_labeler.domain.charge_events import charged_on_scan
from linkstar_labeler.domain.charges import capture
from linkstar_labeler.domain.ledger import HELD
from linkstar_labeler.handlers.postings import post_or_wait
from linkstar_runtime.handling import Transaction

__all__ = ["charge_first_scans"]


async def charge_first_scans(tx: Transaction, scanned: Iterable[RouteChosen]) -> None:
    """Capture what was set aside for these labels, once; those that were charged as they were made change nothing."""
    await post_or_wait(
        tx, [(0, entry) for route in scanned if charged_on_scan(route) for entry in capture(route, HELD)]
    )
