"""Check-digit laws of carrier numbers. Each returns the check character of `body`; all detect any single wrong digit
except where a carrier's own rule folds two remainders into one (named at the function).
"""

from __future__ import annotations

__all__ = ["gs1", "leitcode", "luhn_alternate", "mod_11_10", "mod_37_36", "s10", "ups"]

_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def gs1(body: str) -> str:
    """Return the GS1 digit: modulo 10, weights 3 and 1 from the right (USPS IMpb, SSCC, Canada Post)."""
    return str(-(3 * sum(map(int, body[-1::-2])) + sum(map(int, body[-2::-2]))) % 10)


def luhn_alternate(body: str) -> str:
    """Return the digit of FedEx Ground: modulo 10, weights 1 and 3 from the left."""
    return str(-(sum(map(int, body[::2])) + 3 * sum(map(int, body[1::2]))) % 10)


def ups(body: str) -> str:
    """Return the UPS digit over the 15 characters after `1Z`: weights 1 and 2 from the left, a letter counts
    (code - 3) mod 10. Letters that count the same are not told apart.
    """
    values = (int(char) if char.isdigit() else (ord(char) - 3) % 10 for char in body)
    total = sum(value * (2 if place % 2 else 1) for place, value in enumerate(values))
    return str(-total % 10)


def mod_11_10(body: str) -> str:
    """Return the FedEx Express digit: weights 1, 3, 7 repeating from the right, modulo 11, then modulo 10.

    Remainder 10 prints as 0, so one error in eleven between these two passes.
    """
    total = sum(int(digit) * (1, 3, 7)[place % 3] for place, digit in enumerate(reversed(body)))
    return str(total % 11 % 10)


def s10(serial: str) -> str:
    """Return the UPU S10 digit of eight digits: weighted modulo 11, where 10 prints as 0 and 11 as 5."""
    remainder = 11 - sum(int(digit) * weight for digit, weight in zip(serial, _S10_WEIGHTS, strict=True)) % 11
    return {10: "0", 11: "5"}.get(remainder, str(remainder))


def mod_37_36(body: str) -> str:
    """Return the ISO 7064 MOD 37,36 character of DPD, over digits and capital letters."""
    product = 36
    for char in body:
        total = (product + _ALPHANUMERIC.index(char)) % 36 or 36
        product = total * 2 % 37
    return _ALPHANUMERIC[(37 - product) % 36]


def leitcode(body: str) -> str:
    """Return the digit of Deutsche Post's Leitcode and Identcode: modulo 10, weights 4 and 9 from the right."""
    total = sum(int(digit) * (4 if place % 2 == 0 else 9) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)
