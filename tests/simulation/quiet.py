"""Silences the product's logs inside a simulation: tens of thousands of provoked failures are nobody's news."""

from __future__ import annotations

from typing import Any

import structlog

__all__ = ["hush"]


class _Silence:
    """A logger that drops everything."""

    def __getattr__(self, name: str) -> Any:
        return _drop

    def bind(self, **_: object) -> _Silence:
        return self


def _drop(*_: object, **__: object) -> None: ...


def hush() -> None:
    """Drop every log record of this process from now on."""
    silence = _Silence()
    structlog.configure(wrapper_class=lambda *_, **__: silence, cache_logger_on_first_use=True)  # type: ignore[arg-type]
