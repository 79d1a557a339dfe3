"""Alert rules name only what is exported, are evaluated by Prometheus's own checker, and lead to a runbook each."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.expressions import constants, faults, set_in_code

from linkstar_sandbox.errors import SandboxError
from linkstar_sandbox.promtool import find_promtool

ROOT = Path(__file__).parents[2]
PROMETHEUS, RUNBOOKS = ROOT / "deploy" / "prometheus", ROOT / "docs" / "runbooks"
FILES = sorted((PROMETHEUS / "alerts").glob("*.yaml"))
CASES = sorted((PROMETHEUS / "tests").glob("*.yaml"))
RULES: list[dict[str, Any]] = [
    rule for file in FILES for group in yaml.safe_load(file.read_text("utf-8"))["groups"] for rule in group["rules"]
]
PARTS = ["What it means", "What the customer feels", "Look at", "Act", "Verify"]


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_names_only_what_is_exported_and_tells_what_to_do(rule: dict[str, Any]) -> None:
    assert faults(rule["expr"]) == []
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{_kebab(rule['alert'])}.md"


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("linkstar_stage_lag_second > 60", "no metric linkstar_stage_lag_second"),
        ("sum by (tenant) (rate(linkstar_claims_total[5m]))", "linkstar_claims_total has no label tenant"),
        ('linkstar_dead_letters_total{code="x"} > 0', "linkstar_dead_letters_total has no label code"),
        ("sum by (job) (up) and on (shard) linkstar_shards_owned", "linkstar_shards_owned has no label shard"),
        ("histogram_quantile(0.9, rate(linkstar_emit_duration_seconds_sum[5m]))",
         "linkstar_emit_duration_seconds_sum has no label le"),
        ("linkstar_emit_duration_seconds > 1", "no metric linkstar_emit_duration_seconds"),
    ],
)  # fmt: skip
def test_a_planted_slip_is_found(broken: str, fault: str) -> None:
    assert fault in faults(broken)


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    assert {_kebab(name) for name in names} == {page.stem for page in RUNBOOKS.glob("*.md")}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: str(page.stem))
def test_a_runbook_says_everything_in_order_and_links_only_what_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    (rule,) = (rule for rule in RULES if _kebab(rule["alert"]) == page.stem)
    assert text.startswith(f"# {rule['alert']}: ")
    assert f"*Severity {rule['labels']['severity']}:" in text
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target
    for name in re.findall(r"`(linkstar_[a-z_]+)`", text):
        assert "" in {"".join(faults(name)), "".join(faults(f"{name}_count"))}, name


def test_every_alert_is_tested_both_ways() -> None:
    seen: dict[str, set[bool]] = {}
    for file in CASES:
        for case in yaml.safe_load(file.read_text("utf-8"))["tests"]:
            for expected in case["alert_rule_test"]:
                seen.setdefault(expected["alertname"], set()).add(bool(expected["exp_alerts"]))
    assert seen == {rule["alert"]: {True, False} for rule in RULES}


def test_what_the_catalogue_promises_is_measured() -> None:
    members = [*(ROOT / "libs").iterdir(), *(ROOT / "services").iterdir()]
    files = [path for member in members for path in member.glob("linkstar_*/**/*.py")]
    sources = "\n".join(path.read_text("utf-8") for path in files)
    assert [name for name, constant in constants().items() if not set_in_code(constant, sources)] == []
    assert not set_in_code("NEVER_SET", sources)


def test_prometheus_itself_evaluates_the_rules() -> None:
    try:
        promtool = find_promtool()
    except SandboxError as error:
        pytest.skip(str(error))
    for command in (["check", "rules", *FILES], ["test", "rules", *CASES]):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_itself_refuses_a_wrong_expectation(tmp_path: Path) -> None:
    """The check above can fail: one firing alert is declared quiet."""
    try:
        promtool = find_promtool()
    except SandboxError as error:
        pytest.skip(str(error))
    case = (PROMETHEUS / "tests" / "outbox.yaml").read_text("utf-8").replace("../alerts", str(PROMETHEUS / "alerts"))
    (tmp_path / "case.yaml").write_text(case.replace("'0+15x80'", "'0x80'"), "utf-8")
    done = subprocess.run([promtool, "test", "rules", tmp_path / "case.yaml"], capture_output=True, check=False)
    assert done.returncode != 0
