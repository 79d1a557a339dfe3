"""`linkstar calendars upcoming`, as its page shows it."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from linkstar_cli.main import app


def test_closures_and_last_safe_ship_dates() -> None:
    done = CliRunner().invoke(
        app, ["calendars", "upcoming", "--since", "2026-11-23", "--days", "10", "--carrier", "ups", "--json"]
    )
    (calendar,) = json.loads(done.stdout)["calendars"]
    assert calendar["closures"] == [
        {"date": "2026-11-26", "name": "Thanksgiving Day", "pickup": False, "delivery": False}
    ]
    safe = {(line["service"], line["zones"]): line["ship_by"] for line in calendar["last_safe"]}
    assert safe["ups/2nd_day_air", "2-8"] == "2026-11-23"
    assert safe["ups/next_day_air_saver", "2-8"] == "2026-11-24"


def test_a_day_to_arrive_by_and_a_region() -> None:
    done = CliRunner().invoke(
        app, ["calendars", "upcoming", "--since", "2026-12-01", "--days", "30", "--carrier", "dhl-de", "--region", "BY",
              "--by", "2026-12-23"],
    )  # fmt: skip
    assert done.exit_code == 0
    assert "Christmas" in done.stdout or "Weihnacht" in done.stdout
    assert "2026-12-21" in done.stdout


def test_an_unknown_carrier_is_told() -> None:
    done = CliRunner().invoke(app, ["calendars", "upcoming", "--carrier", "pigeon"])
    assert done.exit_code == 1
    assert "unknown-carrier" in done.output
