"""Who receives: a home or a business, guessed from the address where the seller does not say, with how sure the guess is.

The percentages are our own estimates for parcels of online shops, no carrier's data.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from linkstar_contracts.values import Consignee, Notice
from linkstar_ingest.domain.us_zips import has_one_receiver

__all__ = ["Guess", "guess_receiver", "surprise"]


class Guess(NamedTuple):
    """Whether the receiver lives there, how sure that is in per cent, and on what evidence."""

    residential: bool
    confidence: int
    because: str


_STATED = {True: Guess(True, 100, "stated by the seller"), False: Guess(False, 100, "stated by the seller")}
_LEGAL_FORM = re.compile(
    r"\b(?:gmbh|ug|kg|ohg|e\.?\s?k\.?|llc|inc|corp|ltd|limited|plc|llp|s\.?a\.?r\.?l|sas|eurl|company|co\.)(?:\b|$)",
    re.IGNORECASE,
)
_WORKPLACE = re.compile(
    r"\b(?:suite|ste|dept|department|warehouse|dock|loading|industrial|business park|office|campus|hospital|university)\b",
    re.IGNORECASE,
)
_HOME = re.compile(r"\b(?:apt|apartment|flat|whg|wohnung|appartement)\b", re.IGNORECASE)
_FIRM = Guess(False, 95, "the company has a legal form")
_FIRM_AS_NAME = Guess(False, 90, "the name has a legal form")
_COMPANY = Guess(False, 70, "a company is named")
_HOME_OF_COMPANY = Guess(True, 60, "an apartment is named, though a company is, too")
_FLAT = Guess(True, 95, "an apartment is named")
_OFFICE = Guess(False, 65, "the street lines name a workplace")
_OWN_ZIP = Guess(False, 85, "the ZIP belongs to one organisation")
_USUAL = Guess(True, 80, "most parcels of online shops go to homes")


def guess_receiver(consignee: Consignee, stated: bool | None) -> Guess:
    """Return what the seller states, else the best guess."""
    if stated is not None:
        return _STATED[stated]
    lines = f"{consignee.street} {consignee.street2}"
    if consignee.company:
        if _LEGAL_FORM.search(consignee.company):
            return _FIRM
        return _HOME_OF_COMPANY if _HOME.search(lines) else _COMPANY
    if _HOME.search(lines):
        return _FLAT
    if has_one_receiver(consignee.country, consignee.postcode):
        return _OWN_ZIP
    if _LEGAL_FORM.search(consignee.name):
        return _FIRM_AS_NAME
    return _OFFICE if _WORKPLACE.search(lines) else _USUAL


def surprise(consignee: Consignee, guess: Guess) -> tuple[Notice, ...]:
    """Return the guess as a notice where more than the company field led to it: the seller may know better."""
    if guess.confidence == 100 or guess.residential is not bool(consignee.company):
        return ()
    receiver = "a home" if guess.residential else "a business"
    detail = f"taken as {receiver}, {guess.confidence} % sure: {guess.because}"
    return (Notice(code="address.receiver_guessed", detail=detail),)
