"""Seeded orders in the real formats of sales channels, some of them wrong, with what must become of each."""

from linkstar_sandbox.order_files.book import (
    Expectation,
    OrderBook,
    OrderFile,
    build_order_book,
    load_expectations,
)  # fmt: skip
from linkstar_sandbox.order_files.catalogue import PRODUCTS, WAREHOUSES

__all__ = [
    "PRODUCTS", "WAREHOUSES", "Expectation", "OrderBook", "OrderFile", "build_order_book", "load_expectations",
]  # fmt: skip
