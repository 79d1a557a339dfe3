"""`/v1/rules`: check, publish and read a seller's routing rules, and see which recent orders each of them touches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.event import Event
from linkstar_contracts.text import SafeStr
from linkstar_router.domain.coverage import Coverage
from linkstar_router.domain.rules.catalogue import Catalogue
from linkstar_router.domain.rules.checking import Finding, Report, check_rules
from linkstar_router.domain.rules.document import RuleSet, parse_rules, read_document
from linkstar_router.domain.rules.faults import BadRules
from linkstar_router.store import rule_sets
from linkstar_router.store.packbook import Packbook
from linkstar_router.store.rule_sets import Published
from linkstar_router.store.termbook import Termbook
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import FieldError, Problem
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.turns import Turns

__all__ = ["routes"]

_VERSIONS = 50


class RuleDocument(BaseModel):
    """A rule document as `docs/rules.md` describes it."""

    model_config = ConfigDict(extra="forbid")

    rules: list[dict[str, Any]] = Field(max_length=1000)
    note: Annotated[str, SafeStr(200)] = ""


def routes(
    context: ServiceContext, packbook: Packbook, termbook: Termbook, penalty_minor: int, catalogue: Catalogue
) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["rules"])
    reader = Depends(context.authorize("rules:read"))
    writer = Depends(context.authorize("rules:write"))

    @router.post("/rules/check")
    async def check(body: RuleDocument, _principal: Principal = reader) -> dict[str, Any]:
        """Tell what is wrong with a rule set, each time with an order that shows it; nothing is stored."""
        _, report = await _checked(body, catalogue)
        return _told(report)

    @router.post("/rules", status_code=201, responses={200: {"description": "This very set is in force already."}})
    async def publish(body: RuleDocument, response: Response, principal: Principal = writer) -> dict[str, Any]:
        """Put a rule set in force, from the next batch on. A set with errors is refused; the same set again changes
        nothing. Held shipments are tried again.
        """
        rules, report = await _checked(body, catalogue)
        if report.errors:
            raise _refused(report)
        before: list[int] = []
        published: list[Published] = []

        async def work(tx: Transaction) -> Sequence[Event]:
            known = await rule_sets.newest(tx, principal.tenant)
            before.append(known.version if known else 0)
            published.append(
                await rule_sets.publish(
                    tx, principal.tenant, rules.digest, rules.text, body.note, principal.key_id
                )
            )  # fmt: skip
            await rule_sets.wake_held(tx, principal.tenant)
            return ()

        await context.writer.run(work)
        termbook.forget()
        if published[-1].version == before[-1]:
            response.status_code = 200
        return _head(published[-1]) | _told(report)

    @router.get("/rules")
    async def versions(principal: Principal = reader) -> dict[str, Any]:
        """The rules in force, and the versions published so far, newest first."""
        async with context.database.transaction() as tx:
            found = await rule_sets.rule_sets(tx, principal.tenant, _VERSIONS)
        document = json.loads(found[0].document)["rules"] if found else []
        return {"rules": document, "versions": [_head(each) for each in found]}

    @router.get("/rules/coverage")
    async def coverage(
        days: Annotated[int, Query(ge=1, le=90)] = 7,
        orders: Annotated[int, Query(ge=1, le=2000)] = 500,
        principal: Principal = reader,
    ) -> dict[str, Any]:
        """How many of the newest orders each rule touches, and what rules in shadow would change."""
        async with context.database.transaction() as tx:
            published = await rule_sets.newest(tx, principal.tenant)
            since = tx.now - timedelta(days=days)
            contents = await rule_sets.recent_contents(tx, principal.tenant, since, orders)
            snapshot = await packbook.of(tx, principal.tenant)
        if published is None:
            raise Problem(404, "no_rules", "No rules were published", fix="Publish some with POST /v1/rules.")
        rules = parse_rules(read_document(published.document), catalogue, published=True)
        seen = Coverage(rules.rules, snapshot, penalty_minor)
        turns = Turns(context.clock)
        for content, decided_at in contents:
            seen.add(content, decided_at)
            await turns.pause()
        return {"version": published.name, **seen.told()}

    @router.get("/rules/{version}")
    async def one(version: Annotated[int, Path(ge=1, le=2**31 - 1)], principal: Principal = reader) -> dict[str, Any]:
        """One version, as it was published."""
        async with context.database.transaction() as tx:
            found = await rule_sets.rule_set(tx, principal.tenant, version)
        if found is None:
            raise Problem(404, "rules_unknown", "No such version", fix="See GET /v1/rules.")
        return _head(found) | {"rules": json.loads(found.document)["rules"]}

    return router


async def _checked(body: RuleDocument, catalogue: Catalogue) -> tuple[RuleSet, Report]:
    try:
        rules = parse_rules({"rules": body.rules}, catalogue)
    except BadRules as bad:
        errors = [
            FieldError(code=f.code, field=f"rules[{f.rule}].{f.field}", detail=f.what, fix=f.fix) for f in bad.faults
        ]
        title = f"{len(errors)} fault(s) in the rules"
        raise Problem(
            422, "rules_invalid", title, errors[0]["detail"], field=errors[0]["field"], fix=errors[0]["fix"],
            errors=errors,
        ) from bad  # fmt: skip
    return rules, await asyncio.to_thread(check_rules, rules, catalogue)


def _refused(report: Report) -> Problem:
    errors = [
        FieldError(code=found.code, field=" ".join(found.rules), detail=_sentence(found), fix=found.fix)
        for found in report.errors
    ]
    title = "The rules contradict themselves or can never hold"
    return Problem(422, "rules_contradictory", title, errors[0]["detail"], fix=errors[0]["fix"], errors=errors)


def _sentence(finding: Finding) -> str:
    order = ", ".join(f"{field} {value}" for field, value in finding.example.items())
    return f"{' and '.join(finding.rules)}: {finding.what}" + (f"; for example an order with {order}" if order else "")


def _head(published: Published) -> dict[str, Any]:
    return {
        "version": published.name, "number": published.version, "note": published.note,
        "published_at": published.published_at.isoformat(), "published_by": published.published_by,
    }  # fmt: skip


def _told(report: Report) -> dict[str, Any]:
    return {
        "publishable": not report.errors, "findings": [finding._asdict() for finding in report.findings],
        "skipped": list(report.skipped),
    }  # fmt: skip
