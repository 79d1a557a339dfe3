"""A dead letter whose bytes were deleted cannot be redriven, and says so instead of stopping the others."""

from __future__ import annotations

from typing import Any, cast

from linkstar_runtime.decoding import Decoder
from linkstar_runtime.replay import _verdict


def test_forgotten_letter_is_told() -> None:
    row: Any = {"topic": "orders-inbound", "part": 0, "off": 1, "raw": None, "key": None, "headers": None}
    result, detail = _verdict(cast(Decoder, None), row)
    assert result == "still_invalid"
    assert "forgotten" in detail
