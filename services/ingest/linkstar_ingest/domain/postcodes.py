"""Postcodes: their written form per country, what a spreadsheet does to them, and the part that routes a parcel."""

from __future__ import annotations

import re

from linkstar_ingest.domain.faults import Fault

__all__ = ["BRITISH", "clean_postcode", "damaged", "malformed", "padded", "routing_postcode", "written_form"]

BRITISH = frozenset({"GB", "JE", "GG", "IM"})
_EXCEL_WRAPPER = re.compile(r"""^(?:="?|'+)|"$""")
_EXCEL_DECIMALS = re.compile(r"^(\d+)\.0+$")
_PATTERNS = {
    "US": re.compile(r"\d{5}(?:-\d{4})?"),
    "CA": re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d"),
    "GB": re.compile(r"[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLN-UW-Z]{2}|BFPO \d{1,4}"),
    "DE": re.compile(r"\d{5}"),
    "FR": re.compile(r"\d{5}"),
}
_EXAMPLES = {"US": "90058 or 90058-1234", "CA": "L5T 2N7", "GB": "SW1A 1AA", "DE": "30179", "FR": "75001"}


def clean_postcode(text: str) -> str:
    """Return `text` in capitals and without what spreadsheets wrap around it: `'02108`, `="02108"`, `2108.0`."""
    bare = _EXCEL_WRAPPER.sub("", text.strip())
    bare = _EXCEL_WRAPPER.sub("", bare).strip().upper()
    whole = _EXCEL_DECIMALS.match(bare)
    return whole.group(1) if whole else " ".join(bare.split())


def written_form(country: str, cleaned: str) -> str | None:
    """Return a cleaned postcode as the country's post writes it; None when it is no postcode of that country."""
    country = "GB" if country in BRITISH else country
    pattern = _PATTERNS.get(country)
    if pattern is None:
        return cleaned
    spaced = _spaced(country, cleaned)
    return spaced if pattern.fullmatch(spaced) else None


def _spaced(country: str, cleaned: str) -> str:
    compact = re.sub(r"[ \-–.]", "", cleaned)
    if country == "US":
        return f"{compact[:5]}-{compact[5:]}" if len(compact) == 9 else compact
    if country == "GB" and compact.startswith("BFPO"):
        return f"BFPO {compact[4:]}"
    return f"{compact[:-3]} {compact[-3:]}" if country in {"CA", "GB"} else compact


def padded(country: str, cleaned: str) -> str | None:
    """Return the postcode that lost its leading zeros in a spreadsheet, if digits alone can be such a one."""
    digits = cleaned.replace("-", "")
    if country not in {"US", "DE", "FR"} or not (digits.isascii() and digits.isdigit()):
        return None
    if country == "US" and len(digits) in {7, 8}:
        return written_form(country, digits.zfill(9))
    least = 3 if country == "US" else 4
    return digits.zfill(5) if least <= len(digits) <= 4 else None


def routing_postcode(country: str, postcode: str) -> str:
    """Return the part that routes: ZIP5, FSA, outward code, five digits; elsewhere the postcode itself, 10 characters."""
    if country == "US":
        return postcode[:5]
    if country == "CA" or country in BRITISH:
        return postcode.split(" ")[0]
    return postcode[:10].strip()


def malformed(country: str) -> Fault:
    """Say that a text is no postcode of `country`."""
    example = _EXAMPLES.get("GB" if country in BRITISH else country)
    shape = f" such as {example}" if example else ""
    return Fault(
        "postcode_malformed", "consignee.postcode", f"is not a postcode of {country}", f"write a postcode{shape}"
    )


def damaged(country: str, candidate: str) -> Fault:
    """Say that a postcode lost digits, and that neither state nor city proves which."""
    return Fault(
        "postcode_damaged",
        "consignee.postcode",
        f"has lost a leading zero or another digit; state and city do not prove that {candidate} is meant",
        f"write it in full (for {country} such as {_EXAMPLES[country].split(' ')[0]}); in a spreadsheet, format the "
        "column as text before you enter or open it",
    )
