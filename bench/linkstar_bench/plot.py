"""A small bar chart as SVG, written by hand: no library, a few hundred bytes, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log10

__all__ = ["Bar", "bar_chart"]

Bar = tuple[str, float]
"""Label and value."""
_WIDTH, _ROW, _LEFT, _RIGHT = 720, 30, 230, 110


def bar_chart(title: str, bars: Sequence[Bar], unit: str, *, logarithmic: bool = False) -> str:
    """Return the chart. On a logarithmic scale every tenfold takes the same width, from one upwards."""
    height = 44 + _ROW * len(bars)
    top = max((value for _, value in bars), default=1.0) or 1.0
    rows = "".join(_row(number, bar, top, unit, logarithmic) for number, bar in enumerate(bars))
    scale = " (logarithmic scale)" if logarithmic else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'font-family="sans-serif" font-size="14" fill="#777"><title>{escape(title)}</title>'
        f'<text x="8" y="22" font-weight="bold">{escape(title + scale)}</text>{rows}</svg>\n'
    )


def _row(number: int, bar: Bar, top: float, unit: str, logarithmic: bool) -> str:
    label, value = bar
    share = log10(max(value, 1)) / log10(max(top, 10)) if logarithmic else value / top
    length, y = round(share * (_WIDTH - _LEFT - _RIGHT)), 36 + number * _ROW
    return (
        f'<text x="{_LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{_LEFT}" y="{y}" width="{max(length, 1)}" height="{_ROW - 8}" fill="#2a7fb8"/>'
        f'<text x="{_LEFT + length + 6}" y="{y + 16}">{value:,.0f} {escape(unit)}</text>'
    )
