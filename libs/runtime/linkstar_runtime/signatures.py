"""Signatures of a deployment: Ed25519 under a key derived from its master key; anyone verifies with the public key."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["Signer", "holds"]


class Signer:
    """Signs; shows the public key only."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, statement: bytes) -> bytes:
        """Return the signature, the same bytes for the same statement."""
        return self._key.sign(statement)


def holds(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    """True when the holder of the private key signed exactly this statement."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except (InvalidSignature, ValueError):
        return False
    return True
