"""Tracking numbers of every carrier: how one is made from a serial of its range, and whether one is well formed.

Formats and test vectors are facts of `jkeen/tracking_number_data` (MIT, commit b79ce4b); formats that set lacks are
marked. A number made here always validates here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from linkstar_labeler.domain import check_digits

__all__ = ["FORMATS", "NumberFormat", "validate"]

Check = Callable[[str], str]
_S10 = re.compile(r"([A-Z]{2})(\d{8})(\d)([A-Z]{2})")
_IMPB = re.compile(r"(?:420\d{5}(?:\d{4})?)?(9[2345]\d{20}(?:\d{4})?)")


@dataclass(frozen=True)
class NumberFormat:
    """One carrier's number: `make(service_code, serial)` and `matches(number)`. `capacity` serials fit in a range."""

    capacity: int
    make: Callable[[str, int], str]
    matches: Callable[[str], bool]


def validate(carrier: str, number: str) -> bool:
    """Tell whether `number` is well formed for `carrier`: shape, and check digit where the carrier publishes one."""
    found = FORMATS.get(carrier)
    return found is not None and number.isascii() and found.matches(number)


def _ends_with(check: Check, pattern: str, skip: int = 0) -> Callable[[str], bool]:
    shape = re.compile(pattern)
    return lambda number: bool(shape.fullmatch(number)) and check(number[skip:-1]) == number[-1]


def _checked(prefix: str, digits: int, check: Check, skip: int = 0) -> Callable[[str, int], str]:
    def make(_service: str, serial: int) -> str:
        return _with_check(f"{prefix}{serial:0{digits}d}", check, skip)

    return make


def _with_check(body: str, check: Check, skip: int) -> str:
    return body + check(body[skip:])


def _make_impb(service: str, serial: int) -> str:
    """94 + service type + six-digit mailer id + ten-digit serial + check digit: 22 digits."""
    body = f"94{service}812345{serial:010d}"
    return body + check_digits.gs1(body)


def _matches_impb(number: str) -> bool:
    found = _IMPB.fullmatch(number)
    return found is not None and check_digits.gs1(found[1][:-1]) == found[1][-1]


def _make_ups(service: str, serial: int) -> str:
    body = f"LS2026{service}{serial:07d}"
    return f"1Z{body}{check_digits.ups(body)}"


def _make_s10(letters: str, country: str) -> Callable[[str, int], str]:
    return lambda _service, serial: f"{letters}{serial:08d}{check_digits.s10(f'{serial:08d}')}{country}"


def _matches_s10(country: str) -> Callable[[str], bool]:
    def matches(number: str) -> bool:
        found = _S10.fullmatch(number)
        return found is not None and found[4] == country and check_digits.s10(found[2]) == found[3]

    return matches


def _s10(letters: str, country: str) -> NumberFormat:
    return NumberFormat(10**8, _make_s10(letters, country), _matches_s10(country))


def _dpd(depot: str) -> NumberFormat:
    matches = _ends_with(check_digits.mod_37_36, r"\d{14}[0-9A-Z]")
    return NumberFormat(10**10, _checked(depot, 10, check_digits.mod_37_36), matches)


def _is(pattern: str) -> Callable[[str], bool]:
    shape = re.compile(pattern)
    return lambda number: shape.fullmatch(number) is not None


# Evri, DHL Paket, Mondial Relay: shapes as seen on their labels; the check digits (GS1) of Hermes and Colissimo are our own
# rule, since these carriers publish none. Canpar and Mondial Relay have no published check digit.
FORMATS: dict[str, NumberFormat] = {
    "usps": NumberFormat(10**10, _make_impb, _matches_impb),
    "ups": NumberFormat(10**7, _make_ups, _ends_with(check_digits.ups, r"1Z[A-Z0-9]{15}\d", skip=2)),
    "fedex": NumberFormat(
        10**9, _checked("79", 9, check_digits.mod_11_10), _ends_with(check_digits.mod_11_10, r"\d{12}")
    ),
    "canpar": NumberFormat(
        10**12, lambda _service, serial: f"D576002{serial:012d}001", _is(r"[CDKLSUXZ]\d{21}")
    ),
    "canada-post": NumberFormat(10**8, _checked("2026000", 8, check_digits.gs1), _ends_with(check_digits.gs1, r"\d{16}")),
    "royal-mail": _s10("QA", "GB"),
    "parcelforce": _s10("PB", "GB"),
    "evri": NumberFormat(10**10, lambda _service, serial: f"H00LSK{serial:010d}", _is(r"[HT]00[A-Z0-9]{13}")),
    "dpd-uk": _dpd("1550"),
    "dhl-de": NumberFormat(
        10**7, _checked("003404342026", 7, check_digits.gs1, skip=2),
        _ends_with(check_digits.gs1, r"003404\d{14}", skip=2),
    ),
    "hermes-de": NumberFormat(10**9, _checked("0260", 9, check_digits.gs1), _ends_with(check_digits.gs1, r"\d{14}")),
    "dpd-de": _dpd("0998"),
    "colissimo": NumberFormat(
        10**10, lambda service, serial: _with_check(f"{service}{serial:010d}", check_digits.gs1, 2),
        _ends_with(check_digits.gs1, r"(6[A-Z]|8R)\d{11}", skip=2),
    ),
    "mondial-relay": NumberFormat(10**8, lambda _service, serial: f"{serial:08d}", _is(r"\d{8}(\d{2}){0,2}")),
    "chronopost": _s10("XJ", "FR"),
}  # fmt: skip
