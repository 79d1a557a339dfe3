"""Coded faults of the embedded stack; each says what happened and how to mend it."""

from __future__ import annotations

from typing import Literal

ErrorCode = Literal[
    "java-missing",
    "network-unavailable",
    "hash-mismatch",
    "disk-full",
    "port-taken",
    "kafka-start-failed",
    "postgres-missing",
    "postgres-start-failed",
    "provision-failed",
    "already-running",
    "not-running",
    "service-start-failed",
    "unknown-service",
    "replicas-invalid",
    "kafka-unreachable",
    "postgres-unreachable",
    "promtool-missing",
]


class SandboxError(Exception):
    """A fault of the embedded stack with a stable code, a message and a remedy."""

    def __init__(self, code: ErrorCode, message: str, remedy: str) -> None:
        super().__init__(f"{code}: {message} {remedy}")
        self.code = code
        self.message = message
        self.remedy = remedy
