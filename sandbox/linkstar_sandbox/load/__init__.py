"""Seeded load: ready records for `orders-inbound`, made faster than any broker takes them, and a publisher for them.

`LoadGenerator` makes the records, `Publisher` sends them and keeps their history, `open_account` prepares the seller.
"""

from linkstar_sandbox.load.account import open_account
from linkstar_sandbox.load.generator import MESSY, ORDERS_ONLY, LoadGenerator, LoadRecord, Mix
from linkstar_sandbox.load.history import History, Publication, read_history
from linkstar_sandbox.load.publisher import Publisher

__all__ = [
    "MESSY", "ORDERS_ONLY", "History", "LoadGenerator", "LoadRecord", "Mix", "Publication", "Publisher", "open_account",
    "read_history",
]  # fmt: skip
