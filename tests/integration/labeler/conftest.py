"""What several files of labeler's integration tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.labeler.label_counter import Counter, opened_counter


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as counter:
        yield counter
