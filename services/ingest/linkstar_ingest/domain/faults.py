"""What is wrong with an order, said so that a seller can mend it: a stable code, the field, the finding, the fix."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding. `detail` and `fix` hold no personal data, so that they may stand in logs and dead letters."""

    code: str
    field: str
    detail: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}; {self.fix}"
