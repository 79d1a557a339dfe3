"""The seller of a load run: warehouses and products registered, and money enough that no label waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from linkstar_sandbox.demo.seller import Seller
from linkstar_sandbox.order_files.catalogue import CURRENCY_OF

__all__ = ["open_account"]

PLENTY_MINOR = 500_000_000_00


async def open_account(endpoints: Mapping[str, Any], reference: str = "load") -> None:
    """Prepare the demo tenant of a running stack; may be repeated."""
    seller = Seller(endpoints["services"], endpoints["keys"]["demo"])
    try:
        await seller.register_master_data()
        for currency in sorted(set(CURRENCY_OF.values())):
            await seller.top_up(PLENTY_MINOR, currency, reference)
    finally:
        await asyncio.shield(seller.close())
