"""The demo's order files: real formats, real postcodes, known flaws, and the same bytes for the same seed."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zipcodes
from pydantic import ValidationError

from linkstar_contracts.events import EVENTS, OrderCancelRequested, OrderSubmitted
from linkstar_sandbox.order_files import PRODUCTS, OrderBook, build_order_book, load_expectations
from linkstar_sandbox.order_files.catalogue import places
from linkstar_sandbox.order_files.flaws import FLAWS

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def book() -> OrderBook:
    return build_order_book(seed=7, now=NOW)


def rows_of(book: OrderBook, name: str, encoding: str = "utf-8", delimiter: str = ",") -> list[dict[str, str]]:
    content = next(file.content for file in book.files if file.name == name)
    return list(csv.DictReader(io.StringIO(content.decode(encoding)), delimiter=delimiter))


def test_same_seed_same_bytes_other_seed_other_bytes(book: OrderBook) -> None:
    assert build_order_book(seed=7, now=NOW) == book
    assert build_order_book(seed=8, now=NOW).files[0].content != book.files[0].content


def test_there_are_enough_orders_and_every_id_is_expected_once(book: OrderBook) -> None:
    ids = [(expectation.order_id, expectation.flaw) for expectation in book.expectations]
    assert len(ids) == len(set(ids)) >= 520
    outcomes = Counter(expectation.outcome for expectation in book.expectations)
    assert outcomes["rejected"] >= 30
    assert outcomes["dead_lettered"] == 6
    assert outcomes["accepted"] >= 500
    assert sum(expectation.cancelled for expectation in book.expectations) == 16


def test_every_flaw_is_shown_by_some_file(book: OrderBook) -> None:
    assert {flaw.name for flaw in FLAWS} <= {expectation.flaw for expectation in book.expectations}


def test_expected_rows_are_the_line_numbers_of_the_files(book: OrderBook) -> None:
    table = rows_of(book, "amazon-us-unshipped.txt", delimiter="\t")
    for expectation in book.expectations:
        if expectation.door == "amazon-us-unshipped.txt":
            assert "amazon-" + table[expectation.row - 2]["order-id"] == expectation.order_id


def test_shopify_orders_of_many_lines_leave_order_columns_empty(book: OrderBook) -> None:
    table = rows_of(book, "shopify-us.csv")
    by_order: dict[str, list[dict[str, str]]] = {}
    for row in table:
        by_order.setdefault(row["Name"], []).append(row)
    later = [row for rows in by_order.values() for row in rows[1:]]
    assert len(later) > 20
    assert {row["Shipping Zip"] + row["Currency"] for row in later} == {""}
    assert sum(rows[0]["Shipping Zip"].startswith("'") for rows in by_order.values()) > 150


def test_shopify_uk_repeats_orders_of_the_first_export(book: OrderBook) -> None:
    first = {row["Name"] for row in rows_of(book, "shopify-us.csv")}
    assert len(first & {row["Name"] for row in rows_of(book, "shopify-uk.csv")}) == 4


def test_own_files_come_in_their_encodings_with_cancel_rows(book: OrderBook) -> None:
    content = {file.name: file.content for file in book.files}
    assert content["linkstar-eu.csv"].startswith(b"\xef\xbb\xbf")
    with pytest.raises(UnicodeDecodeError):
        content["linkstar-erp-gb18030.csv"].decode("utf-8")
    kinds = Counter(row["row_kind"] for row in rows_of(book, "linkstar-erp-gb18030.csv", "gb18030"))
    assert kinds["cancel"] == 6


def test_american_postcodes_lie_in_their_town_and_state() -> None:
    for place in places()["US"]:
        [found] = zipcodes.matching(place.postcode)
        assert (found["city"], found["state"]) == (place.city, place.region)


def test_every_destination_country_has_places_and_every_sku_is_unique() -> None:
    assert {country: len(found) > 20 for country, found in places().items()} == dict.fromkeys(
        ("US", "CA", "GB", "DE", "FR"), True
    )
    assert len({product.sku for product in PRODUCTS}) == len(PRODUCTS)


def test_good_messages_satisfy_the_contract_and_poison_does_not(book: OrderBook) -> None:
    poisoned = {e.order_id for e in book.expectations if e.outcome == "dead_lettered" and e.flaw != "unknown warehouse"}
    seen: Counter[type] = Counter()
    for message in book.messages:
        headers = dict(message.headers)
        order_id = message.key.decode().removeprefix("demo/")
        if order_id in poisoned:
            if order_id != "erp-poison-headless":
                with pytest.raises(ValidationError):
                    OrderSubmitted.model_validate_json(message.value)
            continue
        event = EVENTS[headers["ce_type"].decode()].model_validate_json(message.value)
        assert (event.ce_id.encode(), event.key.encode()) == (headers["ce_id"], message.key)
        seen[type(event)] += 1
    assert seen == {OrderSubmitted: 46, OrderCancelRequested: 4}


def test_a_cancel_stands_before_its_order_once(book: OrderBook) -> None:
    types: dict[bytes, list[str]] = {}
    for message in book.messages:
        name = dict(message.headers).get("ce_type", b"").decode()
        types.setdefault(message.key, []).append(name)
    cancelled_first = [key for key, names in types.items() if "cancel" in names[0]]
    assert cancelled_first == [b"demo/erp-2004"]


def test_a_saved_book_reads_back(book: OrderBook, tmp_path: Path) -> None:
    book.save(tmp_path)
    assert tuple(load_expectations(tmp_path)) == book.expectations
    assert json.loads((tmp_path / "expectations.json").read_text("utf-8"))[0]["order_id"] == "shopify-1001"
