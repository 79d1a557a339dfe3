"""UPS Delivery Intercept: a parcel is returned, kept for collection, or delivered elsewhere.

Written against DeliveryIntercept.yaml (v2) of github.com/UPS-API/api-documentation at e6f36df; never run against UPS
itself. Within the United States and Puerto Rico only, and a fee when it succeeds. UPS takes a request, it promises nothing.
"""

from __future__ import annotations

from typing import Any

from linkstar_carriers.replies import Node, Unreadable
from linkstar_carriers.transport import Call, Reply
from linkstar_contracts.values import Consignee
from linkstar_labeler.carriers.remote.outcomes import NotSellable
from linkstar_labeler.carriers.remote.writing import local_phone, street_lines, truncated
from linkstar_labeler.domain.connector import Refused
from linkstar_labeler.domain.interventions import Intervention, InterventionOutcome, Taken

__all__ = ["KINDS", "intercept_call", "intercept_outcome"]

_PATHS = {"intercept": ("return", "RS"), "hold": ("willcall", "WC"), "redirect": ("redirect/address", "AA")}
KINDS = frozenset(_PATHS)
_SERVED = ("US", "PR")
_OTHER_NON_DELIVERY = "KV"


def intercept_call(wanted: Intervention) -> Call:
    """Return the call that asks for it. Raises NotSellable for what cannot be written down for UPS."""
    path, request_type = _PATHS[wanted.kind]
    if not (len(wanted.tracking_number) == 18 and wanted.tracking_number.startswith("1Z")):
        raise NotSellable("number_not_served", "UPS intercepts parcels with a 1Z number only")
    body: dict[str, Any] = {"requestType": request_type, "requesterContactInfo": _requester(wanted.requester)}
    if wanted.kind == "intercept":
        body["reasonForReturn"] = _OTHER_NON_DELIVERY
    if wanted.receiver is not None:
        body["newDeliveryAddress"] = _address(wanted.receiver)
    headers = {"transId": wanted.reference, "transactionSrc": "linkstar", "platformType": "XOLT", "inquiryType": "U"}
    where = f"/api/deliveryintercept/v2/{path}/{wanted.tracking_number}"
    return Call("intervene", "POST", where, headers, query={"loc": "en_US"}, json=body)


def intercept_outcome(reply: Reply) -> InterventionOutcome:
    """Return what UPS said. It refuses with a status of 400 and above, and also with `success: false`."""
    told = reply.root["response"] or reply.root
    if reply.accepted and told["success"].value is True:
        return Taken(told["transactionId"].text(64))
    if reply.accepted and told["success"].value is not False:
        raise Unreadable("field_missing", told["success"].path)
    return Refused(*_fault(told["errors"].first(), reply.status))


def _fault(error: Node, status: int) -> tuple[str, str]:
    """UPS names an error `code` and `message`, or `errorCode` and `errorMessage`."""
    code = error["code"] or error["errorCode"]
    message = error["message"] or error["errorMessage"]
    return code.text_or(f"http_{status}")[:64], message.text_or("no detail")[:300]


def _requester(person: Consignee) -> dict[str, Any]:
    phone = local_phone(person.phone, 13, 10)
    if not phone:
        raise NotSellable("phone_required", "UPS wants the telephone number of whoever asks")
    return {"name": truncated(person.company or person.name, 30), "telephone": _dialled(phone)}


def _address(person: Consignee) -> dict[str, Any]:
    if person.country not in _SERVED:
        raise NotSellable("destination_not_served", "UPS redirects within the United States and Puerto Rico only")
    if len(person.region.strip()) != 2:
        raise NotSellable("bad_address", "a two-letter state is required")
    phone = local_phone(person.phone, 13, 10)
    lines = street_lines(person, 35, 3)
    info = {f"addressLine{number}": line for number, line in enumerate(lines, 1)} | {
        "city": truncated(person.city, 30), "state": person.region.strip().upper(),
        "postalCode": person.postcode.strip(), "countryCode": person.country,
    }  # fmt: skip
    return {
        "addressNickName": "New address", "addressInfo": info, "contactName": truncated(person.name, 35),
        "nameOrCompanyName": truncated(person.company or person.name, 35),
        **({"phoneNumber": _dialled(phone)} if phone else {}),
    }  # fmt: skip


def _dialled(phone: str) -> str:
    """Return a number of the United States as UPS writes it."""
    return f"+{phone}" if len(phone) > 10 else f"+1{phone}"
