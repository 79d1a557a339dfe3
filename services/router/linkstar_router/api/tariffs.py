"""`/v1/tariffs`: the price lists in use, with their evidence and gaps; and a seller's own packs, imported as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from linkstar_contracts.event import Event
from linkstar_router.domain.checks import check
from linkstar_router.domain.checks.findings import Finding
from linkstar_router.domain.own_packs import extent_of
from linkstar_router.domain.pack_files import digest_of, shelf_of
from linkstar_router.domain.packs import load_gaps, packs_of
from linkstar_router.domain.published import SHIPPED
from linkstar_router.store import rule_sets, tariff_packs
from linkstar_router.store.packbook import Packbook
from linkstar_router.store.tariff_packs import Extent, Imported
from linkstar_router.store.termbook import Termbook
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import FieldError, Problem
from linkstar_runtime.service import ServiceContext

__all__ = ["routes"]

_ERRORS_TOLD = 200
PackName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
PackPath = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
_FileName = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{1,64}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.(toml|ya?ml|csv)$")]
_Text = Annotated[str, Field(max_length=20_000_000)]


class PackDocument(BaseModel):
    """A pack as `docs/tariffs.md` describes it: its files by name."""

    model_config = ConfigDict(extra="forbid")

    pack: PackName
    files: Annotated[dict[_FileName, _Text], Field(min_length=1, max_length=100)]


def routes(context: ServiceContext, packbook: Packbook, termbook: Termbook) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["tariffs"])
    reader = Depends(context.authorize("quotes:read"))
    writer = Depends(context.authorize("tariffs:write"))

    @router.get("/tariffs")
    async def tariffs(principal: Principal = reader) -> dict[str, Any]:
        """The price lists in use with source, date and confidence, and what each carrier's lists leave out."""
        async with context.database.transaction() as tx:
            snapshot = await packbook.of(tx, principal.tenant)
        packs = [
            {name: value for name, value in asdict(pack).items() if name != "account"}
            for pack in packs_of(snapshot.services)
        ]
        return {"version": snapshot.version, "imported": snapshot.packs, "packs": packs, "gaps": load_gaps()}

    @router.post("/tariffs/own", status_code=201)
    async def import_pack(body: PackDocument, response: Response, principal: Principal = writer) -> dict[str, Any]:
        """Import a pack as the next version of its name: it prices quotes and orders from the next batch on, and held
        shipments are tried again. A pack with faults is refused as a whole; the same pack again changes nothing.
        """
        extent, warnings = await asyncio.to_thread(_checked, body, context.clock.now().date())
        done: list[tuple[Imported, bool]] = []

        async def work(tx: Transaction) -> Sequence[Event]:
            digest = digest_of(body.files)
            done.append(
                await tariff_packs.import_pack(
                    tx, principal.tenant, body.pack, body.files, digest, extent, principal.key_id
                )
            )  # fmt: skip
            await rule_sets.wake_held(tx, principal.tenant)
            return ()

        await context.writer.run(work)
        termbook.forget()
        imported, is_new = done[-1]
        response.status_code = 201 if is_new else 200
        return imported._asdict() | {"warnings": [finding._asdict() for finding in warnings]}

    @router.get("/tariffs/own")
    async def own(principal: Principal = reader) -> dict[str, Any]:
        """The newest version of each of the seller's own packs."""
        async with context.database.transaction() as tx:
            found = await tariff_packs.in_force(tx, principal.tenant)
        return {"packs": [pack._asdict() for pack in found]}

    @router.get("/tariffs/own/{pack}/{version}")
    async def one(
        pack: PackPath, version: Annotated[int, Path(ge=1, le=2**31 - 1)], principal: Principal = reader
    ) -> dict[str, Any]:
        """One version with its files, as it was imported."""
        async with context.database.transaction() as tx:
            found = await tariff_packs.version_of(tx, principal.tenant, pack, version)
        if found is None:
            raise Problem(404, "pack_unknown", "No such pack or version", fix="See GET /v1/tariffs/own.")
        return found[0]._asdict() | {"files": found[1]}

    @router.delete("/tariffs/own/{pack}")
    async def withdraw(pack: PackPath, principal: Principal = writer) -> dict[str, Any]:
        """Put a pack out of force, by a version of its own: older versions stay to explain older prices."""
        done: list[Imported | None] = []

        async def work(tx: Transaction) -> Sequence[Event]:
            done.append(await tariff_packs.withdraw(tx, principal.tenant, pack, principal.key_id))
            return ()

        await context.writer.run(work)
        termbook.forget()
        if done[-1] is None:
            raise Problem(404, "pack_unknown", "No such pack", fix="See GET /v1/tariffs/own.")
        return done[-1]._asdict()

    return router


def _checked(body: PackDocument, today: Any) -> tuple[Extent, list[Finding]]:
    """Return what a sound pack is about, with its warnings; raises Problem with every fault of another."""
    shelf = shelf_of(body.files, SHIPPED)
    found = check(shelf, today)
    errors = [finding for finding in found if finding.severity == "error"]
    if errors:
        first = errors[0]
        raise Problem(
            422, "pack_invalid", f"{len(errors)} fault(s) in the pack", first.what, field=_place(first), fix=first.fix,
            errors=[
                FieldError(code=each.code, field=_place(each), detail=each.what, fix=each.fix)
                for each in errors[:_ERRORS_TOLD]
            ],
        )  # fmt: skip
    return Extent(*extent_of(shelf)), found


def _place(finding: Finding) -> str:
    return f"{finding.file}:{finding.row}" if finding.row else finding.file
