"""What orders cost in PostgreSQL and Kafka: bytes of tables with their indexes, of the write-ahead log, of topic logs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import asyncpg

__all__ = ["Storage", "read_storage"]

_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint AS tables,
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal
FROM pg_stat_user_tables"""


@dataclass(frozen=True)
class Storage:
    """Bytes so far, or between two readings."""

    table_bytes: int
    wal_bytes: int
    kafka_bytes: int

    def since(self, before: Storage) -> Storage:
        return Storage(
            self.table_bytes - before.table_bytes, self.wal_bytes - before.wal_bytes,
            self.kafka_bytes - before.kafka_bytes,
        )  # fmt: skip

    def per(self, orders: int) -> dict[str, int]:
        """Bytes per order."""
        return {
            "tables": self.table_bytes // orders, "wal": self.wal_bytes // orders, "kafka": self.kafka_bytes // orders
        }  # fmt: skip


async def read_storage(database: str, logs: Path, prefix: str) -> Storage:
    """Read the sizes of one database, the server's log position, and the topics under a prefix."""
    connection = await asyncpg.connect(database)
    try:
        row = await connection.fetchrow(_SIZE)
    finally:
        await connection.close()
    return Storage(row["tables"] if row else 0, row["wal"] if row else 0, _log_bytes(logs, prefix))


def _log_bytes(logs: Path, prefix: str) -> int:
    return sum(file.stat().st_size for file in logs.glob(f"{prefix}*/*.log"))
