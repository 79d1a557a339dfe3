"""`/v1/evidence`: what is known of a shipment, as a signed pack that anyone can verify; the public keys to do so."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Depends, Response

from linkstar_contracts.evidence_pack import EvidencePack, PackSignature, zipped
from linkstar_runtime.api_keys import Principal
from linkstar_runtime.handling import Transaction
from linkstar_runtime.service import ServiceContext
from linkstar_runtime.signatures import Signer
from linkstar_runtime.vault import Vault, VaultError
from linkstar_tracker import store
from linkstar_tracker.api.papers import unknown_shipment
from linkstar_tracker.domain.cases import case_name
from linkstar_tracker.domain.evidence_case import OpenedPaper, pack_of, shown_beside, shown_inside, with_files
from linkstar_tracker.domain.evidence_paper import SUMMARY_FILE, summary_pdf
from linkstar_tracker.domain.papers import bound_to

__all__ = ["routes"]

PURPOSE = "evidence"


def routes(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.post("/evidence/{shipment_id}", response_class=Response)
    async def export_evidence(
        shipment_id: str, form: Literal["json", "zip"] = "json",
        principal: Principal = Depends(context.authorize("evidence:read")),
    ) -> Response:  # fmt: skip
        """Return a shipment's evidence pack: JSON, or a ZIP of it with its papers and a summary on paper (PDF)."""
        signer = _signer(context.vault)
        async with context.database.transaction() as tx:
            chain = await store.read_evidence(tx, principal.tenant, shipment_id)
            opened = await _opened(tx, context.vault, principal.tenant, shipment_id)
            if signer:
                await store.keep_signing_key(tx, signer.public_key)
            now = tx.now
        if chain is None:
            raise unknown_shipment()
        pack = pack_of(principal.tenant, shipment_id, chain, now)
        made = await asyncio.to_thread(_json if form == "json" else _zip, pack, opened, signer)
        return Response(made, media_type=f"application/{form}")

    @router.get("/evidence-keys")
    async def keys() -> dict[str, Any]:
        """Return the public keys that packs of this deployment were signed with, the newest first. Needs no API key."""
        signer = _signer(context.vault)
        async with context.database.transaction() as tx:
            if signer:
                await store.keep_signing_key(tx, signer.public_key)
            known = await store.signing_keys(tx)
        return {
            "keys": [
                {"algorithm": "ed25519", "public_key": key.hex(), "first_used_at": at.isoformat()} for key, at in known
            ]
        }

    return router


def _signer(vault: Vault) -> Signer | None:
    """Return who signs; nobody where there is no master key."""
    try:
        return vault.signer(PURPOSE)
    except VaultError:
        return None


async def _opened(tx: Transaction, vault: Vault, tenant: str, shipment_id: str) -> list[OpenedPaper]:
    """Open the papers of a shipment's open case. What was changed in the database does not open, and is told as that."""
    case = await store.case_of(tx, tenant, shipment_id)
    if case is None or case.key is None:
        return []
    key = vault.open_key(tenant, case_name(shipment_id, case.number), case.key)
    opened = []
    for paper in await store.papers_of(tx, tenant, shipment_id):
        try:
            content = key.open(paper.sealed, bound_to(tenant, shipment_id, paper.entry))
        except VaultError:
            content = None
        salt = key.salt(paper.kind, content) if content is not None else bytes(32)
        opened.append(OpenedPaper(paper.entry, paper.kind, paper.content_type, salt, content))
    return opened


def _json(pack: EvidencePack, opened: list[OpenedPaper], signer: Signer | None) -> bytes:
    return _signed(shown_inside(pack, opened).sealed(), signer).file()


def _zip(pack: EvidencePack, opened: list[OpenedPaper], signer: Signer | None) -> bytes:
    shown, files = shown_beside(pack, opened)
    files[SUMMARY_FILE] = summary_pdf(shown)
    return zipped(_signed(with_files(shown, files), signer).file(), files)


def _signed(pack: EvidencePack, signer: Signer | None) -> EvidencePack:
    if signer is None:
        return pack
    signature = PackSignature(public_key=signer.public_key.hex(), value=signer.sign(pack.statement).hex())
    return pack.model_copy(update={"signature": signature})
