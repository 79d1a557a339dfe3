"""`linkstar carriers`: the beginning of a new carrier."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from linkstar_cli.screen import out

app = typer.Typer(no_args_is_help=True, help="Carriers reached over the network (docs/adding-a-carrier.md).")
_CONNECTOR = "services/labeler/linkstar_labeler/carriers/remote"
_SIMULATOR = "sandbox/linkstar_sandbox/carrier_apis"
_NEXT = Template(
    """Now add
  to $connectors/__init__.py   from linkstar_labeler.carriers.remote.$module import $class_name
                               "$connector": $class_name,
  to libs/carriers/linkstar_carriers/hosts.py
                               "$connector": Hosts(frozenset({"<host>"}), frozenset({"<its sandbox>"})),
  to $connectors/simulated.py  "$connector": (("<names>", "<of its credentials>"), {"<setting>": "<value>"}),
  to $simulators/server.py     from linkstar_sandbox.carrier_apis.$module import $module
                               "$connector": $module,
  to tests/integration/labeler/carrier_rigs.py
                               Rig("$connector", "standard", "$currency", <sender>, <receiver>, credentials=OAUTH,
                                   said_no={"1 Undeliverable Way": "undeliverable"}),
  to docs/carriers.md          its rows
and run: .venv/bin/pytest tests/integration/labeler/test_carrier_conformance.py \\
           tests/integration/labeler/test_carrier_lost_answers.py -k $connector
The suite is green with the invented services written here. Put the carrier's own in their place, simulator first."""
)


@app.callback()
def carriers() -> None:
    """Carriers reached over the network (docs/adding-a-carrier.md)."""


@app.command()
def scaffold(
    name: Annotated[str, typer.Argument(help="the connector's name: small letters, digits and hyphens")],
    carrier: Annotated[str, typer.Option(help="the carrier's contract token, when it is another")] = "",
    currency: Annotated[str, typer.Option(help="what it charges in")] = "EUR",
    checkout: Annotated[Path, typer.Option(help="LinkStar's checkout")] = Path("."),
) -> None:
    """Write a connector and a simulator that pass the conformance suite, of an invented carrier, to be made a real one."""
    words = name.split("-")
    if not all(word.isalnum() and word.islower() for word in words) or not words[0][:1].isalpha():
        raise typer.BadParameter("small letters, digits and hyphens, beginning with a letter", param_hint="NAME")
    fields = {
        "connector": name, "carrier": carrier or name, "module": "_".join(words), "title": name.upper(),
        "class_name": "".join(word.capitalize() for word in words), "prefix": words[0][:3].upper(), "currency": currency,
        "connectors": _CONNECTOR, "simulators": _SIMULATOR,
    }  # fmt: skip
    for template, folder in (("connector", _CONNECTOR), ("simulator", _SIMULATOR)):
        _write(checkout / folder / f"{fields['module']}.py", template, fields)
    out.print(_NEXT.substitute(fields), markup=False, highlight=False)


def _write(path: Path, template: str, fields: dict[str, str]) -> None:
    if not path.parent.is_dir():
        raise typer.BadParameter(f"{path.parent} is no folder: is this LinkStar's checkout?", param_hint="--checkout")
    if path.exists():
        raise typer.BadParameter(f"{path} exists", param_hint="NAME")
    text = Template((files("linkstar_cli") / "scaffold" / f"{template}.py.txt").read_text("utf-8"))
    path.write_text(text.substitute(fields), "utf-8")
    out.print(f"wrote {path}", markup=False, highlight=False)
