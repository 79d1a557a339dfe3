"""`linkstar track ORDER`: a parcel's way, in Chinese or English. `linkstar tracking`: codes of carriers nobody explains."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from linkstar_cli.access import Access
from linkstar_cli.running import RunningService
from linkstar_cli.screen import coded_errors, out, print_json
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help="What carriers say, and what it means (docs/tracking.md).")
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]


class Speech(StrEnum):
    """Languages a timeline is told in."""

    EN = "en"
    ZH = "zh"


_WORDS = {
    Speech.EN: {
        "columns": ("local time", "place", "what happened", "code", "carrier's words", ""), "taken_back": "taken back",
        "promise": "promised", "accepted": "accepted", "attempt": "first attempt", "delivered": "delivered",
        "parcel": "Parcel", "none": "no scan yet", "open": "open", "by": "by", "asked": "asked for",
        "assigned": "to look at it", "no_incident": "No incident.",
        "incidents": ("since", "lane", "place", "parcels", "scans", "expected", "state"),
    },
    Speech.ZH: {
        "columns": ("当地时间", "地点", "动态", "代码", "承运商原文", ""), "taken_back": "已撤回",
        "promise": "承诺送达", "accepted": "揽收", "attempt": "首次派送", "delivered": "签收",
        "parcel": "包裹", "none": "暂无轨迹", "open": "未处理", "by": "截止", "asked": "处理请求",
        "assigned": "负责人", "no_incident": "没有站点或线路异常。",
        "incidents": ("开始时间", "线路", "站点", "包裹", "扫描", "预期扫描", "状态"),
    },
}  # fmt: skip
_CHINESE = {
    "carrier": "承运商", "seller": "卖家", "consignee": "收件人", "customs": "海关", "weather": "天气", "unset": "责任待定",
    "open": "未恢复", "resolved": "已恢复",
    "reattempt": "再次派送", "redirect": "改派", "hold": "留件", "intercept": "拦截退回", "trace": "查件", "reship": "补发",
}  # fmt: skip
"""Words of the tracker that programs read, for people."""


@app.callback()
def tracking() -> None:
    """What carriers say, and what it means (docs/tracking.md)."""


@app.command()
def unmapped(as_json: Json = False) -> None:
    """List the codes of carriers that no row of the status map explains, the most frequent first."""
    with coded_errors():
        codes = RunningService(Access.find(), "tracker").get("unmapped-codes")["unmapped"]
        if as_json:
            print_json(codes)
            return
        table = Listing(
            "carrier", "code", "seen", "last seen", "carrier's words", right={"seen"}, prose={"carrier's words"}
        )
        for each in codes:
            table.add_row(
                each["carrier"], each["code"], str(each["seen"]), _moment(each["last_seen_at"]), each["sample"]
            )
        out.print(table if codes else "Every code is explained.")


@app.command()
def incidents(
    lang: Annotated[Speech, typer.Option(help="language of names and advice")] = Speech.EN,
    past: Annotated[bool, typer.Option("--all", help="those that are over, too")] = False,
    as_json: Json = False,
) -> None:
    """List places and lanes where your parcels are not scanned any more, the newest first."""
    with coded_errors():
        state = "any" if past else "open"
        found = RunningService(Access.find(), "tracker").get("incidents", state=state, lang=lang.value)["incidents"]
        if as_json:
            print_json(found)
            return
        columns = _WORDS[lang]["incidents"]
        table = Listing(*columns, right=set(columns[3:6]))
        for each in found:
            table.add_row(_moment(each["opened_at"]), each["lane"], each["place"], str(each["parcels"]),
                          str(each["seen_scans"]), str(each["expected_scans"]), _word(each["state"], lang))  # fmt: skip
        out.print(table if found else _WORDS[lang]["no_incident"])


def track(
    shipment: Annotated[str, typer.Argument(help="the order id; a reship is ORDER~2, a return ORDER~R1")],
    lang: Annotated[Speech, typer.Option(help="language of the timeline")] = Speech.EN,
    as_json: Json = False,
) -> None:
    """Show where a shipment's parcels are: status, milestones, and every scan on the clock of its place."""
    with coded_errors():
        found = RunningService(Access.find(), "tracker").get(f"trackers/{shipment}", lang=lang.value)
        if as_json:
            print_json(found)
            return
        _tell(found, lang)


def _tell(found: dict[str, Any], lang: Speech) -> None:
    words = _WORDS[lang]
    promise = (found["promise"] or {}).get("p90_on")
    milestones = [
        f"{words[name]} {_moment(at)}"
        for name, at in (("accepted", found["accepted_at"]), ("attempt", found["first_attempt_at"]),
                         ("delivered", found["delivered_at"]), ("promise", promise))
        if at
    ]  # fmt: skip
    carrier = " ".join(filter(None, (found["carrier"], found["service"])))
    _say(" · ".join([found["shipment_id"], carrier, found["told"], *milestones]))
    for parcel in found["parcels"]:
        _say(f"\n{words['parcel']} {parcel['number']} {parcel['tracking_number']}: {parcel['told']}")
        if parcel["scans"]:
            out.print(_timeline(parcel["scans"], lang))
        else:
            _say(str(words["none"]))
    for alarm in found["exceptions"]:
        if alarm["state"] == "open":
            due = f" ({words['by']} {_moment(alarm['deadline_at'])})" if alarm["deadline_at"] else ""
            _say(f"\n{words['open']}: {alarm['told']}, {alarm['code']} ({_word(alarm['party'], lang)})")
            _say(f"{alarm['detail']}. {alarm['action']}{due}")
    for fired in found.get("rules_fired", ()):
        if fired["assignee"]:
            _say(f"\n{words['assigned']}: {fired['assignee']}, {fired['exception_id']} ({fired['rule']})")
    for action in found.get("actions", ()):
        parcel = f" {str(words['parcel']).lower()} {action['parcel']}" if action["parcel"] else ""
        detail = f". {action['detail']}" if action["detail"] else ""
        _say(f"\n{words['asked']}: {_word(action['kind'], lang)}{parcel}, {action['told']}{detail}")


def _timeline(scans: list[dict[str, Any]], lang: Speech) -> Listing:
    columns = _WORDS[lang]["columns"]
    table = Listing(*columns, prose={columns[4]}, spare=(columns[4], columns[3]))
    for scan in scans:
        place = scan["place"]
        spot = ", ".join(filter(None, (place["city"], place["region"], place["country"])))
        mark = str(_WORDS[lang]["taken_back"]) if scan["retracted"] else ""
        table.add_row(_clock(scan), spot, scan["told"], scan["code"], scan["text"], mark)
    return table


def _clock(scan: dict[str, Any]) -> str:
    """The clock at the scan's place with its offset, as far as the carrier tells it; UTC otherwise."""
    at = datetime.fromisoformat(scan["scanned_at"])
    if scan["timezone"]:
        at = at.astimezone(ZoneInfo(scan["timezone"]))
    elif scan["scanned_local"]:
        there = datetime.fromisoformat(scan["scanned_local"])
        at = there if there.tzinfo else at
    return at.isoformat(sep=" ", timespec="minutes").replace("+00:00", "Z")


def _moment(at: str) -> str:
    """An instant in UTC, marked as that; a day as it is."""
    return f"{at[:16].replace('T', ' ')}Z" if "T" in at else at


def _word(word: str, lang: Speech) -> str:
    return _CHINESE.get(word, word) if lang is Speech.ZH else word


def _say(line: str) -> None:
    out.print(line, markup=False, highlight=False)
