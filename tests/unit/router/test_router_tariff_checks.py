"""Every fault that `linkstar tariffs check` knows, planted one at a time into a sound pack; the shipped packs have none."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from linkstar_router.domain.checks import check
from linkstar_router.domain.checks.coverage import coverage_of
from linkstar_router.domain.checks.findings import Finding
from linkstar_router.domain.checks.layouts import LAYOUTS
from linkstar_router.domain.published import SHIPPED, Shelf

COLUMNS = {layout.name: ",".join(layout.columns) for layout in LAYOUTS}
TODAY = date(2026, 6, 16)
MANIFEST = """
carrier = "acme"
country = "US"
currency = "USD"
zone_system = "us_distance"
calendar = "ups"
gaps = []

[[service]]
service = "ground"
level = "standard"
po_box = false
batteries = []
liquid = true
signature = "fee"
limits = { weight = "2 lb", longest = "108 in" }
rounding = [{ step = "1 lb" }]
fuel = { carrier = "acme", service = "ground", base = ["base_rate"] }

[[service.list]]
id = "acme-ground"
file = "ground.csv"
rows = { service = ["ground"] }
source = "contract 17"
as_of = 2026-06-01
confidence = "high"

[[fee]]
code = "additional_handling"
detail = "over 48 in"
services = ["ground"]
row = ["us", "acme", "all", "handling"]
group = "dimensional"
priority = 2
over = { longest = "48 in" }
"""
RATES = """carrier,service,currency,zone,weight_up_to,weight_unit,price_minor,rate_type,effective_from
acme,ground,USD,2,1,lb,800,commercial,2026-06-01
acme,ground,USD,2,2,lb,900,commercial,2026-06-01
acme,ground,USD,3,1,lb,850,commercial,2026-06-01
acme,ground,USD,3,2,lb,950,commercial,2026-06-01
"""
FUEL = """carrier,service,effective_from,percent,source,confidence
acme,ground,2026-06-01,20.00,contract 17,high
acme,ground,2026-06-08,20.25,contract 17,high
acme,ground,2026-06-15,20.50,contract 17,high
"""
FEES = f"""{COLUMNS["surcharges by zone"]}
acme,all,handling,USD,per_package,,2,8,3000,,2026-06-01,,contract 17,high
"""
FILES = {"acme.toml": MANIFEST, "ground.csv": RATES, "us/fuel_percent_history.csv": FUEL, "us/surcharges_us.csv": FEES}
EU_RATES = (
    COLUMNS["rates by size class and weight"]
    + """
acme,ground,USD,2,,454,800,no,commercial,2026-06-01,{until},{confidence},contract 17
acme,ground,USD,2,,908,900,no,commercial,2026-06-01,{until},high,contract 17
"""
)
SECOND_LIST = """
[[service.list]]
id = "acme-ground-2"
file = "later.csv"
rows = { service = ["ground"] }
source = "contract 18"
as_of = 2026-06-01
confidence = "high"

[[fee]]
"""
SECOND_FEE = """
[[fee]]
code = "oversize_surcharge"
detail = "over 40 in"
services = ["ground"]
row = ["us", "acme", "all", "handling"]
group = "dimensional"
priority = 3
over = { longest = "40 in" }
"""
Checked = Callable[[dict[str, str]], list[Finding]]


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    def run(files: dict[str, str]) -> list[Finding]:
        for name, text in (FILES | files).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        return check(Shelf(tmp_path, SHIPPED), TODAY)

    return run


def changed(file: str, *pairs: str) -> dict[str, str]:
    text = FILES[file]
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return {file: text}


def metric(until: str = "", confidence: str = "high") -> dict[str, str]:
    """The same list in grams, with the columns that tell of validity and confidence."""
    manifest = changed("acme.toml", "1 lb", "1 g", "2 lb", "908 g")
    return manifest | {"ground.csv": EU_RATES.format(until=until, confidence=confidence)}


def with_second_list(until: str, since: str) -> dict[str, str]:
    files = metric(until)
    files["acme.toml"] = files["acme.toml"].replace("\n[[fee]]\n", SECOND_LIST, 1)
    return files | {"later.csv": EU_RATES.format(until="", confidence="high").replace("2026-06-01", since)}


FAULTS = {
    "unknown_column": (changed("ground.csv", "price_minor", "price_minors"), "ground.csv", 1),
    "missing_column": (changed("ground.csv", ",rate_type", ",rate_types"), "ground.csv", 1),
    "short_row": (changed("ground.csv", "800,commercial,2026-06-01", "800"), "ground.csv", 2),
    "bad_value": (changed("ground.csv", "900,commercial,2026-06-01", "900,commercial,1 June"), "ground.csv", 3),
    "wrong_unit": (changed("ground.csv", "2,lb,900", "2,stone,900"), "ground.csv", 3),
    "file_empty": (changed("ground.csv", RATES, RATES.splitlines()[0] + "\n"), "ground.csv", 0),
    "file_missing": (changed("acme.toml", "ground.csv", "air.csv"), "air.csv", 0),
    "manifest_unreadable": (changed("acme.toml", "gaps = []", "gaps = ["), "acme.toml", 0),
    "manifest_invalid": (changed("acme.toml", "priority = 2", "prioriti = 2"), "acme.toml", 28),
    "no_rows": (changed("acme.toml", '["ground"] }', '["air"] }'), "ground.csv", 0),
    "price_falls": (changed("ground.csv", "2,2,lb,900", "2,2,lb,799"), "ground.csv", 3),
    "double_price": (changed("ground.csv", "3,2,lb,950", "3,1,lb,950"), "ground.csv", 5),
    "price_missing": (changed("ground.csv", "acme,ground,USD,3,1,lb,850,commercial,2026-06-01\n", ""), "ground.csv", 4),
    "low_confidence": (metric(confidence="low"), "ground.csv", 2),
    "confidence_overstated": (metric(confidence="medium"), "ground.csv", 2),
    "lists_overlap": (with_second_list("2026-06-12", "2026-06-10"), "later.csv", 2),
    "lists_gap": (with_second_list("2026-06-08", "2026-06-10"), "acme.toml", 0),
    "fuel_week_missing": (
        changed("us/fuel_percent_history.csv", "acme,ground,2026-06-08,20.25,contract 17,high\n", ""), "acme.toml", 0,
    ),
    "fee_without_amount": (changed("us/surcharges_us.csv", ",2,8,3000", ",2,2,3000"), "acme.toml", 0),
    "fee_never_applies": ({"acme.toml": MANIFEST + SECOND_FEE}, "acme.toml", 28),
}  # fmt: skip
DECEPTIVE = {
    "pounds for a service that rounds to kilograms": (changed("acme.toml", "1 lb", "1 kg"), "wrong_unit"),
    "another currency": (changed("ground.csv", "USD,2,1", "CAD,2,1"), "wrong_unit"),
    "major units": (changed("ground.csv", "lb,800", "lb,8.00"), "wrong_unit"),
    "a limit in a unit of another measure": (changed("acme.toml", "108 in", "108 lb"), "manifest_invalid"),
    "a limit above the last price": (changed("acme.toml", "2 lb", "3 lb"), "price_missing"),
    "a fee beyond the service's own limit": (changed("acme.toml", '"48 in"', '"108 in"'), "fee_never_applies"),
    "a fee in an unknown area": (changed("acme.toml", 'over = { longest = "48 in" }', 'area = "moon"'), "fee_never_applies"),
    "a fuel history that begins late": (
        changed("us/fuel_percent_history.csv", "acme,ground,2026-06-01,20.00,contract 17,high\n", ""), "fuel_week_missing"
    ),
}  # fmt: skip


def test_a_sound_pack_has_no_findings(checked: Checked) -> None:
    assert checked({}) == []
    assert checked(metric()) == []


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_told_with_file_row_and_fix(checked: Checked, code: str) -> None:
    files, file, row = FAULTS[code]
    found = [finding for finding in checked(files) if finding.code == code]
    assert [(finding.file, finding.row) for finding in found] == [(file, row)]
    assert found[0].severity == "error"
    assert found[0].what
    assert found[0].fix


@pytest.mark.parametrize("what", DECEPTIVE)
def test_a_deceptive_fault_is_seen(checked: Checked, what: str) -> None:
    files, code = DECEPTIVE[what]
    assert code in {finding.code for finding in checked(files)}


def test_an_admitted_gap_is_none(checked: Checked) -> None:
    files = with_second_list("2026-06-08", "2026-06-10")
    admitted = 'known_gaps = [{ since = 2026-06-09, until = 2026-06-09, why = "lost" }]\nrounding'
    files["acme.toml"] = files["acme.toml"].replace("rounding", admitted, 1)
    assert checked(files) == []


def test_a_newest_fuel_week_long_past_is_a_warning(checked: Checked) -> None:
    text = FUEL.replace("acme,ground,2026-06-15,20.50,contract 17,high\n", "")
    (found,) = checked({"us/fuel_percent_history.csv": text})
    assert (found.severity, found.code) == ("warning", "fuel_stale")


def test_shipped_packs_have_no_errors() -> None:
    found = check(SHIPPED, TODAY)
    assert [finding for finding in found if finding.severity == "error"] == []


def test_every_trusted_row_is_in_a_pack_or_excused_with_a_reason() -> None:
    coverage = coverage_of(SHIPPED)
    assert coverage.forgotten == frozenset()
    assert not coverage.used & coverage.excused
    assert len(coverage.used) > 22_000
    assert len(coverage.excused) < 350
    assert all(entry["why"] for entry in tomllib.loads(SHIPPED.text("unused.toml"))["unused"])


def test_a_forgotten_row_is_told(checked: Checked) -> None:
    (found,) = checked(
        changed(
            "ground.csv",
            "\nacme,ground,USD,2,1",
            "\nacme,air,USD,2,1,lb,800,commercial,2026-06-01\nacme,ground,USD,2,1",
        )
    )
    assert (found.severity, found.code, found.file, found.row) == ("warning", "row_unused", "ground.csv", 2)
