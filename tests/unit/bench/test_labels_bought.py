"""The rate of bought labels, and that a run whose books do not agree with the carrier's has none."""

from __future__ import annotations

import pytest

from linkstar_bench.labeler.buying import WronglyBought, judge_books
from linkstar_bench.labeler.routes import PRICE
from linkstar_bench.labeler.stage import steady_rate

SOUND = {"numbers": ["A", "B"], "unusual": 0, "unbalanced": 0, "held": 0, "paid": 2 * PRICE.amount_minor}


def test_the_rate_leaves_out_the_cold_beginning() -> None:
    assert steady_rate([0.0, 9.0, *(10 + number / 10 for number in range(8))]) == pytest.approx(10)


def test_books_that_agree_are_accepted() -> None:
    judge_books(2, [sale("B"), sale("A")], SOUND)


@pytest.mark.parametrize(
    ("sales", "changed"),
    [
        (["A"], {}),
        (["A", "B", "C"], {}),
        (["A", "C"], {}),
        (["A", "B"], {"numbers": ["A"]}),
        (["A", "B"], {"unusual": 1}),
        (["A", "B"], {"unbalanced": 1}),
        (["A", "B"], {"held": PRICE.amount_minor}),
        (["A", "B"], {"paid": PRICE.amount_minor}),
    ],
)
def test_books_that_differ_are_no_result(sales: list[str], changed: dict[str, object]) -> None:
    with pytest.raises(WronglyBought):
        judge_books(2, [sale(number) for number in sales], SOUND | changed)


def test_a_voided_label_is_none() -> None:
    with pytest.raises(WronglyBought):
        judge_books(2, [sale("A"), sale("B") | {"voided": True}], SOUND)


def sale(number: str) -> dict[str, object]:
    return {"tracking_numbers": [number], "voided": False}
