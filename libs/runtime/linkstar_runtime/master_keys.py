"""The keys that data keys are wrapped with: one that wraps, and others that are still, or already, known to unwrap."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["MasterKeys", "VaultError", "create_master_key", "decrypt", "encrypt", "read_master_key"]

_NONCE = 12


class VaultError(Exception):
    """The vault cannot work: `code` is `no_master_key`, `bad_master_key`, `open_to_others` or `broken_seal`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class MasterKeys:
    """The first key wraps; every key unwraps. Each tenant's own key is derived from a master key (HKDF-SHA-256)."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)
        self._tenant_keys: dict[tuple[int, str], AESGCM] = {}

    @cached_property
    def id(self) -> str:
        """Eight hexadecimal digits that name the key that wraps."""
        return sha256(b"linkstar master key id|" + self._known()[0]).hexdigest()[:8]

    def wrap(self, tenant: str, key: bytes, bound_to: str) -> bytes:
        """Wrap a data key of a tenant."""
        return encrypt(self._tenant_key(0, tenant), key, bound_to)

    def unwrap(self, tenant: str, wrapped: bytes, bound_to: str) -> bytes:
        """Return the data key, whichever master key wrapped it; a seal no key fits is broken."""
        for place in range(len(self._known())):
            try:
                return _open(self._tenant_key(place, tenant), wrapped, bound_to)
            except (InvalidTag, ValueError):
                continue
        raise _broken(bound_to)

    def rewrap(self, tenant: str, wrapped: bytes, bound_to: str) -> bytes | None:
        """Return the data key wrapped with the key that wraps; None if it was already."""
        try:
            _open(self._tenant_key(0, tenant), wrapped, bound_to)
        except (InvalidTag, ValueError):
            return self.wrap(tenant, self.unwrap(tenant, wrapped, bound_to), bound_to)
        return None

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes that only holders of the key that wraps can know, others for each purpose."""
        return HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode()).derive(self._known()[0])

    def _tenant_key(self, place: int, tenant: str) -> AESGCM:
        if (place, tenant) not in self._tenant_keys:
            derive = HKDF(hashes.SHA256(), 32, salt=None, info=f"linkstar tenant key|{tenant}".encode())
            self._tenant_keys[place, tenant] = AESGCM(derive.derive(self._known()[place]))
        return self._tenant_keys[place, tenant]

    def _known(self) -> tuple[bytes, ...]:
        if not self._keys:
            raise VaultError("no_master_key", "set LINKSTAR_VAULT__MASTER_KEY_FILE for a service that seals or opens")
        return self._keys


def encrypt(key: AESGCM, clear: bytes, bound_to: str) -> bytes:
    """Return nonce, ciphertext and tag; opens only with the same `bound_to`."""
    nonce = os.urandom(_NONCE)
    return nonce + key.encrypt(nonce, clear, bound_to.encode())


def decrypt(key: AESGCM, token: bytes, bound_to: str) -> bytes:
    """Open what `encrypt` made, or raise `VaultError` with `broken_seal`."""
    try:
        return _open(key, token, bound_to)
    except (InvalidTag, ValueError) as error:
        raise _broken(bound_to) from error


def _open(key: AESGCM, token: bytes, bound_to: str) -> bytes:
    return key.decrypt(token[:_NONCE], token[_NONCE:], bound_to.encode())


def _broken(bound_to: str) -> VaultError:
    return VaultError("broken_seal", f"{bound_to}: changed, cut, or made under another master key")


def create_master_key(path: Path) -> None:
    """Write a new random master key, readable by its owner only; an existing file is kept."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(os.urandom(32)) + b"\n")


def read_master_key(path: Path) -> bytes:
    """Return the key a file holds. Raises `VaultError` if others may read it, or it holds none."""
    if path.stat().st_mode & 0o007:
        raise VaultError("open_to_others", f"{path} must not be readable by others: chmod 600 it")
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise VaultError("bad_master_key", f"{path} must hold 32 bytes in base64")
    return key
