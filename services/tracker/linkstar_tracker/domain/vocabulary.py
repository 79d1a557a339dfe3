"""The words a status is told in: one row per status and sub-status, with who is responsible and its texts.

The language-neutral text code of a row is `status.substatus`, or the status alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, TypeAlias

from linkstar_contracts.events import ResponsibleParty, TrackingStatus

__all__ = ["LANGUAGES", "NOTE", "RETRACTION", "Language", "Phrase", "Vocabulary", "text_code"]

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
NOTE = "note"
"""Text code of what a carrier says without moving the parcel."""
RETRACTION = "retraction"
"""Text code of a scan that takes another one back."""


def text_code(status: TrackingStatus | None, substatus: str | None) -> str:
    """Return the code under which a status and its sub-status are told; a note has a code of its own."""
    if status is None:
        return NOTE
    return f"{status.value}.{substatus}" if substatus else status.value


@dataclass(frozen=True, slots=True)
class Phrase:
    """How a status is told, and who is responsible when nothing else is known."""

    party: ResponsibleParty
    texts: Mapping[Language, str]


class Vocabulary:
    """Phrases by text code. A sub-status without a row is told by its status alone."""

    def __init__(self, phrases: Mapping[str, Phrase]) -> None:
        self._phrases = dict(phrases)

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> Vocabulary:
        """Return the vocabulary that comes with the package."""
        table = files("linkstar_tracker.domain").joinpath("status_texts.csv").read_text("utf-8")
        return cls.from_rows(csv.DictReader(table.splitlines()))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> Vocabulary:
        """Build the vocabulary; two rows of one code, or a party that does not exist, is an error."""
        phrases: dict[str, Phrase] = {}
        for row in rows:
            code = f"{row['status']}.{row['substatus']}" if row["substatus"] else row["status"]
            if code in phrases:
                raise ValueError(f"two rows for {code}")
            texts = {language: row[language] for language in LANGUAGES}
            phrases[code] = Phrase(ResponsibleParty.__members__[row["responsible_party"].upper()], texts)
        return cls(phrases)

    def party(self, code: str) -> ResponsibleParty:
        """Return who is responsible for what the code tells; raises KeyError for a code without a row."""
        return self._phrases[code].party

    def text(self, code: str, language: Language) -> str:
        """Return the text of a code; the code itself when even its status has no row."""
        phrase = self._phrases.get(code) or self._phrases.get(code.partition(".")[0])
        return phrase.texts[language] if phrase else code

    def texts(self) -> dict[str, Mapping[Language, str]]:
        """Return the texts of every code."""
        return {code: phrase.texts for code, phrase in self._phrases.items()}
