"""Seals consignees with a key per order that can be destroyed: after that nobody can open any copy, in any event or table.

Data key: random, AES-256-GCM, AAD `tenant|order`. It lies in `vault.dek`, wrapped by the tenant's key, which is derived
from a master key. Master key and data keys are never in an event.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from linkstar_contracts.values import Consignee, SealedConsignee
from linkstar_runtime.data_keys import DataKey
from linkstar_runtime.handling import Transaction
from linkstar_runtime.master_keys import (
    MasterKeys,
    VaultError,
    create_master_key,
    decrypt,
    encrypt,
    read_master_key,
)
from linkstar_runtime.settings import VaultSettings
from linkstar_runtime.signatures import Signer

if TYPE_CHECKING:
    import asyncpg

__all__ = ["Vault", "VaultError"]

OrderKey: TypeAlias = tuple[str, str]
"""Tenant and root order id."""
_NONCE, _TAG = 12, 16
_MASTER_ID = 8
_WRAPPED = _MASTER_ID + _NONCE + 32 + _TAG

_KEEP = """
WITH asked AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) u(tenant, order_id, key_id, wrapped)),
made AS (INSERT INTO vault.dek (tenant, order_id, key_id, wrapped, created_at)
         SELECT tenant, order_id, key_id, wrapped, $5 FROM asked ON CONFLICT DO NOTHING
         RETURNING tenant, order_id, key_id, wrapped)
SELECT * FROM made
UNION ALL SELECT tenant, order_id, d.key_id, d.wrapped FROM vault.dek d JOIN asked USING (tenant, order_id)
"""
_READ = """
SELECT tenant, order_id, key_id, wrapped
FROM vault.dek JOIN unnest($1::text[], $2::text[]) u(tenant, order_id) USING (tenant, order_id)
"""
_DESTROY = """
DELETE FROM vault.dek d USING unnest($1::text[], $2::text[]) u(tenant, order_id)
WHERE d.tenant = u.tenant AND d.order_id = u.order_id
"""


class _NewKey(NamedTuple):
    """A data key just made: its id, and the key wrapped and bare."""

    key_id: str
    wrapped: bytes
    key: bytes


class Vault:
    """Seals and opens consignees inside a transaction; never shows a key."""

    def __init__(self, master_keys: MasterKeys) -> None:
        self._masters = master_keys

    @classmethod
    def from_settings(cls, settings: VaultSettings) -> Vault:
        """Return the vault; without a master key file it exists but can neither seal nor open."""
        files = (settings.master_key_file, *settings.other_key_files) if settings.master_key_file else ()
        return cls(MasterKeys([read_master_key(file) for file in files if file]))

    @staticmethod
    def create_master_key(path: Path) -> None:
        """Write a new random master key, readable by its owner only; an existing file is kept."""
        create_master_key(path)

    async def seal_many(self, tx: Transaction, orders: Sequence[tuple[str, str, Consignee]]) -> list[SealedConsignee]:
        """Seal each consignee; an order that has a key already keeps it. Costs one statement."""
        if not orders:
            return []
        keys = await self._keep_keys(tx, {(tenant, order_id) for tenant, order_id, _ in orders})
        return [_under(keys[tenant, order_id], tenant, order_id, each) for tenant, order_id, each in orders]

    async def seal_known(
        self, tx: Transaction, orders: Sequence[tuple[str, str, Consignee]]
    ) -> list[SealedConsignee | None]:
        """Seal further consignees of orders under the keys they have; None where a key has been destroyed. Makes no keys, so
        that the right to read them is enough. Costs one statement.
        """
        if not orders:
            return []
        keys = await self._read_keys(tx, {(tenant, order_id) for tenant, order_id, _ in orders})
        found = [(keys.get((tenant, order_id)), tenant, order_id, each) for tenant, order_id, each in orders]
        return [_under(key, tenant, order_id, each) if key else None for key, tenant, order_id, each in found]

    async def open_many(
        self, tx: Transaction, orders: Sequence[tuple[str, str, SealedConsignee]]
    ) -> list[Consignee | None]:
        """Open each consignee; None where its key has been destroyed. Costs one statement."""
        if not orders:
            return []
        keys = await self._read_keys(tx, {(tenant, order_id) for tenant, order_id, _ in orders})
        return [_open(keys.get((tenant, order_id)), tenant, order_id, sealed) for tenant, order_id, sealed in orders]

    def seal_secret(self, tenant: str, name: str, clear: bytes) -> bytes:
        """Seal what a tenant entrusts, such as credentials: under a data key of its own, which lies before it, wrapped."""
        key, bound_to = os.urandom(32), f"{tenant}|secret|{name}"
        wrapped = self._masters.wrap(tenant, key, bound_to)
        return self._masters.id.encode() + wrapped + encrypt(AESGCM(key), clear, bound_to)

    def open_secret(self, tenant: str, name: str, sealed: bytes) -> bytes:
        """Open what `seal_secret` sealed for the same tenant and name."""
        bound_to = f"{tenant}|secret|{name}"
        key = self._masters.unwrap(tenant, sealed[_MASTER_ID:_WRAPPED], bound_to)
        return decrypt(AESGCM(key), sealed[_WRAPPED:], bound_to)

    def make_key(self, tenant: str, name: str) -> bytes:
        """Return a new random data key, sealed as a secret of the tenant: whoever deletes it destroys what it seals."""
        return self.seal_secret(tenant, name, os.urandom(32))

    def open_key(self, tenant: str, name: str, sealed: bytes) -> DataKey:
        """Return what a key that `make_key` sealed can do."""
        return DataKey(self.open_secret(tenant, name, sealed))

    def signer(self, purpose: str) -> Signer:
        """Return this deployment's signer for a purpose, the same in every process with the same master key."""
        return Signer(self._masters.derive(f"linkstar signature|{purpose}"))

    def rewrap_secret(self, tenant: str, name: str, sealed: bytes) -> bytes | None:
        """Return a secret under the master key that wraps now, None if it was already: the secret itself is not opened."""
        wrapped = self._masters.rewrap(tenant, sealed[_MASTER_ID:_WRAPPED], f"{tenant}|secret|{name}")
        return self._masters.id.encode() + wrapped + sealed[_WRAPPED:] if wrapped else None

    def rewrap_key(self, order: OrderKey, key_id: str, wrapped: bytes) -> bytes | None:
        """Return an order's data key under the master key that wraps now, None if it was already. Its id stays."""
        tenant, order_id = order
        return self._masters.rewrap(tenant, wrapped, f"{tenant}|{order_id}|{key_id}")

    async def seal_bytes(self, tx: Transaction, clear: Sequence[tuple[OrderKey, bytes]]) -> list[bytes | None]:
        """Seal documents that show consignees under their orders' keys; None where a key has been destroyed. Costs one
        statement.
        """
        if not clear:
            return []
        keys = await self._read_keys(tx, {order for order, _ in clear})
        return [encrypt(keys[order][1], each, _document_of(order)) if order in keys else None for order, each in clear]

    async def open_bytes(self, tx: Transaction, sealed: Sequence[tuple[OrderKey, bytes]]) -> list[bytes | None]:
        """Open sealed documents; None where the order's key has been destroyed. Costs one statement."""
        if not sealed:
            return []
        keys = await self._read_keys(tx, {order for order, _ in sealed})
        return [decrypt(keys[order][1], each, _document_of(order)) if order in keys else None for order, each in sealed]

    async def destroy(self, tx: Transaction, orders: Iterable[OrderKey]) -> int:
        """Destroy the keys of these orders and return how many there were. Needs the rights of the vault's owner."""
        done = await tx.execute(_DESTROY, *_columns(sorted(set(orders))))
        return int(done.rsplit(" ", 1)[-1])

    async def _keep_keys(self, tx: Transaction, orders: set[OrderKey]) -> dict[OrderKey, tuple[str, AESGCM]]:
        """Return the key of each order, a new one where there was none, whoever else makes one meanwhile."""
        asked = sorted(orders)
        fresh = [self._new_key(tenant, order_id) for tenant, order_id in asked]
        ids, wrapped = [new.key_id for new in fresh], [new.wrapped for new in fresh]
        kept = await tx.fetch(_KEEP, *_columns(asked), ids, wrapped, tx.now)
        found = self._unwrap(kept, {new.key_id: new.key for new in fresh})
        if missed := orders - found.keys():  # another transaction made them after our snapshot
            found |= await self._read_keys(tx, missed)
        return found

    async def _read_keys(self, tx: Transaction, orders: set[OrderKey]) -> dict[OrderKey, tuple[str, AESGCM]]:
        return self._unwrap(await tx.fetch(_READ, *_columns(sorted(orders))))

    def _new_key(self, tenant: str, order_id: str) -> _NewKey:
        key_id = f"{self._masters.id}.{os.urandom(12).hex()}"
        key = os.urandom(32)
        return _NewKey(key_id, self._masters.wrap(tenant, key, f"{tenant}|{order_id}|{key_id}"), key)

    def _unwrap(
        self, rows: Iterable[asyncpg.Record], made: Mapping[str, bytes] = MappingProxyType({})
    ) -> dict[OrderKey, tuple[str, AESGCM]]:
        """Return the keys in these rows; those that were just `made`, by key id, need no unwrapping."""
        keys = {}
        for tenant, order_id, key_id, wrapped in rows:
            key = made.get(key_id)
            if key is None:
                key = self._masters.unwrap(tenant, wrapped, f"{tenant}|{order_id}|{key_id}")
            keys[tenant, order_id] = (key_id, AESGCM(key))
        return keys


def _document_of(order: OrderKey) -> str:
    return f"{order[0]}|{order[1]}|document"


def _columns(orders: Sequence[OrderKey]) -> tuple[list[str], list[str]]:
    return [tenant for tenant, _ in orders], [order_id for _, order_id in orders]


def _under(key: tuple[str, AESGCM], tenant: str, order_id: str, consignee: Consignee) -> SealedConsignee:
    token = encrypt(key[1], consignee.model_dump_json().encode(), f"{tenant}|{order_id}")
    return SealedConsignee(key_id=key[0], token=base64.urlsafe_b64encode(token).decode())


def _open(key: tuple[str, AESGCM] | None, tenant: str, order_id: str, sealed: SealedConsignee) -> Consignee | None:
    if key is None or key[0] != sealed.key_id:
        return None
    clear = decrypt(key[1], base64.urlsafe_b64decode(sealed.token), f"{tenant}|{order_id}")
    return Consignee.model_validate_json(clear)
