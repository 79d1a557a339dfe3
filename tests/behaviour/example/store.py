"""SQL of the example service."""

from __future__ import annotations

from collections.abc import Sequence

from linkstar_runtime import Transaction


async def count_facts(tx: Transaction, facts: Sequence[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """Add the facts (key, id) not yet known and return each with its dense version."""
    keys = sorted({key for key, _ in facts})
    await tx.execute(
        "INSERT INTO counter SELECT key, 0 FROM unnest($1::text[]) key ORDER BY key ON CONFLICT DO NOTHING", keys
    )
    rows = await tx.fetch("SELECT key, version FROM counter WHERE key = ANY($1) ORDER BY key FOR NO KEY UPDATE", keys)
    version = {row["key"]: row["version"] for row in rows}
    known = await tx.fetch(
        "SELECT key, id FROM fact JOIN unnest($1::text[], $2::text[]) u(key, id) USING (key, id)",
        [key for key, _ in facts], [identity for _, identity in facts],
    )  # fmt: skip
    seen = {(row["key"], row["id"]) for row in known}
    fresh: list[tuple[str, str, int]] = []
    for key, identity in facts:
        if (key, identity) not in seen:
            seen.add((key, identity))
            version[key] += 1
            fresh.append((key, identity, version[key]))
    columns = ([key for key, _, _ in fresh], [identity for _, identity, _ in fresh], [number for _, _, number in fresh])
    await tx.execute("INSERT INTO fact SELECT * FROM unnest($1::text[], $2::text[], $3::int[])", *columns)
    await tx.execute(
        "UPDATE counter c SET version = u.version FROM (SELECT key, max(version) AS version FROM "
        "unnest($1::text[], $2::int[]) x(key, version) GROUP BY key) u WHERE c.key = u.key", columns[0], columns[2],
    )  # fmt: skip
    return fresh
