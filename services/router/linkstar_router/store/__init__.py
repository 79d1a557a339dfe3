"""Every SQL statement of the router, one module per group of tables."""

from linkstar_router.store.shipments import (
    decisions_between,
    decisions_of,
    insert_new,
    known,
    lock,
    lock_due,
    record,
    save,
    seed,
)

__all__ = ["decisions_between", "decisions_of", "insert_new", "known", "lock", "lock_due", "record", "save", "seed"]
