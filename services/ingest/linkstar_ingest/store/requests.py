"""Requests about orders and the exceptions they lead to; the order's row must be locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linkstar_contracts.events import ExceptionRaised
from linkstar_ingest.domain.content import ContentPatch
from linkstar_ingest.domain.lifecycle import Outcome, RequestKind
from linkstar_ingest.store.keys import Key, pairs


@dataclass(frozen=True, slots=True)
class Request:
    """A change or cancel with what became of it."""

    tenant: str
    order_id: str
    kind: RequestKind
    request_id: str
    outcome: Outcome
    reason: str = ""
    patch: ContentPatch | None = None


async def load_requests(tx: Any, keys: Iterable[Key]) -> list[Request]:
    """Return all requests about these orders in the order in which they came; their rows must be locked."""
    rows = await tx.fetch(
        """SELECT r.* FROM order_request r JOIN unnest($1::text[], $2::text[]) u(tenant, order_id)
               ON r.tenant = u.tenant AND r.order_id = u.order_id ORDER BY r.seq""",
        *pairs(keys),
    )
    return [_request(row) for row in rows]


def _request(row: Mapping[str, Any]) -> Request:
    return Request(
        tenant=row["tenant"], order_id=row["order_id"], kind=RequestKind(row["kind"]), request_id=row["request_id"],
        outcome=Outcome(row["outcome"]), reason=row["reason"],
        patch=ContentPatch.model_validate_json(row["patch"]) if row["patch"] else None,
    )  # fmt: skip


async def put_requests(tx: Any, requests: Sequence[Request]) -> None:
    """Insert requests, or write the outcome of those that were awaited."""
    await tx.execute(
        """INSERT INTO order_request (tenant, order_id, kind, request_id, outcome, reason, patch, requested_at)
           SELECT u.*, $8 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                                      $7::jsonb[]) u
           ON CONFLICT (tenant, order_id, kind, request_id)
           DO UPDATE SET outcome = excluded.outcome, patch = excluded.patch""",
        [request.tenant for request in requests], [request.order_id for request in requests],
        [request.kind.value for request in requests], [request.request_id for request in requests],
        [request.outcome.value for request in requests], [request.reason for request in requests],
        [request.patch.model_dump_json() if request.patch else None for request in requests], tx.now,
    )  # fmt: skip


async def load_exceptions(tx: Any, keys: Iterable[Key]) -> dict[Key, dict[str, ExceptionRaised]]:
    """Return the newest state of all exceptions of these orders."""
    rows = await tx.fetch(
        """SELECT e.tenant, e.order_id, e.body FROM order_exception e
             JOIN unnest($1::text[], $2::text[]) u(tenant, order_id)
               ON e.tenant = u.tenant AND e.order_id = u.order_id ORDER BY e.exception_id""",
        *pairs(keys),
    )
    found: dict[Key, dict[str, ExceptionRaised]] = {}
    for row in rows:
        raised = ExceptionRaised.model_validate_json(row["body"])
        found.setdefault((row["tenant"], row["order_id"]), {})[raised.exception_id] = raised
    return found


async def put_exceptions(tx: Any, raised: Sequence[ExceptionRaised]) -> None:
    """Write the newest state of these exceptions."""
    await tx.execute(
        """INSERT INTO order_exception (tenant, exception_id, order_id, state, version, body)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::jsonb[])
           ON CONFLICT (tenant, exception_id)
           DO UPDATE SET state = excluded.state, version = excluded.version, body = excluded.body""",
        [event.tenant for event in raised], [event.exception_id for event in raised],
        [event.order_id for event in raised], [event.state.value for event in raised],
        [event.version for event in raised], [event.body().decode() for event in raised],
    )  # fmt: skip
