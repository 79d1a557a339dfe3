"""`/v1/decisions`: what was decided about a shipment, on what question, and whether it re-executes to the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from linkstar_router import store
from linkstar_router.domain.decision import ANSWER_FIELDS, packs_named, reexecute, rules_version
from linkstar_router.domain.rules.compiled import CompiledRules
from linkstar_router.domain.shipment import Record
from linkstar_router.domain.snapshot import Snapshot
from linkstar_router.store.packbook import Packbook
from linkstar_router.store.rulebook import Rulebook
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.turns import Turns

__all__ = ["routes"]

_DECISIONS = 50
_EVER, _NEVER = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class _Versions(NamedTuple):
    """What decisions were made under: rules by tenant and version, tariffs by tenant and packs."""

    rules: Mapping[tuple[str, str], CompiledRules]
    tariffs: Mapping[tuple[str, tuple[str, ...]], Snapshot]


def routes(context: ServiceContext, packbook: Packbook, rulebook: Rulebook) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["decisions"])
    may_read = context.authorize("decisions:read")

    @router.get("/decisions")
    async def list_decisions(
        since: Annotated[AwareDatetime, Query()] = _EVER,
        until: Annotated[AwareDatetime, Query()] = _NEVER,
        replay: bool = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
        cursor: Annotated[str, Query(max_length=100)] = "",
        principal: Principal = Depends(may_read),
    ) -> dict[str, Any]:
        """Decisions of a period, by shipment; `replay=true` re-executes each. `next` is the cursor of the next page."""
        async with context.database.transaction() as tx:
            found = await store.decisions_between(tx, principal.tenant, since, until, _place(cursor), limit)
            versions = await _versions_of(found, packbook, rulebook, tx) if replay else None
        turns, told = Turns(context.clock), []
        for record in found:
            told.append({"shipment_id": record.key[1], **_outlined(record, versions)})
            await turns.pause()
        following = f"{found[-1].key[1]}/{found[-1].sequence}" if len(found) == limit else None
        return {"decisions": told, "next": following}

    @router.get("/decisions/{shipment_id}")
    async def decisions_of(
        shipment_id: str, replay: bool = False, principal: Principal = Depends(may_read)
    ) -> dict[str, Any]:
        """Every decision about a shipment, newest first; `replay=true` re-executes each and compares."""
        async with context.database.transaction() as tx:
            found = await store.decisions_of(tx, principal.tenant, shipment_id, _DECISIONS)
            versions = await _versions_of(found, packbook, rulebook, tx) if replay else None
        if not found:
            raise Problem(404, "decision_unknown", "No decision about this shipment", fix="Check the shipment id.")
        return {"shipment_id": shipment_id, "decisions": [_told(record, versions) for record in found]}

    return router


def _place(cursor: str) -> tuple[str, int]:
    shipment_id, _, sequence = cursor.rpartition("/")
    if cursor and not (shipment_id and sequence.isascii() and sequence.isdecimal() and len(sequence) < 10):
        fix = "Use `next` of an answer."
        raise Problem(422, "cursor_invalid", "This is no cursor of this list", field="cursor", fix=fix)
    return shipment_id, int(sequence or 0)


async def _versions_of(records: Sequence[Record], packbook: Packbook, rulebook: Rulebook, tx: Transaction) -> _Versions:
    """Return the rules and tariffs that these decisions were made under."""
    rules = {(record.key[0], rules_version(record.question)) for record in records}
    packs = {(record.key[0], packs_named(record.question)) for record in records}
    return _Versions(
        {(tenant, name): await rulebook.version(tx, tenant, name) for tenant, name in sorted(rules)},
        {(tenant, names): await packbook.made_of(tx, tenant, names) for tenant, names in sorted(packs)},
    )


def _outlined(record: Record, versions: _Versions | None) -> dict[str, Any]:
    outline = {
        "sequence": record.sequence, "attempt": record.attempt, "decided_at": record.decided_at.isoformat(),
        "snapshot": record.snapshot, "rules": rules_version(record.question), "packs": packs_named(record.question),
    }  # fmt: skip
    return outline | {"replay": _replayed(record, versions)} if versions else outline


def _told(record: Record, versions: _Versions | None) -> dict[str, Any]:
    outline = _outlined(record, versions)
    return outline | {"question": json.loads(record.question), "answer": _spelt_out(record.answer)}


def _spelt_out(answer: bytes) -> dict[str, Any]:
    """Return the stored answer with the names of its values."""
    stored = json.loads(answer)
    candidates = [dict(zip(ANSWER_FIELDS, candidate, strict=True)) for candidate in stored["candidates"]]
    excluded = [dict(zip(("service", "code", "detail"), entry, strict=True)) for entry in stored["excluded"]]
    return {"candidates": candidates, "excluded": excluded, "rules": stored.get("rules", [])}


def _replayed(record: Record, versions: _Versions) -> str:
    """Say whether the stored question gives the stored bytes again; another version of the data is not guessed at."""
    tenant = record.key[0]
    snapshot = versions.tariffs[tenant, packs_named(record.question)]
    if record.snapshot != snapshot.version:
        return "other_snapshot"
    rules = versions.rules[tenant, rules_version(record.question)]
    return "same" if reexecute(snapshot, record.question, rules) == record.answer else "differs"
