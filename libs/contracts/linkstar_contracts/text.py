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

from linkstar_contracts.ordinary import Ordinary

__all__ = ["CountryCode", "CurrencyCode", "OrderId", "SafeStr", "ShipmentId", "TenantId", "Token", "clean_text"]

# C0 and C1 controls (tab and line breaks become a space first), line separators, and Unicode's default-ignorable code
# points: bidirectional and zero-width controls, BOM, soft hyphen, invisible Hangul fillers, variation selectors, tags.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Lone surrogates and the 66 non-characters.
_NO_TEXT = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(chr((plane << 16) | low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
_BREAKS = re.compile("[\t\n\r\v\f\x85\u2028\u2029]+")


# Some of what `clean_text` leaves as it is: ASCII, Latin letters of one code point each, dashes and quotes, and Chinese
# characters with their punctuation. Blanks stand inside only.
_PLAIN = "!-~\u00a1-\u00ac\u00ae-\u017f\u2010-\u2027\u3001-\u3003\u4e00-\u9fff\uff01-\uff5e"
_PLAIN_TEXT = f"^([{_PLAIN}]([ {_PLAIN}]*[{_PLAIN}])?)?$"


def clean_text(text: str) -> str:
    """Return `text` in NFC without control, bidirectional and zero-width characters, white space at the ends removed.

    Raises ValueError when the text holds a lone surrogate or a non-character (U+FFFE, U+FDD0, …). Guaranteed idempotent.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    if _NO_TEXT.search(text):
        raise ValueError("holds a lone surrogate or a non-character; remove it, or correct the encoding")
    spaced = _BREAKS.sub(" ", text)
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", spaced)).strip()


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
        plain = core_schema.str_schema(
            pattern=_PLAIN_TEXT, min_length=self.min_length, max_length=self.max_length, strict=True
        )
        return Ordinary(plain).beside(core_schema.chain_schema([cleaned, bounded]))

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        least = {"minLength": self.min_length} if self.min_length else {}
        return {"type": "string", "maxLength": self.max_length, **least}


_TWO_PLACES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC "
    "CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES "
    "KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR "
    "NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_NO_PLACES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_PLACES = "BHD IQD JOD KWD LYD OMR TND"
CURRENCY_EXPONENTS: dict[str, int] = {
    code: places for places, codes in ((2, _TWO_PLACES), (0, _NO_PLACES), (3, _THREE_PLACES)) for code in codes.split()
}
"""Decimal places of every circulating currency (ISO 4217 list one), as of 2026."""


def _currency(code: str) -> str:
    if code not in CURRENCY_EXPONENTS:
        raise ValueError("is not a currency of ISO 4217; use a code such as USD, CAD, GBP, EUR, CNY")
    return code


CurrencyCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{3}$", strict=True),
    AfterValidator(_currency),
    Ordinary(core_schema.literal_schema(list(CURRENCY_EXPONENTS))),
]
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
