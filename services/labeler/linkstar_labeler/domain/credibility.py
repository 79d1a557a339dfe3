"""Whether what a connector says was sold can be a label: what could not be stored or printed leaves the outcome unknown."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from linkstar_contracts.fields import TrackingNumber
from linkstar_labeler.domain.connector import Document, OutcomeUnknown, Purchased, PurchasedParcel

__all__ = ["MAX_DOCUMENT_BYTES", "credible", "document_fault"]

MAX_DOCUMENT_BYTES = 4 * 2**20
_SIGNATURES = {"application/pdf": b"%PDF", "application/zpl": b"^XA", "image/png": b"\x89PNG"}
_NUMBER: TypeAdapter[str] = TypeAdapter(TrackingNumber)
T = TypeVar("T")


def credible(outcome: T, parcels: int) -> T | OutcomeUnknown:
    """Return the outcome, or `OutcomeUnknown` for a sale of `parcels` labels that cannot be right: the carrier may well
    have sold something, so it is resolved and reconciled like an unanswered call.
    """
    if not isinstance(outcome, Purchased):
        return outcome
    fault = _fault(outcome, parcels)
    return OutcomeUnknown("bad_reply", fault) if fault else outcome


def _fault(bought: Purchased, parcels: int) -> str:
    if not 0 < len(bought.carrier_id) <= 200 or not (bought.carrier_id.isascii() and bought.carrier_id.isprintable()):
        return "the carrier's id of the shipment is not 1 to 200 printable characters"
    if len(bought.parcels) != parcels:
        return f"{len(bought.parcels)} labels for {parcels} parcels"
    return next((fault for parcel in bought.parcels if (fault := _parcel_fault(parcel))), "")


def _parcel_fault(parcel: PurchasedParcel) -> str:
    if parcel.document is None:
        return "a label is missing"
    return _number_fault(parcel.tracking_number) or document_fault(parcel.document)


def _number_fault(number: str | None) -> str:
    try:
        _NUMBER.validate_python(number or "PENDING")
    except ValidationError:
        return "a tracking number is not 6 to 40 of A-Z, 0-9 and %"
    return ""


def document_fault(document: Document) -> str:
    """Return why a document cannot be what the carrier calls it, or nothing."""
    if len(document.content) > MAX_DOCUMENT_BYTES:
        return f"a document of {len(document.content)} bytes, {MAX_DOCUMENT_BYTES} at most"
    signature = _SIGNATURES.get(document.media_type)
    if signature is None or signature not in document.content[:1024]:
        return f"a document that is no {document.media_type}"
    return ""
