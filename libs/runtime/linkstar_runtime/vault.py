"""Seals consignees with a key per order that can be destroyed: after that nobody can open any copy, in any event or table.

Data key: random, AES-256-GCM, AAD `tenant|order`. It lies in `vault.dek`, wrapped by the tenant's key, which is derived
from the master key. Master key and data keys are never in an event.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from linkstar_contracts.values import Consignee, SealedConsignee
from linkstar_runtime.handling import Transaction
from linkstar_runtime.settings import VaultSettings

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


class VaultError(Exception):
    """The vault cannot work: `code` is `no_master_key`, `bad_master_key`, `open_to_others` or `broken_seal`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class _NewKey(NamedTuple):
    """A data key just made: its id, and the key wrapped and bare."""

    key_id: str
    wrapped: bytes
    key: bytes


class Vault:
    """Seals and opens consignees inside a transaction; never shows a key."""

    def __init__(self, master_key: bytes | None) -> None:
        self._master_key = master_key
        self._tenant_keys: dict[str, AESGCM] = {}

    @classmethod
    def from_settings(cls, settings: VaultSettings) -> Vault:
        """Return the vault; without a master key file it exists but can neither seal nor open."""
        return cls(_read_master_key(settings.master_key_file) if settings.master_key_file else None)

    @staticmethod
    def create_master_key(path: Path) -> None:
        """Write a new random master key, readable by its owner only; an existing file is kept."""
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(os.urandom(32)) + b"\n")

    async def seal_many(self, tx: Transaction, orders: Sequence[tuple[str, str, Consignee]]) -> list[SealedConsignee]:
        """Seal each consignee; an order that has a key already keeps it. Costs one statement."""
        if not orders:
            return []
        keys = await self._keep_keys(tx, {(tenant, order_id) for tenant, order_id, _ in orders})
        sealed = []
        for tenant, order_id, consignee in orders:
            key_id, key = keys[tenant, order_id]
            token = _encrypt(key, consignee.model_dump_json().encode(), f"{tenant}|{order_id}")
            sealed.append(SealedConsignee(key_id=key_id, token=base64.urlsafe_b64encode(token).decode()))
        return sealed

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
        wrapped = _encrypt(self._tenant_key(tenant), key, bound_to)
        return self._master_id.encode() + wrapped + _encrypt(AESGCM(key), clear, bound_to)

    def open_secret(self, tenant: str, name: str, sealed: bytes) -> bytes:
        """Open what `seal_secret` sealed for the same tenant and name."""
        bound_to, wrapped = f"{tenant}|secret|{name}", sealed[_MASTER_ID:_WRAPPED]
        key = _decrypt(self._tenant_key(tenant), wrapped, bound_to)
        return _decrypt(AESGCM(key), sealed[_WRAPPED:], bound_to)

    def rewrap_secret(self, tenant: str, name: str, sealed: bytes, old: Vault) -> bytes:
        """Return a secret that `old`, the vault of an earlier master key, sealed, under this master key: the secret itself
        is not opened.
        """
        bound_to = f"{tenant}|secret|{name}"
        key = _decrypt(old._tenant_key(tenant), sealed[_MASTER_ID:_WRAPPED], bound_to)
        wrapped = _encrypt(self._tenant_key(tenant), key, bound_to)
        return self._master_id.encode() + wrapped + sealed[_WRAPPED:]

    async def seal_bytes(self, tx: Transaction, clear: Sequence[tuple[OrderKey, bytes]]) -> list[bytes | None]:
        """Seal documents that show consignees under their orders' keys; None where a key has been destroyed. Costs one
        statement.
        """
        if not clear:
            return []
        keys = await self._read_keys(tx, {order for order, _ in clear})
        return [_encrypt(keys[order][1], each, _document_of(order)) if order in keys else None for order, each in clear]

    async def open_bytes(self, tx: Transaction, sealed: Sequence[tuple[OrderKey, bytes]]) -> list[bytes | None]:
        """Open sealed documents; None where the order's key has been destroyed. Costs one statement."""
        if not sealed:
            return []
        keys = await self._read_keys(tx, {order for order, _ in sealed})
        return [
            _decrypt(keys[order][1], each, _document_of(order)) if order in keys else None for order, each in sealed
        ]

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
        key_id = f"{self._master_id}.{os.urandom(12).hex()}"
        key = os.urandom(32)
        return _NewKey(key_id, _encrypt(self._tenant_key(tenant), key, f"{tenant}|{order_id}|{key_id}"), key)

    def _unwrap(
        self, rows: Iterable[asyncpg.Record], made: Mapping[str, bytes] = MappingProxyType({})
    ) -> dict[OrderKey, tuple[str, AESGCM]]:
        """Return the keys in these rows; those that were just `made`, by key id, need no unwrapping."""
        keys = {}
        for tenant, order_id, key_id, wrapped in rows:
            key = made.get(key_id)
            if key is None:
                key = _decrypt(self._tenant_key(tenant), wrapped, f"{tenant}|{order_id}|{key_id}")
            keys[tenant, order_id] = (key_id, AESGCM(key))
        return keys

    def _tenant_key(self, tenant: str) -> AESGCM:
        if tenant not in self._tenant_keys:
            derive = HKDF(hashes.SHA256(), 32, salt=None, info=f"linkstar tenant key|{tenant}".encode())
            self._tenant_keys[tenant] = AESGCM(derive.derive(self._master()))
        return self._tenant_keys[tenant]

    def _master(self) -> bytes:
        if self._master_key is None:
            raise VaultError("no_master_key", "set LINKSTAR_VAULT__MASTER_KEY_FILE for a service that seals or opens")
        return self._master_key

    @cached_property
    def _master_id(self) -> str:
        return sha256(b"linkstar master key id|" + self._master()).hexdigest()[:8]


def _document_of(order: OrderKey) -> str:
    return f"{order[0]}|{order[1]}|document"


def _columns(orders: Sequence[OrderKey]) -> tuple[list[str], list[str]]:
    return [tenant for tenant, _ in orders], [order_id for _, order_id in orders]


def _open(key: tuple[str, AESGCM] | None, tenant: str, order_id: str, sealed: SealedConsignee) -> Consignee | None:
    if key is None or key[0] != sealed.key_id:
        return None
    clear = _decrypt(key[1], base64.urlsafe_b64decode(sealed.token), f"{tenant}|{order_id}")
    return Consignee.model_validate_json(clear)


def _encrypt(key: AESGCM, clear: bytes, bound_to: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + key.encrypt(nonce, clear, bound_to.encode())


def _decrypt(key: AESGCM, token: bytes, bound_to: str) -> bytes:
    try:
        return key.decrypt(token[:_NONCE], token[_NONCE:], bound_to.encode())
    except (InvalidTag, ValueError) as error:
        raise VaultError("broken_seal", f"{bound_to}: changed, cut, or made under another master key") from error


def _read_master_key(path: Path) -> bytes:
    if path.stat().st_mode & 0o007:
        raise VaultError("open_to_others", f"{path} must not be readable by others: chmod 600 it")
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise VaultError("bad_master_key", f"{path} must hold 32 bytes in base64")
    return key
