"""What follows from how a manifest ended: for its labels, and for the carrier's own sheet, which is kept sealed."""

from __future__ import annotations

from dataclasses import replace

from linkstar_labeler.domain.connector import Document
from linkstar_labeler.domain.manifests import Follow, ManifestKey
from linkstar_labeler.store import manifests as store
from linkstar_runtime.handling import Transaction
from linkstar_runtime.vault import Vault

__all__ = ["ManifestPapers"]


class ManifestPapers:
    """The carriers' sheets, sealed under their tenants' keys since they may show consignees."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def carry_out(self, tx: Transaction, key: ManifestKey, follow: Follow) -> None:
        """Carry out what follows from how a manifest, which is locked, ended."""
        if follow.release:
            await store.release_labels(tx, key)
        if follow.hold:
            await store.hold_labels(tx, key)
        await store.leave_out(tx, key, follow.left_out)
        if follow.document:
            sealed = self._vault.seal_secret(key.tenant, _name(key), follow.document.content)
            await store.save_manifest_document(tx, key, replace(follow.document, content=sealed))

    def opened(self, key: ManifestKey, sealed: Document) -> Document:
        """Open a sheet that was kept."""
        return replace(sealed, content=self._vault.open_secret(key.tenant, _name(key), sealed.content))


def _name(key: ManifestKey) -> str:
    return f"manifest/{key.manifest_id}"
