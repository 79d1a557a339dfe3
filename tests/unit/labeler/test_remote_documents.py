"""The matrix in docs/carriers.md says what the connectors say, and the guides name what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from integration.labeler.carrier_rigs import RIGS

from linkstar_carriers.tracking import TRACKED
from linkstar_labeler.carriers.remote import CONNECTORS, connect, open_http
from linkstar_labeler.domain.connector import Capabilities
from linkstar_runtime.clock import Clock

ROOT = Path(__file__).parents[3]
CARRIERS = (ROOT / "docs/carriers.md").read_text("utf-8")
GUIDE = (ROOT / "docs/adding-a-carrier.md").read_text("utf-8")


def row(name: str, carrier: str, can: Capabilities) -> str:
    yes = {True: "yes", False: "no"}
    found = {(True, False): "yes", (False, True): "later"}.get((can.recovers, can.finds), "no")
    flags = (can.lists_labels, can.voids, can.manifests, can.pickups, can.returns, name in TRACKED)
    key = f"{can.key_lives_s / 3600:.0f} h" if can.key_lives_s else "no"
    cells = (f"`{name}`", f"`{carrier}`", ", ".join(sorted(can.services)), key, found, *(yes[flag] for flag in flags))
    return f"| {' | '.join(cells)} |"


async def test_matrix_is_what_the_connectors_claim() -> None:
    async with open_http() as http:
        for rig in RIGS:
            connector = connect(rig.account("http://127.0.0.1:1", "client1"), http, Clock())
            assert row(rig.connector, connector.carrier, connector.capabilities) in CARRIERS


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_section_speaks_of_every_connector(name: str) -> None:
    settings = CARRIERS.split("## Settings of an account")[1].split("## Codes")[0]
    assert f"| `{name}` |" in settings


def test_guides_name_what_exists() -> None:
    named = re.findall(r"`((?:services|sandbox|tests|docs)/[\w./-]+\.py)`", GUIDE + CARRIERS)
    assert named
    for path in named:
        assert "NAME" in path or (ROOT / path).is_file(), path
    shown = re.findall(r"^\$ \.venv/bin/(\S+) (\S+(?: \S+)?)", GUIDE, re.MULTILINE)
    assert ("python", "-m linkstar_sandbox.carrier_apis") in shown
    assert any(program == "pytest" and (ROOT / place.split()[0]).is_file() for program, place in shown)
