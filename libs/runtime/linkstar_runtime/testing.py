"""In-memory broker, consumer group and store behind the stage's own ports, shipped with the library. Broker and store pass
the same behaviour suite as Kafka and PostgreSQL; their faults are switched on by the test that wants them.
"""

from __future__ import annotations

from linkstar_runtime.testing_broker import MemoryBroker, MemoryConsumer, MemoryProducer
from linkstar_runtime.testing_group import Assignor, MemoryGroup, by_range
from linkstar_runtime.testing_locks import SERVER, RowLocks
from linkstar_runtime.testing_store import Commit, MemoryStore, MemoryTables, Wire
from linkstar_runtime.testing_transaction import MemoryBatch, MemoryTransaction

__all__ = [
    "SERVER", "Assignor", "Commit", "MemoryBatch", "MemoryBroker", "MemoryConsumer", "MemoryGroup", "MemoryProducer",
    "MemoryStore", "MemoryTables", "MemoryTransaction", "RowLocks", "Wire", "by_range",
]  # fmt: skip
