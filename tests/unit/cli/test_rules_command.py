"""`linkstar rules check` on the shipped examples and on what is no rule document."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from linkstar_cli.main import app

EXAMPLES = Path(__file__).parents[3] / "docs" / "rules"


def test_the_conflicting_example_is_refused_with_orders_that_show_it() -> None:
    done = CliRunner().invoke(app, ["rules", "check", str(EXAMPLES / "conflicting.yaml"), "--json"])
    assert done.exit_code == 1
    (verdict,) = json.loads(done.stdout)
    found = {(finding["code"], tuple(finding["rules"])): finding for finding in verdict["findings"]}
    contradiction = found["rules.contradictory", ("batteries-by-ground", "heavy-with-fedex")]
    assert contradiction["example"] == {"country": "US", "battery": "standalone", "weight": "51 lb"}
    assert ("rules.contradictory", ("heavy-with-fedex", "alaska-no-couriers")) in found
    assert ("rules.shadowed", ("hawaii-no-ups", "alaska-no-couriers")) in found
    assert ("rules.overlap", ("cheap-goods-with-usps", "amazon-with-ups")) in found
    assert ("rules.never_matches", ("feathers",)) in found
    assert not verdict["publishable"]
    assert verdict["skipped"] == []


def test_the_other_example_can_be_published() -> None:
    done = CliRunner().invoke(app, ["rules", "check", str(EXAMPLES / "example.yaml")])
    assert done.exit_code == 0
    assert "7 rules, 0 errors, 0 warnings" in done.stdout


def test_a_faulty_document_is_told_by_rule_and_field(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("rules: [{id: a, when: {wait: {over: 5 lb}}, then: {forbid: usps}}]")
    done = CliRunner().invoke(app, ["rules", "check", str(file), str(tmp_path / "absent.yaml")])
    assert done.exit_code == 1
    assert "rule a, when.wait: there is no field 'wait' [rules.unknown_field]" in done.output
    assert "did you mean weight?" in done.output
    assert "rules.unreadable" in done.output
