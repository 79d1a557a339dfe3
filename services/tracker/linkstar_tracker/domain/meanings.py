"""What carriers' codes mean, as rows of data with their source. A code without a row is `unknown`, never guessed.

A carrier that tells an event and its reason is written `EVENT/REASON`; a reason without a row means what its event means.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import NamedTuple

from linkstar_contracts.events import ResponsibleParty, TrackingStatus
from linkstar_tracker.domain.vocabulary import Vocabulary, text_code

__all__ = ["UNKNOWN", "Meaning", "StatusMap"]


class Meaning(NamedTuple):
    """What a carrier's code says. `status` None: a note that does not move the parcel."""

    status: TrackingStatus | None
    substatus: str | None = None
    party: ResponsibleParty = ResponsibleParty.UNSET

    @property
    def text_code(self) -> str:
        """The code of its text in every language."""
        return text_code(self.status, self.substatus)


UNKNOWN = Meaning(TrackingStatus.UNKNOWN)


class StatusMap:
    """Meanings by carrier and code."""

    def __init__(self, meanings: Mapping[tuple[str, str], Meaning]) -> None:
        self._meanings = dict(meanings)

    @classmethod
    def shipped(cls) -> StatusMap:
        """Return the map that comes with the package."""
        table = files("linkstar_tracker.domain").joinpath("status_map.csv").read_text("utf-8")
        return cls.from_rows(csv.DictReader(table.splitlines()))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> StatusMap:
        """Build the map; a second row for a carrier's code, or a status that does not exist, is an error."""
        meanings: dict[tuple[str, str], Meaning] = {}
        for row in rows:
            key = (row["carrier"], row["code"])
            if key in meanings:
                raise ValueError(f"two rows for {key[0]} {key[1]}")
            meanings[key] = _meaning(row, Vocabulary.shipped())
        return cls(meanings)

    def meaning(self, carrier: str, code: str) -> Meaning:
        """Return what the code means; `UNKNOWN` when no row tells."""
        known = self._meanings.get((carrier, code))
        if known is None and "/" in code:
            known = self._meanings.get((carrier, code.partition("/")[0]))
        return known or UNKNOWN


def _meaning(row: Mapping[str, str], vocabulary: Vocabulary) -> Meaning:
    if not row["status"]:
        return Meaning(None)
    status, substatus = TrackingStatus.__members__[row["status"].upper()], row["substatus"] or None
    return Meaning(status, substatus, vocabulary.party(text_code(status, substatus)))
