"""Number ranges and the blocks that shards hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from linkstar_labeler.domain.number_blocks import Block, BlockKey
from linkstar_runtime.handling import Transaction

__all__ = ["blocks", "ranges", "save_leases"]


async def blocks(tx: Transaction, keys: Iterable[BlockKey]) -> dict[BlockKey, Block]:
    """Lock and return the blocks these shards hold."""
    wanted = sorted(set(keys))
    rows = await tx.fetch(
        """SELECT b.* FROM number_block b JOIN unnest($1::text[], $2::int[]) u(carrier, shard) USING (carrier, shard)
           ORDER BY b.carrier, b.shard FOR NO KEY UPDATE OF b""",
        [carrier for carrier, _ in wanted], [shard for _, shard in wanted],
    )  # fmt: skip
    return {(row["carrier"], row["shard"]): Block(row["next_serial"], row["last_serial"]) for row in rows}


async def ranges(tx: Transaction, carriers: Iterable[str]) -> dict[str, list[Block]]:
    """Lock and return the carriers' ranges that still have serials."""
    rows = await tx.fetch(
        """SELECT carrier, next_serial, last_serial FROM number_range
           WHERE carrier = ANY($1::text[]) AND next_serial <= last_serial
           ORDER BY carrier, first_serial FOR NO KEY UPDATE""",
        sorted(set(carriers)),
    )
    found: dict[str, list[Block]] = {}
    for row in rows:
        found.setdefault(row["carrier"], []).append(Block(row["next_serial"], row["last_serial"]))
    return found


async def save_leases(tx: Transaction, held: Mapping[BlockKey, Block], taken: Mapping[str, Sequence[Block]]) -> None:
    """Write back blocks, and ranges that blocks were cut from."""
    await tx.execute(
        """INSERT INTO number_block (carrier, shard, next_serial, last_serial)
           SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
           ON CONFLICT (carrier, shard) DO UPDATE
             SET next_serial = EXCLUDED.next_serial, last_serial = EXCLUDED.last_serial""",
        [carrier for carrier, _ in held], [shard for _, shard in held],
        [block.next_serial for block in held.values()], [block.last_serial for block in held.values()],
    )  # fmt: skip
    if taken:
        cut = [(carrier, block) for carrier, sources in taken.items() for block in sources]
        await tx.execute(
            """UPDATE number_range r SET next_serial = u.next_serial
               FROM unnest($1::text[], $2::bigint[], $3::bigint[]) u(carrier, next_serial, last_serial)
               WHERE r.carrier = u.carrier AND r.last_serial = u.last_serial""",
            [carrier for carrier, _ in cut], [block.next_serial for _, block in cut],
            [block.last_serial for _, block in cut],
        )  # fmt: skip
