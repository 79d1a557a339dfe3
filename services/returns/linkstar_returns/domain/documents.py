"""How a return is shown to those who ask."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from linkstar_returns.domain.return_case import ReturnCase

__all__ = ["return_document"]


def return_document(order_id: str, case: ReturnCase) -> dict[str, Any]:
    """Return a return as JSON-ready data."""
    return {
        "return_id": case.return_id,
        "order_id": order_id,
        "origin": case.origin,
        "request_id": case.request_id if case.origin == "customer" else None,
        "state": case.state.value if case.state else None,
        "version": case.version,
        "items": [item.model_dump() for item in case.items],
        "reason": case.reason,
        "refusal": case.refusal,
        "tracking_number": case.tracking_number,
        "requested_at": _iso(case.requested_at),
        "expires_at": _iso(case.expires_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
