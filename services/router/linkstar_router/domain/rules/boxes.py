"""Exact reasoning about sets of orders: a box allows on each axis some cells, told as the bits of an integer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Box", "Budget", "TooHard", "intersection", "remainder", "subtract"]

Box = tuple[int, ...]


class TooHard(Exception):
    """A question that would take more steps than it may; its answer is not known."""


class Budget:
    """Steps that a question may still take."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps; raises TooHard when there are none left."""
        self._steps -= steps
        if self._steps < 0:
            raise TooHard


def intersection(one: Box, other: Box) -> Box | None:
    """Return the orders in both boxes, or None when there are none."""
    common = tuple([a & b for a, b in zip(one, other, strict=True)])
    return common if all(common) else None


def subtract(box: Box, hole: Box) -> Iterator[Box]:
    """Return disjoint boxes of the orders in `box` and not in `hole`."""
    if intersection(box, hole) is None:
        yield box
        return
    rest = list(box)
    for axis, cells in enumerate(hole):
        outside = rest[axis] & ~cells
        if outside:
            yield (*rest[:axis], outside, *rest[axis + 1 :])
            rest[axis] &= cells


def remainder(box: Box, holes: Sequence[Box], budget: Budget) -> Iterator[Box]:
    """Return disjoint boxes of the orders in `box` and in none of `holes`; none at all means that they cover it."""
    budget.spend()
    for place, hole in enumerate(holes):
        if intersection(box, hole) is not None:
            yield from _each(subtract(box, hole), holes[place + 1 :], budget)
            return
    yield box


def _each(boxes: Iterable[Box], holes: Sequence[Box], budget: Budget) -> Iterator[Box]:
    for box in boxes:
        yield from remainder(box, holes, budget)
