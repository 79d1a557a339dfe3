"""At a door no object may name a key twice, however the reader comes to see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from contracts.golden import GOLDENS, Golden
from hypothesis import given
from hypothesis import strategies as st

from linkstar_contracts import RecordError
from linkstar_contracts.events import CarrierScan
from linkstar_contracts.record import _plainly_unique, _strings, parse_body

DOORS = [one for one in GOLDENS if one.topic.door]
SCANS = [one for one in DOORS if one.event_class is CarrierScan]


class Pairs(list[tuple[str, Any]]):
    """A JSON object as pairs, so that a key can stand in it twice."""


def written(value: Any, colon: str) -> str:
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(key)}{colon}{written(each, colon)}" for key, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(each, colon) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def objects(value: Any) -> Iterator[Pairs]:
    if isinstance(value, Pairs):
        yield value
        for _, each in value:
            yield from objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from objects(each)


def paired(at: Golden) -> Pairs:
    pairs: Pairs = json.loads(at.value, object_pairs_hook=Pairs)
    return pairs


def read(at: Golden, value: str) -> Any:
    return parse_body(at.event_class, value.encode(), strict=True)


@given(st.data(), st.sampled_from(DOORS), st.sampled_from([":", ": ", " :", "\t:\n"]))
def test_a_key_named_twice_is_refused_whatever_it_says(data: st.DataObject, at: Golden, colon: str) -> None:
    body = paired(at)
    assert read(at, written(body, colon)) == at.event()
    place = data.draw(st.sampled_from([each for each in objects(body) if each]))
    position = data.draw(st.integers(0, len(place) - 1))
    key, value = place[position]
    first = data.draw(st.sampled_from([value, None, 0, True, "", "x", ":", [], Pairs()]))
    place.insert(position, (key, first))
    with pytest.raises(RecordError) as caught:
        read(at, written(body, colon))
    assert caught.value.code == "record.duplicate_key"


@given(st.data(), st.sampled_from(DOORS))
def test_no_more_strings_are_counted_than_stand_there(data: st.DataObject, at: Golden) -> None:
    body = paired(at)
    place = data.draw(st.sampled_from([each for each in objects(body) if each]))
    position = data.draw(st.integers(0, len(place) - 1))
    place[position] = (place[position][0], data.draw(st.sampled_from([None, 0, 1, 2.5, True, "1", "x", [], Pairs()])))
    text = written(body, ":")
    with suppress(RecordError):
        assert 2 * _strings(read(at, text)) <= text.replace('\\"', "").count('"')


def test_one_reading_is_enough_for_an_ordinary_scan_and_escapes_take_another() -> None:
    for at in SCANS:
        assert _plainly_unique(at.value, at.event()) is (b"\\" not in at.value)
    twice = SCANS[0].value[:-1] + b',"code":' + json.dumps(SCANS[0].body["code"]).encode() + b"}"
    assert not _plainly_unique(twice, SCANS[0].event())
