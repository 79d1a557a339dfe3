"""What docs/purchases.md shows of bodies, test streets and settings is what the code takes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from linkstar_contracts.events import OrderSubmitted
from linkstar_labeler.api.accounts import NewAccount
from linkstar_labeler.settings import PurchaseSettings
from linkstar_sandbox.carrier_apis.magic import STREETS

GUIDE = (Path(__file__).parents[3] / "docs/purchases.md").read_text("utf-8")


def sent(path: str) -> Any:
    """The body that the first steps send to `path`."""
    found = re.search(rf"^send \w+ \$\w+{path} '(.*?)'$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found, path
    return json.loads(found[1])


def test_every_setting_stands_with_its_default() -> None:
    shown = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| ", GUIDE, re.MULTILINE))
    fields = PurchaseSettings().model_dump(mode="json")
    assert shown.keys() == {name.upper() for name in fields}
    assert {name: json.loads(shown[name.upper()].replace("empty", '""')) for name in fields} == fields


def test_every_test_street_is_told() -> None:
    shown = {street.upper() for street in re.findall(r"`(\d [A-Z][A-Za-z ]+)`", GUIDE)}
    assert shown == STREETS.keys()


def test_the_first_steps_send_what_is_taken() -> None:
    account = NewAccount.model_validate(sent("/v1/carrier-accounts/usps/platform"))
    assert account.credentials["client_secret"] == f"secret-{account.credentials['client_id']}"
    body = {"tenant": "demo", "occurred_at": "2026-11-23T09:00:00Z"} | sent("/v1/orders")
    order = OrderSubmitted.model_validate_json(json.dumps(body))
    assert order.warehouse in account.senders
    assert order.warehouse in {each["code"] for each in sent("/v1/warehouses")}
