"""Actions and automation rules over HTTP, the command line and real PostgreSQL: asked for once, whatever crashes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from integration.tracker.tracking_counter import Counter, opened_counter
from unit.tracker.tracked_facts import LABELLED, NUMBERS, label, scan

from linkstar_contracts.event import Event
from linkstar_contracts.events import ActionAnswered, ActionKind, ActionRequested, ActionState, RuleFired
from linkstar_contracts.evidence_pack import verified
from linkstar_contracts.values import Consignee
from linkstar_runtime.handling import Linked, Received, Transaction
from linkstar_runtime.master_keys import MasterKeys
from linkstar_runtime.vault import Vault
from linkstar_tracker.domain.shipment import Rules
from linkstar_tracker.handlers import Automation, on_shipment_actions

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]

PERSON = {
    "name": "Wu Lan", "street": "9 Quiet Lane", "city": "Troy", "region": "NY", "postcode": "12180", "country": "US"
}  # fmt: skip
LOST = {
    "id": "trace-what-is-lost", "when": {"code": ["track.no_acceptance"], "country": ["US"]},
    "then": {"action": "trace", "assignee": "claims", "notify": ["ops", "buyer-care"]},
}  # fmt: skip
LATER = {"id": "reship-later", "when": {"code": "track.no_acceptance", "age_hours": 48}, "then": {"action": "reship"}}


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened_counter(database_url, tmp_path) as opened:
        yield opened


async def asked(counter: Counter, body: dict[str, Any], key: str = "k-1") -> tuple[int, dict[str, Any]]:
    path, headers = "/v1/trackers/s-1/actions", {"Idempotency-Key": key}
    answer = await counter.client.post(path, json=body, headers=headers)
    return answer.status_code, answer.json()


async def answered(counter: Counter, action_id: str) -> None:
    """Tell the tracker that the carrier takes no such call."""
    kind = ActionKind(action_id.partition(".")[0])
    answer = ActionAnswered(
        tenant="demo", order_id="s-1", shipment_id="s-1", version=1, occurred_at=LABELLED, action_id=action_id,
        kind=kind, state=ActionState.UNSUPPORTED, code="no_carrier_call", detail="Call them.",
        detail_zh="请致电。",
    )  # fmt: skip
    async with counter.desk.database.transaction() as tx:
        await on_shipment_actions([Received(answer, answer.key, 3)], tx)


async def judged(counter: Counter, hours: float, *, crash: bool = False) -> Sequence[Event]:
    """Let the watch timer and the rules look at everything at an hour after the label; `crash` loses their transaction."""
    await counter.desk.timer(hours)
    told: list[Event] = []
    try:
        async with counter.desk.database.transaction() as tx:
            events = await Automation(Rules.shipped()).judge_exceptions([3], tx)
            told = [each.event if isinstance(each, Linked) else each for each in events]
            if crash:
                raise InterruptedError
    except InterruptedError:
        return told
    return told


async def test_an_action_is_asked_for_once_per_key_answered_and_told(counter: Counter) -> None:
    assert (await asked(counter, {"kind": "trace"}))[1]["code"] == "shipment_unknown"
    await counter.desk.labels(label())
    status, first = await asked(counter, {"kind": "hold", "pickup_point": "NYC-1"})
    assert (status, first["action_id"], first["state"]) == (201, "hold.s-1", "requested")
    assert await asked(counter, {"kind": "hold", "pickup_point": "NYC-1"}) == (201, first)
    assert (await asked(counter, {"kind": "trace"}))[1]["code"] == "idempotency_key_reused"
    assert (await asked(counter, {"kind": "hold"}, "k-2"))[1]["code"] == "action_open"
    refused = (await asked(counter, {"kind": "redirect"}, "k-3"))[1]
    assert (refused["code"], refused["fix"]) == ("validation_failed", "Send either consignee or pickup_point.")
    for _ in range(2):
        await answered(counter, "hold.s-1")
    assert "请致电" in await counter.linkstar("track", "s-1", "--lang", "zh")
    assert "unsupported" in await counter.linkstar("action", "list", "s-1")
    told_zh = await counter.linkstar("action", "list", "s-1", "--lang", "zh")
    assert "提出方" in told_zh
    assert "承运商无接口" in told_zh
    await counter.linkstar("action", "end", "s-1", "hold.s-1", "done", "--confirmation", "H-1")
    [told] = json.loads(await counter.linkstar("action", "list", "s-1", "--json"))
    assert (told["state"], told["version"], told["confirmation"]) == ("done", 3, "H-1")
    proof = verified((await counter.client.post("/v1/evidence/s-1")).content)
    assert proof.faults == ()
    assert proof.pack is not None
    assert [each.kind for each in proof.pack.entries] == ["label", "action", "action_answer", "action_answer"]
    assert [(each.fact or {}).get("state") for each in proof.pack.entries[2:]] == ["unsupported", "done"]


async def test_a_new_address_is_sealed_with_its_orders_key_and_shown_to_nobody(
    counter: Counter, database_url: str
) -> None:
    await counter.desk.labels(label())
    vault, admin = Vault(MasterKeys([bytes(32)])), await asyncpg.connect(database_url)
    await admin.execute("DELETE FROM vault.dek WHERE tenant = 'demo'")
    body = {"kind": "redirect", "consignee": PERSON}
    assert (await asked(counter, body))[1]["code"] == "consignee_erased"
    async with admin.transaction():
        await vault.seal_many(Transaction(admin, LABELLED), [("demo", "s-1", Consignee.model_validate(PERSON))])
    assert (await asked(counter, body))[1]["new_address"] is True
    stored = await admin.fetchval("SELECT request FROM tracker.shipment_action")
    assert [word for word in ("Wu Lan", "Quiet Lane") if word in stored] == []
    request = ActionRequested.model_validate_json(stored)
    assert request.consignee is not None
    [opened] = await vault.open_many(Transaction(admin, LABELLED), [("demo", "s-1", request.consignee)])
    assert opened == Consignee.model_validate(PERSON)
    await admin.close()


async def test_rules_fire_once_whatever_crashes_or_is_repeated(counter: Counter) -> None:
    await counter.desk.labels(label())
    assert await judged(counter, 1) == []
    put = await counter.client.put("/v1/automation/rules", json={"rules": [LOST, LATER]})
    assert (put.status_code, put.json()["version"], put.headers["etag"]) == (200, 1, '"1"')
    lost = await judged(counter, 73, crash=True)
    fired = await judged(counter, 73)
    assert [type(each) for each in fired] == [type(each) for each in lost] == [ActionRequested, RuleFired]
    assert [each.ce_id for each in fired] == [each.ce_id for each in lost]
    [request, told] = fired
    assert isinstance(request, ActionRequested)
    assert isinstance(told, RuleFired)
    assert (request.action_id, request.rule, request.rules_version) == ("trace.s-1", LOST["id"], 1)
    assert (told.assignee, told.notify, told.actions) == ("claims", ("ops", "buyer-care"), ("trace.s-1",))
    assert await judged(counter, 73) == []
    later = await judged(counter, 73 + 48)
    assert [each.action_id for each in later if isinstance(each, ActionRequested)] == ["reship.s-1"]
    assert await judged(counter, 500) == []
    shown = (await counter.client.get("/v1/trackers/s-1/actions")).json()
    assert [(each["action_id"], each["state"]) for each in shown["actions"]] == [
        ("trace.s-1", "requested"), ("reship.s-1", "for_seller")
    ]  # fmt: skip
    assert [(each["rule"], each["outcome"], each["facts"]["country"]) for each in shown["rules_fired"]] == [
        (LOST["id"], "asked", "US"), ("reship-later", "asked", "US")
    ]  # fmt: skip


async def test_a_rule_asks_for_every_parcel_under_way_and_finds_an_end(counter: Counter) -> None:
    dear = {"id": "dear", "when": {"value": {"at_least": "14.50 USD"}}, "then": {"action": "trace"}}
    rest = [{"id": f"r{n}", "when": {"age_hours": n}, "then": {"action": "hold"}} for n in range(1, 8)]
    await counter.client.put("/v1/automation/rules", json={"rules": [dear, *rest]})
    await counter.desk.labels(label(numbers=NUMBERS))
    first = [each for each in await judged(counter, 73) if isinstance(each, ActionRequested)]
    assert [(each.action_id, each.parcel) for each in first] == [("trace.s-1", 1), ("trace.s-1~~2", 2)]
    for hour in range(1, 8):
        for kind in ("hold.s-1", *(f"hold.s-1~~{n}" for n in range(2, 9))):
            await answered(counter, kind)
        await judged(counter, 73 + hour)
    shown = (await counter.client.get("/v1/trackers/s-1/actions")).json()
    assert len(shown["actions"]) == 10
    assert [(each["outcome"], each["why"]) for each in shown["rules_fired"]][-3:] == [
        ("not_possible", "too_many_by_rules")
    ] * 3  # fmt: skip


async def test_scans_that_bring_trouble_wake_the_rules(counter: Counter) -> None:
    failed = {"id": "failed", "when": {"code": "track.delivery_failed"}, "then": {"assignee": "li.wei"}}
    await counter.client.put("/v1/automation/rules", json={"rules": [failed]})
    await counter.desk.labels(label())
    await counter.desk.scans(scan("PU", 3), scan("DE", 10))
    [told] = await judged(counter, 11)
    assert isinstance(told, RuleFired)
    assert (told.rule, told.outcome.value, told.exception_id) == ("failed", "told", "track.delivery_failed.s-1")
    assert "li.wei" in await counter.linkstar("track", "s-1")


async def test_an_answered_exception_is_not_judged_and_scans_wake_no_rule(counter: Counter) -> None:
    await counter.client.put("/v1/automation/rules", json={"rules": [LATER]})
    await counter.desk.labels(label())
    assert await judged(counter, 73) == []
    await counter.desk.scans(scan("PU", 80))
    async with counter.desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM exception_review") == 1
    assert await judged(counter, 73 + 49) == []
    async with counter.desk.database.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM exception_review") == 0


async def test_rules_are_replaced_as_a_whole_and_only_from_the_version_that_was_read(counter: Counter) -> None:
    empty = await counter.client.get("/v1/automation/rules")
    assert (empty.json()["version"], empty.json()["rules"]) == (0, [])
    put = lambda rules, match: counter.client.put(  # noqa: E731
        "/v1/automation/rules", json={"rules": rules, "note": "n"}, headers={"If-Match": match}
    )
    assert (await put([LOST], '"0"')).json()["version"] == 1
    assert (await put([LOST], '"1"')).json()["version"] == 1
    assert (await put([LATER], '"0"')).json()["code"] == "rules_changed"
    assert (await put([LATER], '"1"')).json()["version"] == 2
    assert (await counter.client.get("/v1/automation/rules/1")).json()["rules"] == [LOST]
    assert (await counter.client.get("/v1/automation/rules/9")).json()["code"] == "rules_unknown"
    bad = (await put([{**LOST, "when": {"code": "track.tired"}}], "*")).json()
    assert (bad["code"], bad["field"]) == ("validation_failed", "rules[0].when.code[0]")


async def test_a_dry_run_tells_what_would_have_fired_by_portions_and_does_nothing(counter: Counter) -> None:
    await counter.desk.labels(*(label(order=f"s-{n}", numbers=[f"44904430413{n}"]) for n in range(3)))
    await counter.desk.timer(73)
    counter.desk.clock.advance(timedelta(hours=17))
    await counter.desk.scans(scan("PU", 90, number="449044304131"), order="s-1")
    await counter.desk.timer(130)
    looked, fired, following = 0, 0, None
    while True:
        page = {"limit": 2} | ({"after": following} if following else {})
        told = (await counter.client.post("/v1/automation/dry-run", json={"rules": [LOST, LATER]}, params=page)).json()
        looked, fired = looked + told["looked_at"], fired + told["rules"][1]["would_fire"]
        assert told["rules"][0]["actions"] == {"trace": told["looked_at"]}
        if (following := told["next"]) is None:
            break
    assert (looked, fired) == (3, 2)
    assert (await counter.client.get("/v1/trackers/s-0/actions")).json() == {"actions": [], "rules_fired": []}
    wrong = await counter.client.post("/v1/automation/dry-run", json={}, params={"after": "x"})
    assert wrong.json()["code"] == "cursor_invalid"


async def test_the_commands_of_the_page_run(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    await counter.desk.labels(label())
    commands = re.findall(r"^    \$ linkstar (.+)$", (ROOT / "docs/automation.md").read_text("utf-8"), re.MULTILINE)
    told = []
    for command in commands:
        told.append(await counter.linkstar(*command.split()))
        if " ask " in command:
            await answered(counter, "trace.s-1")
    assert [text.split()[0] for text in told[-2:]] == ["version", "version"]
    assert "请致电" in told[1]
    assert "reship-cheap-goods" in told[-1]
    assert len(commands) == 6
