"""The carriers labeler can buy from, one file per family. To add one: a file here, a line below, its number format in
`domain/tracking_numbers.py`, and its range in a migration.
"""

from __future__ import annotations

from linkstar_labeler.carriers.canada import CANADA_POST, CANPAR
from linkstar_labeler.carriers.dhl import DHL_DE
from linkstar_labeler.carriers.dpd import DPD_DE, DPD_UK
from linkstar_labeler.carriers.fedex import FEDEX
from linkstar_labeler.carriers.hermes import EVRI, HERMES_DE
from linkstar_labeler.carriers.la_poste import CHRONOPOST, COLISSIMO
from linkstar_labeler.carriers.mondial_relay import MONDIAL_RELAY
from linkstar_labeler.carriers.number_range import NumberRangeCarrier
from linkstar_labeler.carriers.royal_mail import PARCELFORCE, ROYAL_MAIL
from linkstar_labeler.carriers.ups import UPS
from linkstar_labeler.carriers.usps import USPS

__all__ = ["CARRIERS", "NumberRangeCarrier"]

CARRIERS: dict[str, NumberRangeCarrier] = {
    carrier.code: carrier
    for carrier in (
        USPS, UPS, FEDEX, CANPAR, CANADA_POST, ROYAL_MAIL, PARCELFORCE, EVRI, DPD_UK, DHL_DE, HERMES_DE, DPD_DE,
        COLISSIMO, MONDIAL_RELAY, CHRONOPOST,
    )
}  # fmt: skip
"""Every carrier by its contract token."""
