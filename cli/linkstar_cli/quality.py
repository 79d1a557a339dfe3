"""`linkstar quality`: how carriers did on each lane, in Chinese or English."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.running import RunningService
from linkstar_cli.screen import coded_errors, out, print_json
from linkstar_cli.tracking import Json, Speech
from linkstar_sandbox.listing import Listing

_WORDS = {
    Speech.EN: (
        "carrier", "lane", "parcels", "on time", "assumed", "first attempt", "returned", "damaged", "lost", "complaints",
        "scan gap", "last scan",
    ),
    Speech.ZH: (
        "承运商", "线路", "包裹", "准时率", "预计准时", "首派成功", "退回", "破损", "丢失", "投诉风险", "扫描间隔",
        "最近扫描",
    ),
}  # fmt: skip
_NONE = {Speech.EN: "No parcel has ended in these weeks, and none is open.", Speech.ZH: "该时段内没有包裹。"}


def quality(
    carrier: Annotated[str | None, typer.Option(help="only this carrier")] = None,
    lane: Annotated[str | None, typer.Option(help="only these countries, such as US-US")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="default: four weeks before")
    ] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="default: today")] = None,
    lang: Annotated[Speech, typer.Option(help="language of the table")] = Speech.EN,
    as_json: Json = False,
) -> None:
    """Show how carriers did on each lane: shares counted, of parcels that ended in these weeks; gaps and ages with 95 %."""
    with coded_errors():
        days = {"from": since and since.date().isoformat(), "to": until and until.date().isoformat()}
        asked = {"carrier": carrier, "lane": lane, **days}
        found = RunningService(Access.find(), "tracker").get(
            "quality", **{name: value for name, value in asked.items() if value}
        )
        if as_json:
            print_json(found)
            return
        words = _WORDS[lang]
        table = Listing(*words, right=set(words[2:]))
        for each in found["lanes"]:
            table.add_row(each["carrier"], each["lane"], *_figures(each))
        out.print(table if found["lanes"] else _NONE[lang])


def _figures(lane: dict[str, Any]) -> list[str]:
    rates = ("first_attempt", "returned", "damaged", "lost", "complaint_proxy")
    late = lane["assumed_late"]
    return [
        str(lane["parcels"]), _percent(lane["on_time"]["share"]), _percent(None if late is None else 1 - late),
        *[_percent(lane[name]["share"]) for name in rates], _hours(lane["scan_gap_hours"]), _hours(lane["scan_age_hours"]),
    ]  # fmt: skip


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _hours(quantiles: dict[str, float] | None) -> str:
    return "–" if quantiles is None else f"{quantiles['p95']:.0f} h"
