"""A simulated Canada Post: contract shipments and their labels, tracking of unknown parcels.

Paths, media types and element names of Canada Post's XML services as the public Karrio SDK 2026.1.32 speaks them; codes and
sentences of refusals are this simulator's own, prices are invented. A shipment asked for twice is charged twice.
"""

from __future__ import annotations

import base64
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from fastapi import APIRouter, FastAPI, Request, Response

from linkstar_sandbox.carrier_apis.carrier import simulated
from linkstar_sandbox.carrier_apis.faults import FaultKind
from linkstar_sandbox.carrier_apis.faulty import FaultyRoute, flaw_of
from linkstar_sandbox.carrier_apis.ledger import Sale
from linkstar_sandbox.carrier_apis.magic import refusal_of, spoilt_by
from linkstar_sandbox.carrier_apis.printing import printed_label
from linkstar_sandbox.carrier_apis.world import CarrierError, World, world_of

__all__ = ["canada_post"]

_SHIPMENT = "http://www.canadapost.ca/ws/shipment-v8"
_NS = {"s": _SHIPMENT}
_REFUSALS = {
    "undeliverable": ("2511", "The destination address is not deliverable."),
    "no_service": ("9111", "The service is not available between the locations."),
    "no_funds": ("8064", "The account has no credit."),
}
_MEDIA = {"PDF": ("pdf", "application/pdf"), "ZPL": ("zpl", "application/zpl")}


class CanadaPostRoute(FaultyRoute):
    """Calls are signed with user name and password."""

    async def call_of(self, request: Request) -> tuple[str, str]:
        return self.name, _signed(request)[0]


router = APIRouter(route_class=CanadaPostRoute)


def canada_post(world: World) -> FastAPI:
    """Return the simulated carrier."""
    return simulated("canada-post", router, world, lambda fault: {"error": fault.detail}, "1000")


@router.post("/rs/{customer}/{behalf}/shipment", name="buy")
async def ship(request: Request, customer: str, behalf: str) -> Response:
    world, account = world_of(request), _sign_in(request)
    wanted = ElementTree.fromstring(await request.body())  # noqa: S314
    street, weight = _text(wanted, "destination//s:address-line-1"), _text(wanted, "parcel-characteristics/s:weight")
    if wanted.tag != f"{{{_SHIPMENT}}}shipment" or not weight or wanted.find("s:transmit-shipment", _NS) is None:
        return _messages(400, "1000", "the shipment is not valid")
    if refusal := _REFUSALS.get(refusal_of(street)):
        return _messages(400, *refusal)
    flaw = spoilt_by(street, flaw_of(request))
    image = _text(wanted, "print-preferences/s:encoding") or "PDF"
    sale = world.ledger.add(_sale(world, account, wanted, image, flaw))
    sale.facts["flaw"] = flaw if flaw in (FaultKind.HUGE_LABEL, FaultKind.WRONG_LABEL) else None
    href = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}/rs/artifact/{sale.carrier_id}/0"
    link = f'<link rel="label" href={quoteattr(href)} media-type="{_MEDIA[image][1]}" index="0"/>'
    price = sale.charged_minor / 100
    return _xml(
        f'<shipment-info xmlns="{_SHIPMENT}"><shipment-id>{sale.carrier_id}</shipment-id>'
        f"<shipment-status>transmitted</shipment-status><tracking-pin>{sale.tracking_numbers[0]}</tracking-pin>"
        f"<shipment-price><service-code>{sale.service}</service-code><base-amount>{price:.2f}</base-amount>"
        f"<due-amount>{price:.2f}</due-amount></shipment-price><links>{link}</links></shipment-info>"
    )


@router.get("/rs/artifact/{number}/{page}", name="label")
async def artifact(request: Request, number: str, page: int) -> Response:
    account = _sign_in(request)
    sale = world_of(request).ledger.by_number("canada-post", account, number)
    if sale is None:
        return _messages(404, "9064", "the artifact does not exist")
    kind, media = _MEDIA[sale.facts["image"]]
    flaw = sale.facts["flaw"]
    label = printed_label(kind, sale.tracking_numbers[page], wrong=flaw == FaultKind.WRONG_LABEL)
    return Response(
        base64.b64decode(label) + (b"A" * 20_000_000 if flaw == FaultKind.HUGE_LABEL else b""), media_type=media
    )


@router.get("/vis/track/pin/{number}/detail", name="track")
async def track(request: Request, number: str) -> Response:
    _sign_in(request)
    return _messages(404, "004", f"No Pin History for {number}")


def _sale(world: World, account: str, wanted: ElementTree.Element, image: str, flaw: FaultKind | None) -> Sale:
    serial = world.ledger.serial()
    charged = 1_265 + (480 if flaw == FaultKind.PRICE_CHANGE else 0)
    return Sale(
        "canada-post", account, f"{406_950_000_000_000 + serial:018d}", [f"{1_000_000_000_000_000 + serial:016d}"], charged,
        "CAD", world.clock.now(), _text(wanted, "delivery-spec/s:service-code"),
        reference=_text(wanted, "references/s:customer-ref-1"), ship_on=_text(wanted, "expected-mailing-date"),
        facts={"image": image},
    )  # fmt: skip


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(f".//s:{path}", "", _NS) or "").strip()


def _signed(request: Request) -> tuple[str, str]:
    given = request.headers.get("authorization", "").partition(" ")[2]
    user, _, password = base64.b64decode(given or "").decode("utf-8", "replace").partition(":")
    return user, password


def _sign_in(request: Request) -> str:
    user, password = _signed(request)
    if not user or password != f"secret-{user}":
        raise CarrierError(401, "E002", "AAA Authentication Failure")
    return user


def _messages(status: int, code: str, description: str) -> Response:
    inner = f"<code>{code}</code><description>{escape(description)}</description>"
    return _xml(f'<messages xmlns="http://www.canadapost.ca/ws/messages"><message>{inner}</message></messages>', status)


def _xml(content: str, status: int = 200) -> Response:
    return Response(content, status, media_type="application/vnd.cpc.shipment-v8+xml")
