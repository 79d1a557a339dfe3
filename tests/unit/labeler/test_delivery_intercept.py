"""UPS Delivery Intercept: requests as its document wants them, and answers of every form it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linkstar_carriers.replies import Node, Unreadable
from linkstar_carriers.transport import Reply
from linkstar_contracts.values import Consignee
from linkstar_labeler.carriers.remote.outcomes import NotSellable
from linkstar_labeler.carriers.remote.ups_intercept import KINDS, intercept_call, intercept_outcome
from linkstar_labeler.domain.connector import Refused
from linkstar_labeler.domain.interventions import Intervention, Taken

SELLER = Consignee(
    name="Dock Seven", company="Star Depot", street="100 Warehouse Road", city="Newark", region="NJ", postcode="07105",
    country="US", phone="(973) 555-0100",
)  # fmt: skip
BUYER = Consignee(name="Ada", street="9 Quiet Lane", city="Troy", region="NY", postcode="12180", country="US")
NUMBER = "1Z999AA10123456784"


def wanted(kind: str, receiver: Consignee | None = None, number: str = NUMBER, by: Consignee = SELLER) -> Intervention:
    return Intervention(kind, number, "0123456789abcd", by, receiver)


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("intercept", "return", {"requestType": "RS", "reasonForReturn": "KV"}),
        ("hold", "willcall", {"requestType": "WC"}),
    ],
)
def test_a_request_names_its_kind_and_who_asks(kind: str, path: str, said: dict[str, str]) -> None:
    call = intercept_call(wanted(kind))
    assert (call.method, call.path) == ("POST", f"/api/deliveryintercept/v2/{path}/{NUMBER}")
    assert call.json == said | {"requesterContactInfo": {"name": "Star Depot", "telephone": "+19735550100"}}
    assert (call.headers["transId"], call.headers["inquiryType"], call.headers["platformType"]) == (
        "0123456789abcd", "U", "XOLT"
    )  # fmt: skip


def test_a_redirect_names_the_new_address() -> None:
    address = intercept_call(wanted("redirect", BUYER)).json["newDeliveryAddress"]
    assert address["addressInfo"] == {
        "addressLine1": "9 Quiet Lane", "city": "Troy", "state": "NY", "postalCode": "12180", "countryCode": "US"
    }  # fmt: skip
    assert "phoneNumber" not in address


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (wanted("hold", number="9400111899223033005282"), "number_not_served"),
        (wanted("hold", by=SELLER.model_copy(update={"phone": ""})), "phone_required"),
        (wanted("redirect", BUYER.model_copy(update={"country": "CA"})), "destination_not_served"),
        (wanted("redirect", BUYER.model_copy(update={"region": "New York"})), "bad_address"),
    ],
)
def test_what_ups_cannot_take_is_not_sent(asked: Intervention, code: str) -> None:
    with pytest.raises(NotSellable) as refused:
        intercept_call(asked)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("status", "root", "outcome"),
    [
        (200, {"success": True, "transactionId": "A1"}, Taken("A1")),
        (200, {"response": {"success": True, "transactionId": "A1"}}, Taken("A1")),
        (200, {"success": False, "errors": [{"errorCode": "500", "errorMessage": "No"}]}, Refused("500", "No")),
        (400, {"response": {"errors": [{"code": "710", "message": "Bad"}]}}, Refused("710", "Bad")),
        (400, {}, Refused("http_400", "no detail")),
    ],
)
def test_answers(status: int, root: dict[str, Any], outcome: Taken | Refused) -> None:
    assert intercept_outcome(Reply(status, Node(root))) == outcome


@pytest.mark.parametrize("root", [{}, {"success": "true"}, {"success": True}])
def test_an_answer_that_says_neither_is_none(root: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        intercept_outcome(Reply(200, Node(root)))


def test_the_page_names_what_the_connector_asks_for() -> None:
    page = (Path(__file__).parents[3] / "docs/automation.md").read_text("utf-8")
    [row] = [line for line in page.splitlines() if line.startswith("| `ups`,")]
    assert {kind for kind in ("reattempt", "redirect", "hold", "intercept", "trace") if f"`{kind}`" in row} == KINDS
