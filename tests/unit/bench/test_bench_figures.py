"""The bench's own arithmetic, and its offline verdict with errors planted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from linkstar_bench.carrier import PostedLabel, acceptance_scans, scans_of
from linkstar_bench.comparison import Size
from linkstar_bench.figures import Figures, Flatness, Series, percentile
from linkstar_bench.history import MARK, _expression, _multiplied
from linkstar_bench.load import accepted, by_key
from linkstar_bench.orders import TENANTS, OrderRecord, build_orders
from linkstar_bench.plot import bar_chart
from linkstar_bench.profile import shares
from linkstar_bench.relay import READS, WRITES
from linkstar_bench.report import markdown, table
from linkstar_bench.rounds import Burst, Round
from linkstar_bench.storage import Storage
from linkstar_bench.tracker.scanning import told_once
from linkstar_bench.usage import Reading, Usage, parse_stat
from linkstar_bench.verdict import FACTS, Census, Verdict, judge_topics
from linkstar_contracts.events import TrackingStatus, TrackingUpdated
from linkstar_contracts.record import parse_record
from linkstar_contracts.topics import CARRIER_SCANS, ORDERS_INBOUND, TOPICS
from linkstar_runtime.records import StoredRecord

NOW = datetime(2026, 6, 8, 12, tzinfo=UTC)
PROCESSES = ("ingest-1", "router-1", "labeler-1", "tracker-1", "returns-1", "kafka", "postgres", "carrier", "driver")


def test_percentile_is_the_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 0.99) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_stat_line_with_a_space_in_the_name() -> None:
    line = "42 (kafka ) x) S 1 42 42 0 -1 4194560 9 0 0 0 250 50 30 20 20 0 9 0 100 5000 7 18446744073709551615"
    own, reaped, resident = parse_stat(line)
    assert (own, reaped) == (3.0, 0.5)
    assert resident == 7 * 4096


def test_usage_between_readings_is_per_order() -> None:
    before = {"kafka": Reading(1.0, 10), "gone": Reading(5.0, 1)}
    after = {"kafka": Reading(3.0, 20), "new": Reading(9.0, 2)}
    used = Usage.between(before, after)
    assert used.us_per(1_000) == {"kafka": 2_000.0}
    assert used.resident_bytes["kafka"] == 20


def _orders(count: int = 3) -> list[OrderRecord]:
    return list(build_orders(count, 1, "t", NOW))


def _census(orders: list[OrderRecord]) -> dict[str, dict[bytes, list[tuple[str, bytes]]]]:
    """What a sound round leaves behind."""
    return {
        topic: {o.message.key: [(f"{topic}-{n}", b"content") for n in range(count)] for o in orders}
        for topic, count in FACTS.items()
    }


def _judge(census: Census, orders: list[OrderRecord]) -> tuple[int, int, int]:
    found = judge_topics(census, orders, FACTS)
    return found.lost, found.duplicated, found.copies


def test_verdict_on_a_sound_round() -> None:
    orders = _orders()
    found = judge_topics(_census(orders), orders, FACTS)
    assert (found.lost, found.duplicated, found.copies) == (0, 0, 0)
    assert found.examined == dict.fromkeys(FACTS, 3)


def test_verdict_sees_a_lost_event() -> None:
    orders, census = _orders(), _census(_orders())
    del census["labels"][orders[1].message.key]
    census["tracking-updated"][orders[0].message.key].pop()
    assert _judge(census, orders) == (2, 0, 0)


def test_verdict_sees_a_second_fact_and_one_identity_with_two_contents() -> None:
    orders, census = _orders(), _census(_orders())
    census["labels"][orders[0].message.key].append(("labels-again", b"content"))
    census["routes-chosen"][orders[2].message.key].append(("routes-chosen-0", b"other"))
    assert _judge(census, orders) == (0, 2, 0)


def test_verdict_tells_copies_from_doubles() -> None:
    orders, census = _orders(), _census(_orders())
    census["labels"][orders[0].message.key] *= 2
    assert _judge(census, orders) == (0, 0, 1)


def test_verdict_on_anonymous_records_counts_each() -> None:
    orders, census = _orders(), _census(_orders())
    census["labels"][orders[0].message.key] *= 2
    found = judge_topics(census, orders, FACTS, anonymous=True)
    assert (found.lost, found.duplicated) == (0, 1)


def test_verdict_without_cases_is_no_pass() -> None:
    assert not judge_topics({}, [], FACTS).exercised
    assert str(Verdict()).startswith("not_exercised")


def _round(seconds: float, orders: int = 1_000, lost: int = 0) -> Round:
    used = Usage(dict.fromkeys(PROCESSES, 0.5), dict.fromkeys(PROCESSES, 2**20))
    return Round(
        Burst(orders, seconds, used), Storage(9_000_000, 5_000_000, 3_000_000), Verdict(lost, examined={"labels": orders})
    )  # fmt: skip


def _figures() -> Figures:
    found = Figures(seed=1, seconds=60)
    times = {"linkstar": (1.0, 0.5, 2.0), "usual": (10.0,), "relay": (0.1,), "hop stage": (0.1,), "hop usual": (2.0,)}
    found.series = {name: Series([_round(each) for each in seconds]) for name, seconds in times.items()}
    found.latency_s = {"linkstar": [n / 1_000 for n in range(1, 101)]}
    found.latency_rate = {"linkstar": 500.0}
    found.scaling = {1: 500.0, 2: 800.0}
    found.flatness = Flatness(
        {0: [100.0, 900.0, 101.0], 10: [120.0]}, {0: [50.0], 10: [70.0]}, {0: 1, 10: 2}, {0: 1, 10: 2}
    )
    return found


def test_summary_is_made_of_medians() -> None:
    found = _figures().summary()
    assert found["linkstar_orders_per_s"] == 1_000
    assert (found["ratio_usual"], found["ratio_relay"], found["ratio_empty_hop"]) == (10.0, 0.1, 20.0)
    assert found["latency_ms"] == {"p50": 50.0, "p99": 99.0}
    assert found["cpu_us_per_order"]["kafka"] == 500
    assert "driver" not in found["cpu_us_per_order"]
    assert found["bytes_per_order"] == {"tables": 9_000, "wal": 5_000, "kafka": 3_000}


def test_flat_ratio_is_the_worse_of_cpu_and_wal() -> None:
    assert _figures().flatness.ratio == pytest.approx(70 / 50)
    assert Flatness({0: [1.0]}, {0: [1.0]}).ratio is None


def test_bars_are_judged_each_its_own_way() -> None:
    figures = _figures()
    assert figures.bars() == {"linkstar_orders_per_s": True, "ratio_usual": True, "flat_ratio": False}
    figures.flatness = Flatness()
    assert figures.bars()["flat_ratio"] is None


def test_a_run_that_lost_something_is_not_sound() -> None:
    figures = _figures()
    assert figures.sound()
    figures.more_verdicts["flatness"] = Verdict(duplicated=1, examined={"labels": 5})
    assert not figures.sound()
    figures = _figures()
    figures.series["linkstar"].rounds.append(_round(1.0, lost=1))
    assert not figures.sound()
    figures.series = {"linkstar": Series([Round(_round(1.0).burst, _round(1.0).storage, Verdict())])}
    assert not figures.sound()


def test_report_states_every_bar_and_verdict() -> None:
    page = markdown(_figures(), NOW, "make bench", "x.svg")
    assert "| linkstar_orders_per_s | 1000.0 | ≥ 1000 | met |" in page
    assert "| flat_ratio | 1.4 | ≤ 1.25 | **not met** |" in page
    assert page.count("lost 0, duplicated 0") == 5


def test_table_and_chart_are_well_formed() -> None:
    assert table(("a", "b"), [(1, 2)]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    chart = ElementTree.fromstring(bar_chart("a < b", [("x & y", 10.0), ("z", 1_000.0)], "/s", logarithmic=True))  # noqa: S314 - our own
    widths = [int(each.get("width", "0")) for each in chart.iter() if each.tag.endswith("rect")]
    assert widths[1] == pytest.approx(3 * widths[0], abs=3)


def test_profile_counts_recursion_once() -> None:
    alone, within, total = shares(["a;b;a 3", "a;c 1"])
    assert (alone["a"], within["a"], within["b"], total) == (3, 4, 3, 4)


def test_the_load_is_accepted_by_the_contract_and_the_same_every_time() -> None:
    orders = build_orders(40, 7, "x", NOW)
    assert orders == build_orders(40, 7, "x", NOW)
    assert {order.key[0] for order in orders} == set(TENANTS)
    for order in orders:
        event = parse_record(order.message.headers, order.message.value, ORDERS_INBOUND)
        assert (event.tenant, event.order_id) == order.key


def test_the_carrier_scans_labels_and_passes_voids_over() -> None:
    label = (
        b'{"tenant":"t","order_id":"o","shipment_id":"o","carrier":"usps","parcels":[{"tracking_number":"94001123"}]}'
    )
    created = StoredRecord("labels", 3, 0, b"t/o", label, (("ce_type", b"linkstar.label.created.v1"),))
    voided = StoredRecord("labels", 3, 1, b"t/o", b"{}", (("ce_type", b"linkstar.label.voided.v1"),))
    ((partition, key, body, headers),) = scans_of([created, voided], NOW)
    assert (partition, key) == (3, b"t/o")
    scan = parse_record(headers, body, CARRIER_SCANS)
    assert scan == next(iter(acceptance_scans(PostedLabel.model_validate_json(label), NOW)))


def _tracked(*, accepted: bool) -> StoredRecord:
    status = TrackingStatus.ACCEPTED if accepted else TrackingStatus.PENDING
    event = TrackingUpdated(
        tenant="t", order_id="o", shipment_id="o", version=1, occurred_at=NOW, carrier="usps", service="ga", status=status,
        accepted=accepted, parcel=1, tracking_number="94001123", parcel_status=status, scanned_at=NOW,
    )  # fmt: skip
    return StoredRecord("tracking-updated", 0, 0, b"t/o", event.body(), tuple(event.headers("/linkstar/tracker")))


def test_an_order_is_finished_when_accepted_or_with_its_nth_record() -> None:
    assert [accepted(_tracked(accepted=flag)) for flag in (False, True)] == [None, ("t", "o")]
    sign = by_key(2)
    assert [sign(_tracked(accepted=False)) for _ in range(3)] == [None, ("t", "o"), None]


def test_the_relay_writes_to_topics_and_reads_what_is_written() -> None:
    names = {topic.name for topic in TOPICS}
    written = {target for targets in WRITES.values() for target in targets}
    assert written == set(FACTS) <= names
    assert all(topic in READS[service] for service, topic in WRITES)


async def test_history_is_the_marked_rows_again_and_again() -> None:
    rows = f'{MARK}-0000001\t{{"id": "{MARK}-0000001"}}\n'.encode()
    found = b"".join([part async for part in _multiplied(rows, range(1, 43))]).decode().splitlines()
    assert len(set(found)) == len(found) == 42
    assert found[41] == 'h0042-0000001\t{"id": "h0042-0000001"}'


@pytest.mark.parametrize(
    ("column", "kept"),
    [
        (("number", "text", 22.0, True), f"\"number\" || '{MARK}'"),
        (("content", "jsonb", 900.0, False), "'{}'::jsonb"),
        (("fingerprint", "bytea", 17.0, False), '"fingerprint"'),
        (("shipment_id", "text", 99.0, True), '"shipment_id"'),
    ],
)
def test_history_keeps_keys_and_short_columns(column: tuple[str, str, float, bool], kept: str) -> None:
    assert _expression(*column) == kept


def test_a_round_of_linkstar_has_at_least_twenty_thousand_orders() -> None:
    assert Size().linkstar_orders >= 20_000
    assert Size().usual_orders >= 2_000
    assert Size().flat_rounds >= 5


def test_series_puts_verdicts_together() -> None:
    cases: Mapping[str, int] = Series([_round(1.0), _round(1.0, lost=2)]).verdict().examined
    assert cases == {"labels": 2_000}


def test_an_event_told_twice_does_not_stand_in_for_a_lost_one() -> None:
    first, second, other = ("a", b"1"), ("b", b"1"), ("a", b"2")
    assert told_once([first, second, first], 2)
    assert not told_once([first, first], 2)
    assert not told_once([first, other], 2)
    assert not told_once([first, other, second], 2)
