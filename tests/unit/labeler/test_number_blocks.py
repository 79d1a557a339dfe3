"""Leasing: no serial is handed out twice, and whoever gets none is told so."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from linkstar_labeler.domain.number_blocks import Block, BlockKey, hand_out, lease, shortages

key_of = st.tuples(st.sampled_from(["usps", "ups"]), st.integers(0, 3))
needs_of = st.lists(st.tuples(key_of, st.integers(1, 5)), max_size=25)


@settings(deadline=None)
@given(st.lists(needs_of, max_size=6), st.integers(0, 120), st.integers(1, 30))
def test_serials_are_unique_across_shards_and_batches(
    batches: list[list[tuple[BlockKey, int]]], capacity: int, size: int
) -> None:
    ranges = {carrier: [Block(1, capacity), Block(1001, 1000 + capacity)] for carrier in ("usps", "ups")}
    blocks: dict[BlockKey, Block] = {}
    seen: set[tuple[str, int]] = set()
    for needs in batches:
        leased = lease(shortages(needs, blocks), ranges, size)
        for (key, count), serials in zip(needs, hand_out(needs, blocks, leased), strict=True):
            assert len(serials) in (0, count)
            handed = {(key[0], serial) for serial in serials}
            assert len(handed) == len(serials)
            assert not handed & seen
            assert all(1 <= serial <= capacity or 1001 <= serial <= 1000 + capacity for serial in serials)
            seen |= handed
        blocks |= leased


@settings(deadline=None)
@given(needs_of)
def test_a_range_that_suffices_serves_everybody(needs: list[tuple[BlockKey, int]]) -> None:
    ranges = {carrier: [Block(1, 10_000)] for carrier in ("usps", "ups")}
    leased = lease(shortages(needs, {}), ranges, 10)
    assert all(hand_out(needs, {}, leased))


def test_an_empty_range_serves_nobody() -> None:
    needs = [(("usps", 0), 2)]
    assert hand_out(needs, {}, lease(shortages(needs, {}), {"usps": [Block(5, 4)]}, 10)) == [()]
