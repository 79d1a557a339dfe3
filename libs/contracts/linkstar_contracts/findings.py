"""What pydantic finds in a body, made fit to tell: no finding twice, and a refusal parted from its remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

__all__ = ["finding_and_remedy", "own_findings"]

F = TypeVar("F", bound=Mapping[str, Any])


def own_findings(found: Sequence[F]) -> list[F]:
    """Return the findings without their echoes: a list whose only entries are faulty also counts as too short."""
    echoing = {finding["loc"][:depth] for finding in found for depth in range(len(finding["loc"]))}
    return [finding for finding in found if finding["type"] != "too_short" or finding["loc"] not in echoing]


def finding_and_remedy(message: str) -> tuple[str, str]:
    """Part what a contract says of a refused value, `<finding>; <remedy>`. The remedy may be empty."""
    finding, _, remedy = message.removeprefix("Value error, ").partition("; ")
    return finding, remedy
