"""Every golden message ever committed is readable, complete and exactly what the present code would write."""

from __future__ import annotations

import json

import pytest
from contracts.golden import EXAMPLES, GOLDENS, ROOT, SCHEMAS, Golden
from jsonschema import Draft202012Validator

from linkstar_contracts.event import Event
from linkstar_contracts.events import EVENTS
from linkstar_contracts.generate import released_schemas
from linkstar_contracts.schemas import event_name, event_version, schema_file

each_golden = pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
each_event = pytest.mark.parametrize("event", EVENTS.values(), ids=event_name)


@each_golden
def test_parses_and_round_trips(golden: Golden) -> None:
    event = golden.event()
    assert type(event) is golden.event_class
    assert type(event).model_validate_json(event.body()) == event


@each_golden
def test_present_code_writes_the_same_record(golden: Golden) -> None:
    event = golden.event()
    source, trace = golden.headers["ce_source"], golden.headers.get("traceparent")
    assert dict(event.headers(source, trace)) == dict(golden.raw_headers)
    assert event.key == golden.key
    assert {**json.loads(event.body()), **golden.body} == json.loads(event.body())


@each_golden
def test_obeys_the_committed_schema(golden: Golden) -> None:
    schema = json.loads((SCHEMAS / schema_file(golden.event_class)).read_text("utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(golden.body)


@each_golden
def test_obeys_every_released_schema(golden: Golden) -> None:
    """What is written today, a consumer of any earlier release understands."""
    for path in released_schemas(ROOT):
        if path.name == schema_file(golden.event_class):
            Draft202012Validator(json.loads(path.read_text("utf-8"))).validate(json.loads(golden.event().body()))


@each_golden
def test_stands_in_the_folder_of_its_event(golden: Golden) -> None:
    event = golden.event_class
    assert golden.path.parent == EXAMPLES / event_name(event) / f"v{event_version(event)}"


@each_event
def test_minimal_says_only_what_it_must_and_full_says_everything(event: type[Event]) -> None:
    bodies = {golden.path.stem: golden.body for golden in GOLDENS if golden.event_class is event}
    fullest = max((body for name, body in bodies.items() if name.startswith("full")), key=len)
    assert fullest.keys() == event.model_fields.keys()
    least = bodies["minimal"]
    needed = {name for name, field in event.model_fields.items() if field.is_required()}
    assert needed <= least.keys()
    defaults = {name: value for name, value in least.items() if name not in needed}
    assert event.model_validate_json(json.dumps(least)) == event.model_validate_json(
        json.dumps({name: value for name, value in least.items() if name not in defaults})
    )
