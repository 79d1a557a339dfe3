"""What FedEx documents of its requests: names, types, limits and vocabularies, as far as LinkStar uses them.

Facts from the OpenAPI documents of developer.fedex.com, "Ship API" 1.0.0 (a copy read 2026-06) and "Track API" 1.0.0 (as
public clients generated from it show it, 2026-11). Stricter than FedEx in one point: names not documented are refused.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["CancelRequest", "ReferenceRequest", "ResultsRequest", "ShipRequest", "TrackRequest"]


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Account(_Documented):
    value: Annotated[str, Field(pattern=r"^\d{1,9}$")]


class _Address(_Documented):
    streetLines: Annotated[list[Annotated[str, Field(min_length=1, max_length=35)]], Field(min_length=1, max_length=3)]
    city: Annotated[str, Field(min_length=1, max_length=35)]
    stateOrProvinceCode: Annotated[str, Field(min_length=2, max_length=2)] | None = None
    postalCode: Annotated[str, Field(max_length=10)] | None = None
    countryCode: Annotated[str, Field(min_length=2, max_length=2)]
    residential: bool = False


class _Contact(_Documented):
    personName: Annotated[str, Field(max_length=70)] | None = None
    companyName: Annotated[str, Field(max_length=35)] | None = None
    phoneNumber: Annotated[str, Field(min_length=10, max_length=15)]


class _Party(_Documented):
    address: _Address
    contact: _Contact


class _Responsible(_Documented):
    accountNumber: _Account


class _Payor(_Documented):
    responsibleParty: _Responsible


class _Payment(_Documented):
    paymentType: Literal["SENDER", "RECIPIENT", "THIRD_PARTY", "COLLECT"]
    payor: _Payor


class _Label(_Documented):
    labelFormatType: Literal["COMMON2D", "LABEL_DATA_ONLY"] = "COMMON2D"
    imageType: Literal["ZPLII", "EPL2", "PDF", "PNG"]
    labelStockType: Literal["PAPER_4X6", "STOCK_4X6", "PAPER_4X675", "STOCK_4X675", "PAPER_LETTER", "PAPER_4X8"]


class _Weight(_Documented):
    units: Literal["LB", "KG"]
    value: Annotated[float, Field(gt=0)]


class _Dimensions(_Documented):
    length: Annotated[int, Field(ge=1, le=999)]
    width: Annotated[int, Field(ge=1, le=999)]
    height: Annotated[int, Field(ge=1, le=999)]
    units: Literal["IN", "CM"]


class _Reference(_Documented):
    customerReferenceType: Literal["CUSTOMER_REFERENCE", "INVOICE_NUMBER", "P_O_NUMBER", "RMA_ASSOCIATION"]
    value: Annotated[str, Field(min_length=1, max_length=30)]


class _PackageServices(_Documented):
    signatureOptionType: Literal["SERVICE_DEFAULT", "NO_SIGNATURE_REQUIRED", "INDIRECT", "DIRECT", "ADULT"]


class _Package(_Documented):
    sequenceNumber: Annotated[int, Field(ge=1)]
    weight: _Weight
    dimensions: _Dimensions
    customerReferences: list[_Reference] = []
    packageSpecialServices: _PackageServices | None = None


class _ReturnDetail(_Documented):
    returnType: Literal["PENDING", "PRINT_RETURN_LABEL"]


class _ShipmentServices(_Documented):
    specialServiceTypes: list[Literal["RETURN_SHIPMENT", "SATURDAY_DELIVERY", "HOLD_AT_LOCATION"]]
    returnShipmentDetail: _ReturnDetail | None = None


class _SmartPost(_Documented):
    hubId: Annotated[str, Field(pattern=r"^\d{4}$")]
    indicia: Literal[
        "MEDIA_MAIL", "PARCEL_RETURN", "PARCEL_SELECT", "PRESORTED_BOUND_PRINTED_MATTER", "PRESORTED_STANDARD"
    ]


class _Shipment(_Documented):
    shipDatestamp: date
    shipper: _Party
    recipients: Annotated[list[_Party], Field(min_length=1, max_length=1)]
    pickupType: Literal["CONTACT_FEDEX_TO_SCHEDULE", "DROPOFF_AT_FEDEX_LOCATION", "USE_SCHEDULED_PICKUP"]
    serviceType: Literal[
        "FEDEX_GROUND", "GROUND_HOME_DELIVERY", "SMART_POST", "FEDEX_2_DAY", "FEDEX_2_DAY_AM", "FEDEX_EXPRESS_SAVER",
        "STANDARD_OVERNIGHT", "PRIORITY_OVERNIGHT", "FIRST_OVERNIGHT",
    ]  # fmt: skip
    packagingType: Literal["YOUR_PACKAGING", "FEDEX_ENVELOPE", "FEDEX_PAK", "FEDEX_SMALL_BOX"]
    totalWeight: Annotated[float, Field(gt=0)]
    totalPackageCount: Annotated[int, Field(ge=1)]
    shippingChargesPayment: _Payment
    labelSpecification: _Label
    rateRequestType: list[Literal["LIST", "ACCOUNT", "PREFERRED"]] = []
    requestedPackageLineItems: Annotated[list[_Package], Field(min_length=1)]
    shipmentSpecialServices: _ShipmentServices | None = None
    smartPostInfoDetail: _SmartPost | None = None


class ShipRequest(_Documented):
    """`POST /ship/v1/shipments`."""

    labelResponseOptions: Literal["URL_ONLY", "LABEL"]
    accountNumber: _Account
    processingOptionType: Literal["SYNCHRONOUS_ONLY", "ALLOW_ASYNCHRONOUS"] = "SYNCHRONOUS_ONLY"
    requestedShipment: _Shipment


class CancelRequest(_Documented):
    """`PUT /ship/v1/shipments/cancel`."""

    accountNumber: _Account
    trackingNumber: str
    deletionControl: Literal["DELETE_ALL_PACKAGES"] = "DELETE_ALL_PACKAGES"


class ResultsRequest(_Documented):
    """`POST /ship/v1/shipments/results`."""

    accountNumber: _Account
    jobId: str


class _Number(_Documented):
    trackingNumber: Annotated[str, Field(min_length=1, max_length=40)]


class _TrackingInfo(_Documented):
    trackingNumberInfo: _Number


class TrackRequest(_Documented):
    """`POST /track/v1/trackingnumbers`."""

    includeDetailedScans: bool
    trackingInfo: Annotated[list[_TrackingInfo], Field(min_length=1, max_length=30)]


class _References(_Documented):
    type: Literal["CUSTOMER_REFERENCE", "SHIPPER_REFERENCE", "PURCHASE_ORDER", "INVOICE", "BILL_OF_LADING"]
    value: Annotated[str, Field(min_length=1)]
    accountNumber: Annotated[str, Field(pattern=r"^\d{1,9}$")]
    shipDateBegin: date
    shipDateEnd: date

    @model_validator(mode="after")
    def _range(self) -> _References:
        if not 0 <= (self.shipDateEnd - self.shipDateBegin).days <= 30:
            raise ValueError("the ship date range may not exceed 30 days")
        return self


class ReferenceRequest(_Documented):
    """`POST /track/v1/referencenumbers`."""

    includeDetailedScans: bool = False
    referencesInformation: _References
