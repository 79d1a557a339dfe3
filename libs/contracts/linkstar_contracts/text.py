"""Bounded, printable text: whatever validates here can be stored in PostgreSQL and printed on a label.

The rules answer measured failures: a NUL kills a whole batch insert, a lone surrogate cannot be encoded, bidirectional
and zero-width controls let a name on a label read differently from the name in the database.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic_core import core_schema

__all__ = ["CountryCode", "CurrencyCode", "OrderId", "SafeStr", "ShipmentId", "TenantId", "Token", "clean_text"]

# C0 and C1 controls (tab and line breaks become a space first), bidi controls, zero-width characters, BOM, variation tags.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("[\t\n\r\v\f\x85\u2028\u2029]+")


def clean_text(text: str) -> str:
    """Return `text` in NFC without control, bidirectional and zero-width characters, white space at the ends removed.

    Raises ValueError when the text holds a lone surrogate or an unassigned-by-design character (U+FFFE, U+FFFF, …).
    Guaranteed idempotent.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    if any(0xD800 <= ord(char) <= 0xDFFF or (ord(char) & 0xFFFE) == 0xFFFE for char in text):
        raise ValueError("contains a character that no text can hold (lone surrogate or non-character)")
    spaced = _BREAKS.sub(" ", text)
    return unicodedata.normalize("NFC", _CONTROLS.sub("", spaced)).strip()


@dataclass(frozen=True)
class SafeStr:
    """Annotation of a text field: cleaned by `clean_text`, then bounded in characters.

    Raw input may be at most four times as long as the bound, so that a hostile one costs little.
    """

    max_length: int
    min_length: int = 0

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        raw = core_schema.str_schema(max_length=self.max_length * 4 + 64, strict=True)
        cleaned = core_schema.no_info_after_validator_function(clean_text, raw)
        bounded = core_schema.str_schema(min_length=self.min_length, max_length=self.max_length)
        return core_schema.chain_schema([cleaned, bounded])

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        least = {"minLength": self.min_length} if self.min_length else {}
        return {"type": "string", "maxLength": self.max_length, **least}


def _currency(code: str) -> str:
    if code not in CURRENCY_EXPONENTS:
        raise ValueError(f"unknown currency {code}; use an ISO 4217 code such as USD, CAD, GBP, EUR, CNY")
    return code


# Decimal places of the currencies a cross-border seller meets (ISO 4217 list one).
CURRENCY_EXPONENTS = {
    "USD": 2, "CAD": 2, "GBP": 2, "EUR": 2, "CNY": 2, "HKD": 2, "AUD": 2, "CHF": 2, "SEK": 2, "DKK": 2, "NOK": 2,
    "PLN": 2, "CZK": 2, "MXN": 2, "SGD": 2, "JPY": 0, "KRW": 0, "KWD": 3,
}  # fmt: skip

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$", strict=True), AfterValidator(_currency)]
"""ISO 4217 alphabetic code."""
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$", strict=True)]
"""ISO 3166-1 alpha-2 code."""
TenantId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", strict=True)]
"""Tenant identifier: lower-case letters, digits and hyphens, 1 to 32 characters."""
OrderId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#-]{0,63}$", strict=True)]
"""The caller's order reference, channel-prefixed, 1 to 64 safe characters; `/` and `~` are reserved."""
ShipmentId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#-]{0,63}(~(R?[0-9]{1,3}))?$", strict=True)
]
"""`<order_id>`, a reship `<order_id>~2`, or a return `<order_id>~R1`."""
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}$", strict=True)]
"""A short code of the trade: carrier, service, reason, SKU-free identifiers."""
