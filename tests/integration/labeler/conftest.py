"""What several files of labeler's integration tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from integration.labeler.carrier_rigs import RIGS, Bench, Simulator, running_simulator
from integration.labeler.label_counter import Counter, opened_counter

from linkstar_labeler.carriers.remote import open_http


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as counter:
        yield counter


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """The carriers' simulators, with a ledger of their own for each file."""
    with running_simulator() as running:
        yield running


@pytest.fixture(params=RIGS, ids=str)
async def bench(request: pytest.FixtureRequest, simulator: Simulator) -> AsyncIterator[Bench]:
    """A fresh account at each carrier in turn."""
    async with open_http() as http:
        yield Bench(request.param, simulator, http)
