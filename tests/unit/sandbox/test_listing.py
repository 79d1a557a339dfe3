"""Tables at every width: no identifier is cut, spare columns go first, rows become blocks last."""

from __future__ import annotations

import io
import os
import pty

import pytest
from rich import box
from rich.box import Box
from rich.console import Console

from linkstar_sandbox.listing import Listing, wide_console

LETTER = "ingest/orders-inbound/11/123456"
URL = "postgresql://postgres@/linkstar?host=/somewhere/quite/far/away/in/a/deep/directory/of/sockets"
PROSE = "the carrier refused it because of tracking_number=9400111899223197428490, so it is held"


def printed(width: int, frame: Box | None = None) -> str:
    listing = Listing(
        "letter", "attempts", "address", "what", "n", box=frame, prose={"what"}, folds={"address"},
        spare=("attempts", "address"), right={"n"},
    )  # fmt: skip
    listing.add_row(LETTER, "1", URL, PROSE, "7")
    listing.add_row(LETTER + "7", "2", "", "[/nothing]", "8")
    out = io.StringIO()
    Console(file=out, width=width).print(listing)
    return out.getvalue()


@pytest.mark.parametrize("frame", [None, box.HEAVY_HEAD])
@pytest.mark.parametrize("width", [45, 60, 80, 81, 100, 120, 160, 400])
def test_identifiers_are_whole_at_every_width(width: int, frame: Box | None) -> None:
    shown = printed(width, frame)
    assert "…" not in shown
    for whole in (LETTER, LETTER + "7", "tracking_number=9400111899223197428490", "[/nothing]"):
        assert whole in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width


def test_spare_columns_go_in_their_order() -> None:
    widths = [width for width in range(60, 200) if "address" in printed(width) and "letter:" not in printed(width)]
    without = [width for width in range(60, 200) if "attempts" in printed(width) and "letter:" not in printed(width)]
    assert min(widths) < min(without)


def test_where_no_table_fits_each_row_is_a_block() -> None:
    lines = printed(50).splitlines()
    assert f"letter: {LETTER}" in [line.rstrip() for line in lines]
    assert "attempts: 1" in [line.rstrip() for line in lines]


def test_a_pipe_is_wide_and_a_terminal_is_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wide_console(file=io.StringIO()).width > 1_000
    ours, theirs = pty.openpty()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal:
        assert wide_console(file=terminal).width == 80
    os.close(ours)
