"""Commands that move money: answered once per Idempotency-Key, in the transaction that does the work."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response

from linkstar_runtime.handling import Transaction
from linkstar_runtime.idempotency import idempotent_command
from linkstar_runtime.service import ServiceContext

__all__ = ["answered_once"]

Work = Callable[[Transaction, str], Awaitable[dict[str, Any]]]
"""Does the work of a command in its transaction and returns the answer; the text is the command's key."""


async def answered_once(
    context: ServiceContext, request: Request, tenant: str, work: Work, status: int = 200
) -> Response:
    """Return the first answer under this request's Idempotency-Key, doing the work only for that first time."""
    command = await idempotent_command(request, tenant)
    async with context.database.transaction() as tx:
        known = await command.replay(tx)
        if known is not None:
            return Response(known.body, known.status, media_type="application/json")
        payload = json.dumps(await work(tx, command.key), default=str).encode()
        await command.store(tx, status, payload)
    return Response(payload, status, media_type="application/json")
