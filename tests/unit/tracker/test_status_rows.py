"""The rows that come with the package: complete, unambiguous, with a source, and told in every language."""

from __future__ import annotations

import csv
from datetime import date
from importlib.resources import files

import pytest
from pydantic import TypeAdapter
from unit.tracker.documented_journeys import journeys_of

from linkstar_contracts.events import ResponsibleParty, TrackingStatus
from linkstar_contracts.text import Token
from linkstar_tracker.domain.calendars import calendar_of
from linkstar_tracker.domain.meanings import UNKNOWN, StatusMap
from linkstar_tracker.domain.vocabulary import LANGUAGES, RETRACTION, Vocabulary, text_code


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("linkstar_tracker.domain").joinpath(name).read_text("utf-8").splitlines()))


ROWS, SOURCES, TEXTS = rows_of("status_map.csv"), rows_of("status_sources.csv"), rows_of("status_texts.csv")
CARRIERS = sorted({row["carrier"] for row in ROWS})
MAP, VOCABULARY = StatusMap.shipped(), Vocabulary.shipped()
JOURNEY = {
    "accepted", "in_transit", "out_for_delivery", "attempt_failed", "available_for_pickup", "held", "damaged",
    "return_to_sender", "returned", "delivered",
}  # fmt: skip


@pytest.mark.parametrize("name", ["status_texts.csv", "exception_texts.csv"])
def test_no_comma_cuts_a_text(name: str) -> None:
    for row in rows_of(name):
        assert None not in row, row
        assert not any(set(text) & set(",;:!?()") for column, text in row.items() if column.endswith("zh")), row


def test_every_row_has_a_source_with_its_document_date_and_standing() -> None:
    told = {journey.source for carrier in CARRIERS for journey in journeys_of(carrier)}
    assert {row["source"] for row in ROWS} | told == {source["source"] for source in SOURCES}
    for source in SOURCES:
        assert source["document"]
        assert date.fromisoformat(source["as_of"]) <= date(2026, 11, 23)
        assert source["standing"] in {"official", "client", "simulator"}
        assert source["url"].startswith("https://") or source["source"] == "simulator"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_each_carrier_can_tell_a_whole_journey(carrier: str) -> None:
    assert {row["status"] for row in ROWS if row["carrier"] == carrier} >= JOURNEY


@pytest.mark.parametrize("carrier", CARRIERS)
def test_each_carrier_has_a_calendar(carrier: str) -> None:
    assert calendar_of(carrier) is not calendar_of("nobody")


def test_a_simulated_code_never_takes_the_place_of_a_documented_one() -> None:
    documented = {row["carrier"] for row in ROWS if row["source"] != "simulator"}
    invented = {
        row["code"] for row in ROWS
        if row["source"] == "simulator" and row["carrier"] in documented - {"ups", "canada-post", "dpd-de"}
    }  # fmt: skip
    assert invented == {"SIM-DM", "SIM-RT"}


def test_every_substatus_can_be_told() -> None:
    token = TypeAdapter(Token)
    assert all(token.validate_python(row["substatus"]) for row in ROWS if row["substatus"])


def test_every_meaning_has_a_text_in_every_language_and_every_text_a_use() -> None:
    told = {MAP.meaning(row["carrier"], row["code"]).text_code for row in ROWS}
    texts = VOCABULARY.texts()
    assert told <= texts.keys()
    assert texts.keys() <= told | {text_code(status, None) for status in TrackingStatus} | {RETRACTION}
    assert all(text[language] for text in texts.values() for language in LANGUAGES)
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in text["zh"]) for text in texts.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_meanings_are_told_in_the_same_words(language: str) -> None:
    told = [row[language] for row in TEXTS]
    assert len(told) == len(set(told))


def test_a_code_without_a_text_is_told_by_its_status() -> None:
    assert VOCABULARY.text("held.by_a_dragon", "en") == VOCABULARY.text("held", "en") == "Held"
    assert VOCABULARY.text("on_the_moon", "zh") == "on_the_moon"
    assert VOCABULARY.text("delivered.to_neighbour", "zh") == "已由邻居代收"


def test_who_is_responsible_follows_from_what_happened() -> None:
    parties = {
        ("dhl-de", "NTDEL/NHOME"): ResponsibleParty.CONSIGNEE, ("dhl-de", "EXPHD/FRMJR"): ResponsibleParty.WEATHER,
        ("usps", "22"): ResponsibleParty.SELLER, ("fedex", "CD"): ResponsibleParty.CUSTOMS,
        ("royal-mail", "EVIPI"): ResponsibleParty.CARRIER, ("fedex", "DE"): ResponsibleParty.UNSET,
    }  # fmt: skip
    assert {key: MAP.meaning(*key).party for key in parties} == parties


@pytest.mark.parametrize(
    ("carrier", "code", "status", "substatus"),
    [
        ("usps", "16", "available_for_pickup", "at_pickup_point"),
        ("usps", "21", "return_to_sender", "address_problem"),
        ("ups", "YP", "in_transit", "preparing_delivery"),
        ("ups", "MP", "pending", "label_data"),
        ("fedex", "CD", "held", "customs"),
        ("fedex", "OX", "in_transit", "handed_to_partner"),
        ("dhl-de", "NTPUP", "pending", "pickup_failed"),
        ("dhl-de", "SRTED", "in_transit", "moving"),
        ("dhl-de", "TRBCR", "in_transit", "handed_to_partner"),
        ("dhl-de", "DLVRD/NGHBR", "delivered", "to_neighbour"),
        ("royal-mail", "EVAIE", "pending", "label_data"),
        ("royal-mail", "EVRTS", "returned", "back_at_sender"),
        ("colissimo", "DO3", "held", "customs"),
        ("colissimo", "AG1", "available_for_pickup", "at_pickup_point"),
        ("dpd-de", "delivery_carload", "out_for_delivery", None),
        ("hermes-de", "7000", "held", "delayed"),
        ("hermes-de", "4500", "held", "in_storage"),
        ("ups", "OT", "out_for_delivery", None),
        ("ups", "X/OT", "held", "customs"),
        ("ups", "X/59", "delivered", None),
        ("ups", "M/DP", "pending", "label_data"),
    ],
)
def test_codes_mean_what_their_carrier_says(carrier: str, code: str, status: str, substatus: str | None) -> None:
    meaning = MAP.meaning(carrier, code)
    assert (meaning.status, meaning.substatus) == (TrackingStatus(status), substatus)


def test_a_reason_without_a_row_means_what_its_event_means() -> None:
    assert MAP.meaning("dhl-de", "RETRN/WRGDT") == MAP.meaning("dhl-de", "RETRN")
    assert MAP.meaning("dhl-de", "WHAT/NHOME") is UNKNOWN
    assert MAP.meaning("usps", "/") is UNKNOWN


def test_a_code_without_a_row_is_unknown_and_a_note_moves_nothing() -> None:
    assert MAP.meaning("ups", "nonsense") is UNKNOWN
    assert MAP.meaning("dhl-de", "STORN").status is None
    assert MAP.meaning("dhl-de", "STORN").text_code == "note"
    assert MAP.meaning("fedex", "DL").status is TrackingStatus.DELIVERED


def test_two_rows_for_one_code_are_refused() -> None:
    with pytest.raises(ValueError, match="two rows for ups AR"):
        StatusMap.from_rows([row for row in ROWS if row["code"] == "AR" and row["carrier"] == "ups"] * 2)
    with pytest.raises(ValueError, match=r"two rows for held\.customs"):
        Vocabulary.from_rows([row for row in TEXTS if row["substatus"] == "customs"] * 2)


def test_a_status_or_substatus_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        StatusMap.from_rows([{**ROWS[0], "status": "vanished"}])
    with pytest.raises(KeyError):
        StatusMap.from_rows([{**ROWS[0], "status": "held", "substatus": "by_a_dragon"}])
