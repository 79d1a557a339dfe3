"""A label's event is put together from its validated route: it is what the contract would validate."""

from __future__ import annotations

import pytest
from unit.labeler.label_samples import AT, COUNTRY_OF, consignee, route

from linkstar_contracts.events import LabelCreated
from linkstar_labeler.carriers import CARRIERS
from linkstar_labeler.domain.shipments import Shipment
from linkstar_labeler.handlers.purchase import RangePurchase


@pytest.mark.parametrize("parcels", [1, 3])
@pytest.mark.parametrize("code", ["usps", "dhl-de", "royal-mail", "canpar"])
def test_a_label_event_is_valid(code: str, parcels: int) -> None:
    carrier = CARRIERS[code]
    chosen = route(code, next(iter(carrier.services)), parcels=parcels)
    shipment = Shipment(chosen.tenant, chosen.shipment_id, chosen.order_id, 1)
    purchase = RangePurchase(shipment, chosen, consignee(COUNTRY_OF[code]), None, carrier)
    purchase.print(tuple(range(1, parcels + 1)), AT)
    event = purchase.created(AT)
    assert LabelCreated.model_validate_json(event.body()) == event
    assert (event.total, event.version, event.route_version) == (chosen.route.total, 1, chosen.version)
    assert event.manifest_id is None
