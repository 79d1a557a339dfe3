"""`/v1/automation`: what a seller wants done by itself about exceptions, and what proposed rules would have done."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from linkstar_runtime.api_keys import Principal
from linkstar_runtime.problems import Problem
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.turns import Turns
from linkstar_tracker.domain.automation import RuleDocument
from linkstar_tracker.domain.dry_run import DryRun
from linkstar_tracker.domain.occasions import occasion_of
from linkstar_tracker.store.automation import (
    PastException,
    Published,
    newest_rules,
    past_exceptions,
    past_scans,
    publish_rules,
    rules_version,
)

__all__ = ["routes"]

_CURSOR = re.compile(r"([0-9]{1,17})_([A-Za-z0-9][A-Za-z0-9._:#~-]{0,159})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Cursor = Annotated[str | None, Query(max_length=180)]


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/automation")
    reader = Depends(context.authorize("automation:read"))
    writer = Depends(context.authorize("automation:write"))

    @router.get("/rules")
    async def in_force(response: Response, principal: Principal = reader) -> dict[str, Any]:
        """Return the rules in force; version 0 is none. The ETag is the version, for `If-Match`."""
        async with context.database.transaction() as tx:
            found = (await newest_rules(tx, [principal.tenant])).get(principal.tenant)
        response.headers["ETag"] = f'"{found.version if found else 0}"'
        return _told(found)

    @router.get("/rules/{version}")
    async def one(version: Annotated[int, Path(ge=1, le=2**31 - 1)], principal: Principal = reader) -> dict[str, Any]:
        """Return one version, as it was in force."""
        async with context.database.transaction() as tx:
            found = await rules_version(tx, principal.tenant, version)
        if found is None:
            raise Problem(404, "rules_unknown", "No such version", fix="See GET /v1/automation/rules.")
        return _told(found)

    @router.put("/rules")
    async def replace(
        body: RuleDocument, response: Response, principal: Principal = writer,
        if_match: Annotated[str | None, Header(max_length=40)] = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Put a document in force as a whole. With `If-Match` only if nobody changed it since; the same again changes
        nothing.
        """
        async with context.database.transaction() as tx:
            known = (await newest_rules(tx, [principal.tenant], lock=True)).get(principal.tenant)
            _check_match(if_match, known.version if known else 0)
            found = await publish_rules(tx, principal.tenant, body.digest, body.model_dump_json(), principal.key_id)
        response.headers["ETag"] = f'"{found.version}"'
        return _told(found)

    @router.post("/dry-run")
    async def dry_run(
        body: RuleDocument, days: Annotated[int, Query(ge=1, le=90)] = 30,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500, after: Cursor = None, principal: Principal = writer,
    ) -> dict[str, Any]:  # fmt: skip
        """Tell what the rules of a document would have done about past exceptions, a portion at a time: `next` continues
        where the portion ends. Nothing is stored and nothing happens.
        """
        cursor = _read(after)
        async with context.database.transaction() as tx:
            now, since = tx.now, tx.now - timedelta(days=days)
            past = await past_exceptions(tx, principal.tenant, since, cursor, limit + 1)
            scans = await past_scans(tx, principal.tenant, (each.shipment_id for each in past[:limit]))
        run, turns = DryRun(body.ordered, now), Turns(context.clock)
        for each in past[:limit]:
            run.add(each.shipment_id, occasion_of(each.label, each.alarm, scans[each.shipment_id]))
            await turns.pause()
        following = _written(past[limit - 1]) if len(past) > limit else None
        return run.told() | {"since": since.isoformat(), "next": following}

    return router


def _told(published: Published | None) -> dict[str, Any]:
    document = RuleDocument.model_validate_json(published.document) if published else RuleDocument()
    return document.model_dump(mode="json", exclude_defaults=True) | {
        "rules": [rule.model_dump(mode="json", exclude_defaults=True) for rule in document.rules],
        "version": published.version if published else 0,
        "changed_at": published.changed_at.isoformat() if published else None,
        "changed_by": published.changed_by if published else None,
    }


def _check_match(if_match: str | None, version: int) -> None:
    if if_match is None or if_match.strip() == "*" or if_match.strip().strip('"') == str(version):
        return
    raise Problem(
        412, "rules_changed", f"Version {version} is in force", field="If-Match",
        fix="Read the rules again, make your change there, and name their version.",
    )  # fmt: skip


def _read(cursor: str | None) -> tuple[datetime, str]:
    if cursor is None:
        return _EPOCH, ""
    found = _CURSOR.fullmatch(cursor)
    try:
        at = _EPOCH + int(found[1]) * _MICROSECOND if found else None
    except OverflowError:
        at = None
    if found is None or at is None:
        raise Problem(422, "cursor_invalid", "This is no cursor", field="after", fix="Send the `next` of a portion.")
    return at, found[2]


def _written(past: PastException) -> str:
    return f"{(past.alarm.opened_at - _EPOCH) // _MICROSECOND}_{past.alarm.exception_id}"
