"""What USPS documents of its requests: names, types, limits and vocabularies, as far as LinkStar uses them.

Facts from the OpenAPI documents of developers.usps.com: Labels 3.9.13, Payments 3.1.20, SCAN Forms 3.1.14, Carrier
Pickup 3.1.8 (read 2026-06). Stricter than USPS in one point: a name that is not documented is refused.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["LabelRequest", "Parties", "PickupRequest", "ReprintRequest", "ScanFormRequest", "TokenRequest"]

_STATES = (
    r"^(AA|AE|AL|AK|AP|AS|AZ|AR|CA|CO|CT|DE|DC|FM|FL|GA|GU|HI|ID|IL|IN|IA|KS|KY|LA|ME|MH|MD|MA|MI|MN|MS|MO|MP|MT|NE|NV|"
    r"NH|NJ|NM|NY|NC|ND|OH|OK|OR|PW|PA|PR|RI|SC|SD|TN|TX|UT|VT|VI|VA|WA|WV|WI|WY)$"
)
_ImageType = Literal["PDF", "TIFF", "JPG", "PNG", "GIF", "SVG", "ZPL203DPI", "ZPL300DPI", "EPL300DPI"]
_Zip5 = Annotated[str, Field(pattern=r"^\d{5}$")]
_Mid = Annotated[str, Field(pattern=r"^(\d{6}|\d{9})$")]


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TokenRequest(_Documented):
    """`POST /oauth2/v3/token`."""

    grant_type: Literal["client_credentials"]
    client_id: str
    client_secret: str
    scope: str = ""


class _Role(_Documented):
    roleName: Literal["PAYER", "RATE_HOLDER", "LABEL_OWNER", "SHIPPER", "MAIL_OWNER", "PLATFORM"]
    CRID: Annotated[str, Field(pattern=r"^\d{1,15}$")]
    MID: _Mid | None = None
    manifestMID: _Mid | None = None
    accountType: Literal["EPS", "PERMIT", "METER", "OMAS"] | None = None
    accountNumber: str | None = None


class Parties(_Documented):
    """`POST /payments/v3/payment-authorization`."""

    roles: Annotated[list[_Role], Field(min_length=1)]


class _Address(_Documented):
    streetAddress: Annotated[str, Field(min_length=1, max_length=50)]
    secondaryAddress: Annotated[str, Field(max_length=50)] = ""
    city: Annotated[str, Field(min_length=1, max_length=28)]
    state: Annotated[str, Field(pattern=_STATES)]
    ZIPCode: _Zip5
    ZIPPlus4: Annotated[str, Field(pattern=r"^\d{4}$")] | None = None


class _Person(_Address):
    firstName: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    lastName: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    firm: Annotated[str, Field(max_length=50)] | None = None
    phone: Annotated[str, Field(pattern=r"^\+?[1-9][0-9]{7,14}$|^[0-9]{6,15}$")] | None = None
    email: Annotated[str, Field(max_length=50)] | None = None
    ignoreBadAddress: bool = False

    @model_validator(mode="after")
    def _named(self) -> _Person:
        if not (self.firm or (self.firstName and self.lastName)):
            raise ValueError("first and last name or firm are required")
        return self


class _ImageInfo(_Documented):
    imageType: _ImageType = "PDF"
    labelType: Literal["4X4LABEL", "4X5LABEL", "4X6LABEL", "6X4LABEL", "2X7LABEL"] = "4X6LABEL"
    receiptOption: Literal["SAME_PAGE", "SEPARATE_PAGE", "NONE"] = "NONE"


class _Reference(_Documented):
    referenceNumber: Annotated[str, Field(min_length=1, max_length=30)]


class _Package(_Documented):
    mailClass: Literal["USPS_GROUND_ADVANTAGE", "PRIORITY_MAIL", "PRIORITY_MAIL_EXPRESS", "PARCEL_SELECT", "MEDIA_MAIL"]
    rateIndicator: Literal["SP", "CP", "DN", "DR", "OS", "PA", "FE", "FS", "FB", "PL"]
    processingCategory: Literal["LETTERS", "FLATS", "MACHINABLE", "NONSTANDARD"]
    destinationEntryFacilityType: Literal["NONE", "DESTINATION_DELIVERY_UNIT", "DESTINATION_SERVICE_HUB"]
    weightUOM: Literal["lb"]
    weight: Annotated[float, Field(gt=0, le=70)]
    dimensionsUOM: Literal["in"]
    length: Annotated[float, Field(gt=0)]
    width: Annotated[float, Field(gt=0)]
    height: Annotated[float, Field(gt=0)]
    mailingDate: date
    customerReference: Annotated[list[_Reference], Field(max_length=4)] = []
    extraServices: Annotated[list[Annotated[int, Field(ge=365, le=999)]], Field(max_length=5)] = []


class LabelRequest(_Documented):
    """`POST /labels/v3/label` and `/return-label`."""

    imageInfo: _ImageInfo = _ImageInfo()
    toAddress: _Person
    fromAddress: _Person
    packageDescription: _Package


class _ReprintImage(_Documented):
    imageType: _ImageType = "PDF"
    labelType: Literal["4X4LABEL", "4X5LABEL", "4X6LABEL", "6X4LABEL", "2X7LABEL"] = "4X6LABEL"


class ReprintRequest(_Documented):
    """`POST /labels/v3/label-reprint`."""

    imageInfo: _ReprintImage = _ReprintImage()


class _FormImage(_Documented):
    imageType: Literal["PDF", "TIFF", "JPG", "PNG", "GIF", "SVG", "ZPL203DPI", "ZPL300DPI", "NONE"] = "PDF"
    labelType: Literal["8.5X11LABEL", "4X6LABEL"] = "8.5X11LABEL"


class _LabelShipment(_Documented):
    trackingNumbers: Annotated[list[str], Field(min_length=1, max_length=40_000)]


class ScanFormRequest(_Documented):
    """`POST /scan-forms/v3/scan-form` for a list of labels."""

    imageInfo: _FormImage = _FormImage()
    mailingDate: date
    overwriteMailingDate: bool = False
    entryFacilityZIPCode: _Zip5
    destinationEntryFacilityType: Literal["NONE", "DESTINATION_DELIVERY_UNIT", "DESTINATION_SERVICE_HUB"]
    shipment: _LabelShipment
    fromAddress: _Person


class _PickupAddress(_Documented):
    firstName: Annotated[str, Field(min_length=1, max_length=50)]
    lastName: Annotated[str, Field(min_length=1, max_length=50)]
    firm: Annotated[str, Field(max_length=50)] = ""
    address: _Address


class _PickupPackages(_Documented):
    packageType: Literal[
        "FIRST-CLASS_PACKAGE_SERVICE", "PRIORITY_MAIL_EXPRESS", "PRIORITY_MAIL", "RETURNS", "USPS_GROUND_ADVANTAGE",
        "INTERNATIONAL", "OTHER",
    ]  # fmt: skip
    packageCount: Annotated[int, Field(ge=1)]


class _PickupLocation(_Documented):
    packageLocation: Literal[
        "FRONT_DOOR", "BACK_DOOR", "SIDE_DOOR", "KNOCK_ON_DOOR", "MAIL_ROOM", "OFFICE", "PORCH", "RECEPTION", "MAILBOX",
        "OTHER",
    ]  # fmt: skip
    specialInstructions: str = ""


class PickupRequest(_Documented):
    """`POST /pickup/v3/carrier-pickup`."""

    pickupDate: date
    pickupAddress: _PickupAddress
    packages: Annotated[list[_PickupPackages], Field(min_length=1)]
    estimatedWeight: Annotated[float, Field(gt=0)]
    pickupLocation: _PickupLocation
