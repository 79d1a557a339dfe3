"""Years of orders in every table the hot path touches, filled by COPY from rows that real orders left.

A thousand orders called `h0000-…` are worked through by the product; their rows are read back and written again with `h0000`
replaced by `h0001`, `h0002` and so on. So every row has a real shape and real keys. What the hot path never reads of an old
order, its long documents, is left out: at full width five million orders would be some forty gigabytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import asyncpg

__all__ = ["CHUNK_ORDERS", "MARK", "History", "Table"]

CHUNK_ORDERS = 1_000
MARK = "h0000"
_LONG_BYTES = 48
_SERVICES = ("ingest", "router", "labeler", "tracker", "returns", "vault")
_CHUNKS_PER_SEND = 20
_TABLES = """
SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY($1) ORDER BY 1, 2"""
_COLUMNS = """
SELECT a.attname AS name, t.typname AS type, a.attidentity <> '' AS made
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_KEY_COLUMNS = """
SELECT DISTINCT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = $1::regclass"""
_OWNERS = ("order_id", "shipment_id")
_EMPTY = {"jsonb": "'{}'::jsonb", "bytea": "''::bytea", "text": "''", "_text": "'{}'::text[]"}


@dataclass(frozen=True)
class Table:
    """A table with the rows of the thousand orders, as COPY writes them."""

    name: str
    columns: tuple[str, ...]
    rows: bytes

    @property
    def schema(self) -> str:
        return self.name.partition(".")[0]


class History:
    """The rows to multiply, read once after the thousand orders went through."""

    def __init__(self, database: str, tables: Sequence[Table]) -> None:
        self._database, self.tables, self._chunks = database, tables, 0

    @classmethod
    async def read(cls, database: str) -> History:
        """Read every table that holds rows of the marked orders."""
        connection = await asyncpg.connect(database)
        try:
            names = [f"{row['schema']}.{row['name']}" for row in await connection.fetch(_TABLES, list(_SERVICES))]
            tables = [table for name in names if (table := await _read(connection, name))]
        finally:
            await connection.close()
        return cls(database, tables)

    async def grow(self, orders: int) -> None:
        """Bring the history to this many orders, then vacuum, analyse and checkpoint, so that no round pays for the fill."""
        first, self._chunks = self._chunks + 1, orders // CHUNK_ORDERS
        halves = [self.tables[0::2], self.tables[1::2]]
        connection = await asyncpg.connect(self._database)
        try:
            await asyncio.gather(*(self._fill(half, range(first, self._chunks + 1)) for half in halves))
            await connection.execute("VACUUM (FREEZE, ANALYZE)")
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()

    async def _fill(self, tables: Sequence[Table], chunks: range) -> None:
        connection = await asyncpg.connect(self._database)
        try:
            await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
            for table in tables:
                name = table.name.partition(".")[2]
                await connection.copy_to_table(
                    name, source=_multiplied(table.rows, chunks), schema_name=table.schema, columns=table.columns,
                    timeout=3_600,
                )  # fmt: skip
        finally:
            await connection.close()


async def _multiplied(rows: bytes, chunks: range) -> AsyncIterator[bytes]:
    for start in range(chunks.start, chunks.stop, _CHUNKS_PER_SEND):
        some = range(start, min(start + _CHUNKS_PER_SEND, chunks.stop))
        yield b"".join(rows.replace(MARK.encode(), b"h%04d" % chunk) for chunk in some)


async def _read(connection: asyncpg.Connection, name: str) -> Table | None:
    columns = [row for row in await connection.fetch(_COLUMNS, name) if not row["made"]]
    owners = [row["name"] for row in columns if row["name"] in _OWNERS]
    if not owners:
        return None
    keys = {row["name"] for row in await connection.fetch(_KEY_COLUMNS, name)}
    where = f"FROM {name} WHERE {owners[0]} LIKE '{MARK}-%'"
    lengths = ", ".join(f'avg(pg_column_size("{row["name"]}"))::float8' for row in columns)
    widths = await connection.fetchrow(f"SELECT {lengths} {where}")
    chosen = [
        _expression(row["name"], row["type"], width or 0.0, row["name"] in keys)
        for row, width in zip(columns, widths or (), strict=True)
    ]
    rows = BytesIO()
    await connection.copy_from_query(f"SELECT {', '.join(chosen)} {where}", output=rows)
    names = tuple(row["name"] for row in columns)
    return Table(name, names, rows.getvalue()) if rows.getvalue() else None


def _expression(name: str, kind: str, width: float, key: bool) -> str:
    """Return what is kept of a column: unique numbers are marked too, long documents are emptied."""
    if key and name in ("number", "tracking_number"):
        return f"\"{name}\" || '{MARK}'"
    if key and name == "scan_id":
        return f"left(scan_id, 27) || '{MARK}'"
    return _EMPTY[kind] if not key and width > _LONG_BYTES and kind in _EMPTY else f'"{name}"'
