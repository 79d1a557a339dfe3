"""The gate finds every kind of planted change, says what it means, and lets nothing pass that it cannot judge."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contracts.golden import ROOT

from linkstar_contracts.compatibility import compare, explain
from linkstar_contracts.events import EVENTS, OrderSubmitted, RouteChosen
from linkstar_contracts.generate import edited_examples, generated_files, incompatible_changes, main, released_schemas
from linkstar_contracts.schemas import JsonSchema, event_name, schema_file, schema_of

Plant = Callable[[JsonSchema], Any]
FIELDS = "properties"


def money(schema: JsonSchema) -> JsonSchema:
    found: JsonSchema = schema["$defs"]["Money"]
    return found


PLANTS: list[tuple[str, Plant, str, str]] = [
    ("removed field", lambda s: s[FIELDS].pop("model_version"), "breaking", "field `model_version` was removed"),
    (
        "new required",
        lambda s: (s[FIELDS].update(eta={"type": "string"}), s["required"].append("eta")),
        "breaking",
        "field `eta` is new and required",
    ),
    (
        "new optional",
        lambda s: s[FIELDS].update(eta={"type": "string", "maxLength": 9, "default": ""}),
        "compatible",
        "optional field `eta` was added",
    ),
    (
        "renamed",
        lambda s: s[FIELDS].update(decision=s[FIELDS].pop("decision_id")),
        "breaking",
        "field `decision_id` was renamed to `decision`",
    ),
    ("optional became required", lambda s: s["required"].append("kind"), "breaking", "field `kind` is now required"),
    (
        "required became optional",
        lambda s: s["required"].remove("parcels"),
        "breaking",
        "field `parcels` is now optional",
    ),
    (
        "narrowed upper bound",
        lambda s: s[FIELDS]["parcels"].update(maxItems=5),
        "breaking",
        "`maxItems` of `parcels` was narrowed",
    ),
    (
        "widened upper bound",
        lambda s: money(s)[FIELDS]["amount_minor"].update(maximum=10**15),
        "breaking",
        "`maximum` of `route.total.amount_minor` was widened",
    ),
    (
        "narrowed lower bound",
        lambda s: s[FIELDS]["version"].update(minimum=2),
        "breaking",
        "`minimum` of `version` was narrowed",
    ),
    (
        "widened lower bound",
        lambda s: s[FIELDS]["version"].update(minimum=0),
        "breaking",
        "`minimum` of `version` was widened",
    ),
    (
        "dropped bound",
        lambda s: s[FIELDS]["excluded"].pop("maxItems"),
        "breaking",
        "`maxItems` of `excluded` was widened",
    ),
    (
        "closed value added",
        lambda s: s[FIELDS]["kind"]["enum"].append("reship"),
        "breaking",
        "value 'reship' was added to `kind`",
    ),
    (
        "closed value removed",
        lambda s: s[FIELDS]["kind"]["enum"].remove("return"),
        "breaking",
        "value 'return' of `kind` was removed",
    ),
    (
        "open value added",
        lambda s: s["$defs"]["AddressGrade"]["x-known-values"].append("guessed"),
        "compatible",
        "value 'guessed' was added to `destination.grade`, an open vocabulary",
    ),
    (
        "open value removed",
        lambda s: s["$defs"]["AddressGrade"]["x-known-values"].remove("verified"),
        "breaking",
        "value 'verified' of `destination.grade` was removed",
    ),
    (
        "vocabulary closed",
        lambda s: s["$defs"]["AddressGrade"].update(enum=["verified"]),
        "breaking",
        "value 'verified' was added to `destination.grade`, a closed vocabulary",
    ),
    (
        "type",
        lambda s: s[FIELDS]["order_version"].update(type="string"),
        "breaking",
        "`type` of `order_version` changed from 'integer' to 'string'",
    ),
    (
        "format",
        lambda s: s[FIELDS]["occurred_at"].update(format="date"),
        "breaking",
        "`format` of `occurred_at` changed",
    ),
    (
        "default",
        lambda s: s[FIELDS]["test"].update(default=True),
        "breaking",
        "`default` of `test` changed from False to True",
    ),
    (
        "closed to foreign fields",
        lambda s: s.update(additionalProperties=False),
        "breaking",
        "`additionalProperties` of `the event` changed",
    ),
    (
        "pattern",
        lambda s: s[FIELDS]["decision_id"].update(pattern="^d-.*$"),
        "unknown",
        "`pattern` of `decision_id` changed",
    ),
    (
        "unknown keyword",
        lambda s: s[FIELDS]["test"].update({"if": {"const": True}}),
        "unknown",
        "`if` of `test` changed from nothing",
    ),
    (
        "null admitted",
        lambda s: s[FIELDS]["route"].update(anyOf=[{"type": "null"}]),
        "unknown",
        "`anyOf` of `route` changed",
    ),
    (
        "alternative added",
        lambda s: s["$defs"]["CostedRoute"][FIELDS]["promise"]["anyOf"].append({"type": "string"}),
        "breaking",
        "`route.promise` admits 3 alternatives instead of 2",
    ),
    (
        "inside an alternative",
        lambda s: s["$defs"]["Promise"][FIELDS]["sample_size"].update(maximum=5),
        "breaking",
        "`maximum` of `route.promise.sample_size` was narrowed",
    ),
    (
        "inside a list",
        lambda s: s["$defs"]["Parcel"][FIELDS].pop("declared_value"),
        "breaking",
        "field `parcels[].declared_value` was removed",
    ),
]


def changed(plant: Plant) -> tuple[JsonSchema, JsonSchema]:
    old = schema_of(RouteChosen)
    new = copy.deepcopy(old)
    plant(new)
    return old, new


@pytest.mark.parametrize(("plant", "verdict", "sentence"), [row[1:] for row in PLANTS], ids=[row[0] for row in PLANTS])
def test_planted_change(plant: Plant, verdict: str, sentence: str) -> None:
    changes = compare(*changed(plant))
    assert changes
    assert {change.verdict for change in changes} == {verdict}
    assert any(change.sentence.startswith(sentence) for change in changes), changes


@pytest.mark.parametrize("event", EVENTS.values(), ids=event_name)
def test_no_difference_no_change(event: Any) -> None:
    assert compare(schema_of(event), json.loads(json.dumps(schema_of(event)))) == []


def test_words_and_order_are_free() -> None:
    def reword(schema: JsonSchema) -> None:
        schema["description"] = "Said better."
        schema["required"].reverse()
        schema["$defs"] = dict(reversed(schema["$defs"].items()))

    assert compare(*changed(reword)) == []


def test_a_value_that_only_moved_to_another_definition_is_the_same() -> None:
    def inline(schema: JsonSchema) -> None:
        schema["properties"]["warehouse"] = schema["$defs"].pop("Warehouse")

    assert compare(*changed(inline)) == []


def test_explanation_names_the_services() -> None:
    old, new = changed(lambda schema: schema["properties"].pop("account", schema["properties"].pop("decision_id")))
    assert explain(RouteChosen.TYPE, compare(old, new)[0]) == (
        "linkstar.route.chosen.v1: breaking: field `decision_id` was removed: readers still expect it "
        "(written by router; read by labeler)"
    )


def test_a_door_that_grows_must_be_deployed_reader_first() -> None:
    old = schema_of(OrderSubmitted)
    new = copy.deepcopy(old)
    new["properties"]["gift"] = {"type": "boolean", "default": False}
    (change,) = compare(old, new)
    assert change.verdict == "compatible"
    assert "deploy its reader before any writer" in change.sentence


def test_present_schemas_keep_every_release() -> None:
    assert list(incompatible_changes(ROOT)) == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose first release was frozen a moment ago."""
    assert main(["--checkout", str(tmp_path), "--release", "1.0"]) == 0
    return tmp_path


def test_release_freezes_every_schema(checkout: Path) -> None:
    assert {path.name for path in released_schemas(checkout)} == {schema_file(event) for event in EVENTS.values()}
    assert main(["--checkout", str(checkout), "--check"]) == 0


def released(checkout: Path, plant: Plant) -> Path:
    """Damage the frozen schema, as if the present one had changed the other way round."""
    path = checkout / "libs/contracts/schemas/released/1.0" / schema_file(RouteChosen)
    schema = json.loads(path.read_text("utf-8"))
    plant(schema)
    path.write_text(json.dumps(schema), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("plant", "word"),
    [
        (lambda s: s["properties"].update(gone={"type": "string"}), "breaking"),
        (lambda s: s.update(contains=1), "unknown"),
    ],
)
def test_refused_change_writes_nothing(
    checkout: Path, capsys: pytest.CaptureFixture[str], plant: Plant, word: str
) -> None:
    released(checkout, plant)
    document = checkout / "docs/asyncapi.yaml"
    document.write_text("stale", encoding="utf-8")
    capsys.readouterr()
    assert main(["--checkout", str(checkout)]) == 1
    assert f"linkstar.route.chosen.v1: {word}: " in (said := capsys.readouterr().out)
    assert "released in 1.0. Make it route-chosen.v2." in said
    assert document.read_text() == "stale"


def test_released_event_may_not_vanish(checkout: Path) -> None:
    path = released(checkout, lambda schema: None)
    path.rename(path.with_name("route-forgotten.v1.json"))
    assert [line for line in incompatible_changes(checkout) if line.startswith("route-forgotten.v1.json: breaking")]


def test_released_golden_messages_are_never_edited(checkout: Path) -> None:
    example = checkout / "libs/contracts/examples/order-cancelled/v1/minimal.json"
    example.parent.mkdir(parents=True)
    example.write_text("{}")
    assert main(["--checkout", str(checkout), "--release", "1.1"]) == 0
    assert list(edited_examples(checkout)) == []
    example.write_text("{ }")
    assert main(["--checkout", str(checkout)]) == 1
    example.unlink()
    assert list(edited_examples(checkout)) == [
        "order-cancelled/v1/minimal.json: released in 1.1, and since then edited or deleted"
    ]


def test_no_golden_message_of_a_release_was_edited() -> None:
    assert list(edited_examples(ROOT)) == []


def test_every_generated_file_is_committed_and_current() -> None:
    stale = [str(path) for path, text in generated_files().items() if (ROOT / path).read_text("utf-8") != text]
    assert stale == [], "run `make contracts`"


def test_no_orphan_schema() -> None:
    generated = {path.name for path in generated_files() if path.suffix == ".json"}
    assert {path.name for path in (ROOT / "libs/contracts/schemas").glob("*.json")} == generated


def test_versions_of_an_event_are_dense() -> None:
    by_name: dict[str, list[int]] = {}
    for path in (ROOT / "libs/contracts/schemas").glob("*.json"):
        name, _, version = path.stem.rpartition(".v")
        by_name.setdefault(name, []).append(int(version))
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in by_name.values())
