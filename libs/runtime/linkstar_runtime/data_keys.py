"""A data key that lies sealed with what it protects, and is destroyed by deleting it there."""

from __future__ import annotations

import hmac
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from linkstar_runtime.master_keys import decrypt, encrypt

__all__ = ["DataKey"]


class DataKey:
    """Seals, opens and salts; never shows itself."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._salting = hmac.digest(key, b"linkstar salts", "sha256")

    def seal(self, clear: bytes, bound_to: str) -> bytes:
        """Return what only `open` with the same `bound_to` reads."""
        return encrypt(self._cipher, clear, bound_to)

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Open what `seal` made, or raise `VaultError` with `broken_seal`."""
        return decrypt(self._cipher, sealed, bound_to)

    def salt(self, kind: str, clear: bytes) -> bytes:
        """Return the salt of this content: the same each time, and unknown to all when the key is destroyed."""
        return hmac.digest(self._salting, f"{kind}|".encode() + sha256(clear).digest(), "sha256")
