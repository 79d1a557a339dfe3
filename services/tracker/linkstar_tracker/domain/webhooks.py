"""How each carrier proves that a call is its own. Verification reads the raw body, before anything parses it."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol, TypeAlias

__all__ = ["Call", "Forged", "Scheme", "SharedSecret", "SignedBody", "StandardWebhook", "UrlToken"]

Secrets: TypeAlias = Sequence[str]
"""Secrets that hold now: the newest, and the one before while a rotation overlaps."""

_STANDARD_PREFIX = "whsec_"


class Forged(Exception):
    """The call does not prove where it comes from. `code` is stable; the text repeats nothing of the call."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Call:
    """What was sent to a webhook, byte for byte. Names of headers are in small letters."""

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    received_at: datetime
    """Business time."""
    wall_at: datetime
    """Real time: what a carrier's own timestamp is compared with."""

    @property
    def digest(self) -> str:
        """What tells a repeated call where the carrier numbers none: the hash of all it says."""
        said = "&".join(f"{name}={value}" for name, value in sorted(self.query.items()) if name != "token")
        return sha256(said.encode() + b"\n" + self.body).hexdigest()


class Scheme(Protocol):
    """A carrier's way to prove its calls."""

    def verify(self, call: Call, secrets: Secrets) -> None:
        """Raise Forged unless one of the secrets made this call."""

    def delivery_id(self, call: Call) -> str:
        """Return what is equal for a call that is repeated."""


@dataclass(frozen=True, slots=True)
class SignedBody:
    """HMAC-SHA256 over the raw body in a header, hexadecimal or base64, with or without `sha256=` before it."""

    header: str

    def verify(self, call: Call, secrets: Secrets) -> None:
        given = _header(call, self.header).removeprefix("sha256=")
        _require(any(_equal(given, form) for secret in secrets for form in _forms(secret.encode(), call.body)))

    def delivery_id(self, call: Call) -> str:
        return call.digest


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A header that repeats the secret handed over when the carrier was told the address."""

    header: str

    def verify(self, call: Call, secrets: Secrets) -> None:
        given = _header(call, self.header)
        _require(any(_equal(given, secret) for secret in secrets))

    def delivery_id(self, call: Call) -> str:
        return call.digest


@dataclass(frozen=True, slots=True)
class UrlToken:
    """`?token=` in the address, for carriers that can do nothing else."""

    def verify(self, call: Call, secrets: Secrets) -> None:
        given = call.query.get("token", "")
        if not given:
            raise Forged("signature_missing", "the address lacks its token")
        _require(any(_equal(given, secret) for secret in secrets))

    def delivery_id(self, call: Call) -> str:
        return call.digest


@dataclass(frozen=True, slots=True)
class StandardWebhook:
    """The Standard Webhooks scheme: id, timestamp and body signed together, which makes a replay worthless."""

    tolerance: timedelta = timedelta(minutes=5)

    def verify(self, call: Call, secrets: Secrets) -> None:
        identity, stamp = _header(call, "webhook-id"), _header(call, "webhook-timestamp")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            raise Forged("timestamp_unreadable", "webhook-timestamp must be seconds since 1970")
        sent_at = datetime.fromtimestamp(int(stamp), UTC)
        if abs(call.wall_at - sent_at) > self.tolerance:
            raise Forged("timestamp_stale", "webhook-timestamp is too far from the clock")
        signed = f"{identity}.{stamp}.".encode() + call.body
        wanted = [f"v1,{_forms(_standard_key(secret), signed)[1]}" for secret in secrets]
        given = _header(call, "webhook-signature").split(" ")[:8]
        _require(any(_equal(each, want) for each in given for want in wanted))

    def delivery_id(self, call: Call) -> str:
        return sha256(call.headers["webhook-id"].encode()).hexdigest()


def _header(call: Call, name: str) -> str:
    given = call.headers.get(name, "").strip()
    if not given:
        raise Forged("signature_missing", f"the header {name} is missing")
    return given


def _require(proven: bool) -> None:
    if not proven:
        raise Forged("signature_wrong", "the signature or secret does not fit")


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _forms(key: bytes, message: bytes) -> tuple[str, str]:
    """Return the HMAC in hexadecimal and in base64: carriers' documents leave open which."""
    mac = hmac.digest(key, message, "sha256")
    return mac.hex(), base64.b64encode(mac).decode()


def _standard_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_STANDARD_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()
