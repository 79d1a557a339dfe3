"""Sales channels: one module per order-file format. Growth axis: a new channel is a new module and one line here."""

from __future__ import annotations

from linkstar_ingest.channels import amazon, linkstar, shopify
from linkstar_ingest.channels.order_file import Channel

__all__ = ["CHANNELS", "Channel"]

CHANNELS: dict[str, Channel] = {
    "shopify": shopify.CHANNEL,
    "amazon": amazon.CHANNEL,
    "linkstar": linkstar.CHANNEL,
}
