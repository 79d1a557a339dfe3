"""What UPS documents of its requests: names, types, limits and vocabularies, as far as LinkStar uses them.

Facts from Shipping.yaml of github.com/UPS-API/api-documentation (commit e6f36df, 2026-07). Stricter than UPS in one point:
a name that is not documented is refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["InterceptRequest", "RecoveryWrapper", "ShipmentWrapper"]


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Code(_Documented):
    Code: Annotated[str, Field(min_length=1, max_length=4)]


class _Unit(_Documented):
    Code: Literal["IN", "CM", "LBS", "KGS", "OZS"]


class _Phone(_Documented):
    Number: Annotated[str, Field(min_length=1, max_length=15)]


class _Address(_Documented):
    AddressLine: Annotated[list[Annotated[str, Field(min_length=1, max_length=35)]], Field(min_length=1, max_length=3)]
    City: Annotated[str, Field(min_length=1, max_length=30)]
    StateProvinceCode: Annotated[str, Field(max_length=5)] = ""
    PostalCode: Annotated[str, Field(min_length=1, max_length=9)]
    CountryCode: Annotated[str, Field(min_length=2, max_length=2)]
    ResidentialAddressIndicator: str | None = None


class _Party(_Documented):
    Name: Annotated[str, Field(min_length=1, max_length=35)]
    AttentionName: Annotated[str, Field(min_length=1, max_length=35)] | None = None
    Phone: _Phone | None = None
    Address: _Address


class _Shipper(_Party):
    ShipperNumber: Annotated[str, Field(min_length=6, max_length=6)]


class _BillShipper(_Documented):
    AccountNumber: Annotated[str, Field(min_length=6, max_length=6)]


class _Charge(_Documented):
    Type: Literal["01", "02", "03"]
    BillShipper: _BillShipper


class _Payment(_Documented):
    ShipmentCharge: Annotated[list[_Charge], Field(min_length=1)]


class _RatingOptions(_Documented):
    NegotiatedRatesIndicator: str | None = None


class _Reference(_Documented):
    Value: Annotated[str, Field(min_length=1, max_length=35)]
    Code: Annotated[str, Field(max_length=2)] | None = None


class _Service(_Documented):
    Code: Literal["01", "02", "03", "07", "08", "11", "12", "13", "14", "54", "59", "65", "92", "93"]


class _Dimensions(_Documented):
    UnitOfMeasurement: _Unit
    Length: Annotated[str, Field(pattern=r"^\d{1,3}$")]
    Width: Annotated[str, Field(pattern=r"^\d{1,3}$")]
    Height: Annotated[str, Field(pattern=r"^\d{1,3}$")]


class _Weight(_Documented):
    UnitOfMeasurement: _Unit
    Weight: Annotated[str, Field(min_length=1, max_length=5, pattern=r"^\d+(\.\d)?$")]


class _Confirmation(_Documented):
    DCISType: Literal["1", "2", "3"]


class _PackageOptions(_Documented):
    DeliveryConfirmation: _Confirmation | None = None


class _Package(_Documented):
    Description: Annotated[str, Field(min_length=1, max_length=35)] | None = None
    Packaging: _Code
    Dimensions: _Dimensions
    PackageWeight: _Weight
    ReferenceNumber: list[_Reference] = []
    PackageServiceOptions: _PackageOptions | None = None


class _ReturnService(_Documented):
    Code: Literal["2", "3", "5", "8", "9"]


class _Shipment(_Documented):
    Description: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    ReturnService: _ReturnService | None = None
    Shipper: _Shipper
    ShipTo: _Party
    ShipFrom: _Party
    PaymentInformation: _Payment
    ShipmentRatingOptions: _RatingOptions | None = None
    ReferenceNumber: list[_Reference] = []
    Service: _Service
    ShipmentDate: Annotated[str, Field(pattern=r"^\d{8}$")] | None = None
    Package: Annotated[list[_Package], Field(min_length=1, max_length=200)]


class _Context(_Documented):
    CustomerContext: Annotated[str, Field(min_length=1, max_length=512)]


class _Request(_Documented):
    RequestOption: Literal["nonvalidate", "validate"] | None = None
    SubVersion: Annotated[str, Field(pattern=r"^\d{4}$")] | None = None
    TransactionReference: _Context | None = None


class _Stock(_Documented):
    Height: Literal["6", "8"]
    Width: Literal["4"]


class _ImageFormat(_Documented):
    Code: Literal["GIF", "ZPL", "EPL", "SPL", "PDF"]


class _LabelSpecification(_Documented):
    LabelImageFormat: _ImageFormat
    LabelStockSize: _Stock


class _ShipmentRequest(_Documented):
    Request: _Request
    Shipment: _Shipment
    LabelSpecification: _LabelSpecification


class ShipmentWrapper(_Documented):
    """`POST /api/shipments/{version}/ship`."""

    ShipmentRequest: _ShipmentRequest


class _ReferenceValues(_Documented):
    ReferenceNumber: _Reference
    ShipperNumber: Annotated[str, Field(min_length=6, max_length=6)]


class _RecoveryRequest(_Documented):
    Request: _Request
    LabelSpecification: _LabelSpecification
    ReferenceValues: _ReferenceValues


class RecoveryWrapper(_Documented):
    """`POST /api/labels/{version}/recovery` by reference."""

    LabelRecoveryRequest: _RecoveryRequest


_Phoned = Annotated[str, Field(pattern=r"^(\+)[0-9]{1,13}$")]


class _Requester(_Documented):
    name: Annotated[str, Field(min_length=1, max_length=30)]
    telephone: _Phoned


class _Elsewhere(_Documented):
    addressLine1: Annotated[str, Field(min_length=1, max_length=50)]
    addressLine2: Annotated[str | None, Field(min_length=1, max_length=35)] = None
    addressLine3: Annotated[str | None, Field(min_length=1, max_length=35)] = None
    city: Annotated[str, Field(min_length=1, max_length=30)]
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    postalCode: Annotated[str, Field(min_length=5, max_length=16, pattern=r"^\d{5}(?:[-\s]\d{4})?$")]
    countryCode: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class _NewAddress(_Documented):
    addressNickName: Annotated[str, Field(min_length=2, max_length=20)]
    addressInfo: _Elsewhere
    nameOrCompanyName: str
    contactName: str
    phoneNumber: _Phoned | None = None


class InterceptRequest(_Documented):
    """`POST /api/deliveryintercept/v2/{kind}/{tracking_number}`, from DeliveryIntercept.yaml of the same commit."""

    requestType: Literal["WC", "RS", "AA"]
    requesterContactInfo: _Requester
    reasonForReturn: Literal["AM", "AN", "AQ", "AR", "AS", "FA", "KR", "KS", "KV"] | None = None
    newDeliveryAddress: _NewAddress | None = None
