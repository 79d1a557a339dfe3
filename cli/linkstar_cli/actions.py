"""`linkstar action`: what shall be done about parcels under way, and what came of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from linkstar_cli.access import Access
from linkstar_cli.json_files import read_json
from linkstar_cli.running import RunningService
from linkstar_cli.screen import coded_errors, out, print_json
from linkstar_cli.tracking import Speech
from linkstar_cli.wallet import key_or_new
from linkstar_sandbox.listing import Listing

app = typer.Typer(no_args_is_help=True, help="Ask carriers to do something about parcels (docs/automation.md).")
Shipment = Annotated[str, typer.Argument(help="the order id; a return is ORDER~R1")]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]

_WORDS: dict[Speech, dict[str, Any]] = {
    Speech.EN: {
        "columns": ("action", "parcel", "state", "asked by", "what was said"),
        "rule": "rule", "key": "key", "none": "Nothing was asked for.",
    },
    Speech.ZH: {
        "columns": ("处理请求", "包裹", "状态", "提出方", "答复"), "rule": "规则", "key": "密钥", "none": "没有处理请求。",
    },
}  # fmt: skip


class Kind(StrEnum):
    """What may be asked for."""

    REATTEMPT = "reattempt"
    REDIRECT = "redirect"
    HOLD = "hold"
    INTERCEPT = "intercept"
    TRACE = "trace"
    RESHIP = "reship"


class End(StrEnum):
    """How an action may end."""

    DONE = "done"
    REFUSED = "refused"


@app.callback()
def action() -> None:
    """Ask carriers to do something about parcels (docs/automation.md)."""


@app.command()
def ask(
    shipment: Shipment,
    kind: Annotated[Kind, typer.Argument(help="what shall be done")],
    parcel: Annotated[int | None, typer.Option(min=1, max=99, help="needed where there are several")] = None,
    reason: Annotated[str, typer.Option(help="why, in a word")] = "unspecified",
    pickup_point: Annotated[str, typer.Option(help="the carrier's id of the place (redirect, hold)")] = "",
    address: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON file of the new consignee (redirect)")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key: the same key asks once; default: a new one")] = None,
    as_json: Json = False,
) -> None:
    """Ask for an action; who carries it out answers later."""
    body: dict[str, Any] = {"kind": kind.value, "reason": reason}
    with coded_errors():
        if parcel:
            body["parcel"] = parcel
        if pickup_point:
            body["pickup_point"] = pickup_point
        if address:
            body["consignee"] = read_json(address, "Write one consignee as JSON in UTF-8.")
        told = RunningService(Access.find(), "tracker").send(
            "POST", f"trackers/{shipment}/actions", key_or_new(key), json=body
        )
        _show([told], as_json)


@app.command(name="list")
def show(
    shipment: Shipment, lang: Annotated[Speech, typer.Option(help="language of the answers")] = Speech.EN,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show what was asked for about a shipment, by whom or which rule, and how it stands."""
    with coded_errors():
        told = RunningService(Access.find(), "tracker").get(f"trackers/{shipment}/actions", lang=lang.value)
        _show(told["actions"], as_json, lang)


@app.command()
def end(
    shipment: Shipment,
    action_id: Annotated[str, typer.Argument(help="as `list` names it")],
    state: Annotated[End, typer.Argument(help="how it ended")],
    confirmation: Annotated[str, typer.Option(help="what the carrier calls it")] = "",
    as_json: Json = False,
) -> None:
    """Tell how an action ended that LinkStar cannot see the end of."""
    with coded_errors():
        body = {"state": state.value, "confirmation": confirmation}
        path = f"trackers/{shipment}/actions/{action_id}/end"
        _show([RunningService(Access.find(), "tracker").send("POST", path, json=body)], as_json)


def _show(actions: list[dict[str, Any]], as_json: bool, lang: Speech = Speech.EN) -> None:
    if as_json:
        print_json(actions)
        return
    words = _WORDS[lang]
    table = Listing(*words["columns"], prose={words["columns"][-1]})
    for each in actions:
        rule = each["asked_by"]["rule"]
        by = f"{words['rule']} {rule}" if rule else f"{words['key']} {each['asked_by']['key_id']}"
        state = each["state"] if lang is Speech.EN else each["told"]
        table.add_row(each["action_id"], str(each["parcel"] or ""), state, by, each["detail"] or each["told"])
    out.print(table if actions else words["none"])
