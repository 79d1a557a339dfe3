"""Contracts, and fees that depend on others, on what is asked for or on what is inside, line by line."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.router.pricing_desk import course_on, priced

from linkstar_router.domain.agreements import agreed
from linkstar_router.domain.bulk import columns_of, rate_many
from linkstar_router.domain.checks.layouts import LAYOUTS
from linkstar_router.domain.manifest import parsed
from linkstar_router.domain.packs import compiled
from linkstar_router.domain.published import SHIPPED, Shelf
from linkstar_router.domain.tariff import Contract, Line, Rated, Service

COLUMNS = {layout.name: ",".join(layout.columns) for layout in LAYOUTS}
DAY = date(2026, 6, 20)
MANIFEST = """
carrier = "acme"
country = "GB"
currency = "GBP"
zone_system = "one"
calendar = "evri"
vat_basis_points = 2000
gaps = []

[[service]]
service = "van"
level = "standard"
po_box = false
batteries = ["in_equipment"]
liquid = true
signature = "none"
appointment = true
limits = { weight = "30 kg", longest = "300 cm" }
rounding = [{ step = "1 kg" }]

[[service.list]]
id = "acme-van"
file = "van.csv"
rows = { service = ["van"] }
source = "contract 17"
as_of = 2026-06-01
confidence = "high"
"""
RATES = f"""{COLUMNS["rates by size class and weight"]}
acme,van,GBP,UK,,30000,1000,no,commercial,2026-01-01,,high,contract 17
"""
FEES = f"""{COLUMNS["surcharges by country"]}
GB,acme,long,12.00,per parcel,GBP,no,commercial,over 100 cm,,high,contract 17
GB,acme,peak long,3.00,per parcel,GBP,no,commercial,with long only,2026-06-01,high,contract 17
GB,acme,slot,2.50,per parcel,GBP,no,commercial,appointment,,high,contract 17
GB,acme,wet,1.10,per parcel,GBP,no,commercial,liquids,,high,contract 17
GB,acme,lithium,1.30,per parcel,GBP,no,commercial,batteries,,high,contract 17
GB,acme,back,0.80,per parcel,GBP,no,commercial,return processing,,high,contract 17
GB,acme,heavy,4.00,per parcel,GBP,no,commercial,over 20 kg,,high,contract 17
"""
FEE = """
[[fee]]
code = "{code}"
detail = "{row}"
services = ["van"]
row = ["own", "acme", "{row}"]
{more}
"""
FEE_RULES = "".join(
    FEE.format(code=code, row=row, more=more)
    for code, row, more in (
        ("length_surcharge", "long", 'group = "size"\nover = { longest = "100 cm" }'),
        ("demand_surcharge", "peak long", 'needs = "length_surcharge"'),
        ("appointment", "slot", "appointment = true"),
        ("liquid_surcharge", "wet", 'contents = ["liquid"]'),
        ("battery_surcharge", "lithium", 'contents = ["in_equipment"]'),
        ("return_processing", "back", "returning = true"),
        ("heavy_surcharge", "heavy", 'billable_over = "20 kg"'),
    )
)


@pytest.fixture
def van(tmp_path: Path) -> Any:
    def build(contract: str = "", fees: str = FEE_RULES) -> Service:
        (tmp_path / "van.csv").write_text(RATES)
        (tmp_path / "surcharges.csv").write_text(FEES)
        manifest = parsed(tomllib.loads(MANIFEST.replace("rounding", f"{contract}\nrounding") + fees), "acme.toml")
        return compiled(Shelf(tmp_path, SHIPPED), manifest, manifest.service[0], {})

    return build


def lines(
    service: Service, weight: str = "5 kg", box: str = "50 40 30 cm", day: date = DAY, **more: Any
) -> dict[str, int]:
    parcels = more.pop("parcels", 1)
    rated = priced(course_on(service, "1", day, **more), weight, box, parcels=parcels)
    assert isinstance(rated, Rated)
    return {line.code: line.amount for line in rated.lines}


@pytest.mark.parametrize(
    ("asked", "fee"),
    [
        ({}, {}),
        ({"box": "101 40 30 cm"}, {"length_surcharge": 1200, "demand_surcharge": 300}),
        ({"box": "101 40 30 cm", "day": date(2026, 5, 31)}, {"length_surcharge": 1200}),
        ({"appointment": True}, {"appointment": 250}),
        ({"contents": frozenset({"liquid"})}, {"liquid_surcharge": 110}),
        ({"contents": frozenset({"in_equipment"})}, {"battery_surcharge": 130}),
        ({"contents": frozenset({"standalone"})}, {}),
        ({"returning": True}, {"return_processing": 80}),
        ({"weight": "20 kg"}, {}),
        ({"weight": "20.001 kg"}, {"heavy_surcharge": 400}),
    ],
)
def test_a_fee_is_charged_where_its_condition_holds_only(van: Any, asked: dict[str, Any], fee: dict[str, int]) -> None:
    found = lines(van(), **asked)
    net = 1000 + sum(fee.values())
    assert found == {"base_rate": 1000, **fee, "vat": net * 20 // 100}


def test_a_contract_takes_its_discounts_one_after_the_other_then_adds_its_fee(van: Any) -> None:
    service = van(
        "contract = { basis_points = 3000, tiers = [{ parcels = 100, basis_points = 200 }, { parcels = 500, "
        "basis_points = 500 }, { parcels = 1000, basis_points = 900 }], parcels_per_week = 640, pooled_basis_points = 100, "
        "platform_fee_minor = 20, platform_fee_basis_points = 150 }"
    )
    # 1000 - 30 % = 700; - 5 % of 700 = 665; - 1 % of 665 = 6.65; fee 0.20 + 1.5 % of 6.58 = 9.87
    assert lines(service) == {
        "base_rate": 1000, "contract_discount": -300, "volume_discount": -35, "pooling_discount": -7, "platform_fee": 30,
        "vat": 138,
    }  # fmt: skip


def test_a_discount_stops_at_the_minimum_charge_per_parcel(van: Any) -> None:
    service = van("contract = { basis_points = 5000, floor_minor = 800 }")
    assert lines(service) == {"base_rate": 1000, "contract_discount": -200, "vat": 160}
    assert lines(service, parcels=2) == {"base_rate": 2000, "contract_discount": -400, "vat": 320}


def test_a_contract_that_names_fees_discounts_them_too(van: Any) -> None:
    service = van('contract = { basis_points = 1000, lines = ["base_rate", "length_surcharge"] }')
    assert lines(service, box="101 40 30 cm")["contract_discount"] == -220


def test_columns_know_contracts(van: Any) -> None:
    service = van("contract = { basis_points = 3333, floor_minor = 500, platform_fee_basis_points = 77 }")
    course = course_on(service, "1", DAY, appointment=True)
    from unit.router.pricing_desk import measured

    parcels = [measured(f"{kilos} kg", f"{kilos * 9} 20 10 cm") for kilos in range(1, 31)]
    many = rate_many(course, columns_of(parcels))
    for index, kilos in enumerate(range(1, 31)):
        one = priced(course, f"{kilos} kg", f"{kilos * 9} 20 10 cm")
        assert isinstance(one, Rated)
        assert (many.net[index], many.total[index]) == (one.net, one.total)


amounts = st.integers(0, 1_000_000)
points = st.integers(0, 10_000)


@given(base=amounts, first=points, second=points, floor=st.integers(0, 5_000), parcels=st.integers(1, 5))
def test_no_discount_ever_passes_the_floor_nor_turns_into_a_charge(
    base: int, first: int, second: int, floor: int, parcels: int
) -> None:
    made = agreed(
        Contract(first, second, 0, frozenset({"base_rate"}), floor, 0, 0), [Line("base_rate", base, "")], parcels
    )
    left = base + sum(line.amount for line in made)
    assert min(base, floor * parcels) <= left <= base
    assert all(line.amount < 0 for line in made)


@given(base=amounts, one=st.integers(0, 5_000), two=st.integers(0, 5_000))
def test_a_discount_split_over_two_contracts_differs_by_rounding_only(base: int, one: int, two: int) -> None:
    """Of the whole list both take their share of the same sum: split or not, at most one minor unit lies between."""
    sheet = [Line("base_rate", base, "")]

    def taken(basis_points: int) -> int:
        made = agreed(Contract(basis_points, 0, 0, frozenset({"base_rate"}), 0, 0, 0), sheet, 1)
        return -sum(line.amount for line in made)

    assert abs(taken(one + two) - taken(one) - taken(two)) <= 1


@given(bases=st.lists(amounts, min_size=1, max_size=6), basis_points=points)
def test_a_discount_on_several_lines_is_that_on_their_sum(bases: list[int], basis_points: int) -> None:
    codes = [f"line_{number}" for number in range(len(bases))]
    contract = Contract(basis_points, 0, 0, frozenset(codes), 0, 0, 0)
    split = agreed(contract, [Line(code, base, "") for code, base in zip(codes, bases, strict=True)], 1)
    whole = agreed(contract, [Line(codes[0], sum(bases), "")], 1)
    assert split == whole
