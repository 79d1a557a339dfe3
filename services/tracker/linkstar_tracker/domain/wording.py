"""How exceptions are told: how grave they are, what they are called, and what to do, in every language."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from linkstar_contracts.events import ExceptionCode, Severity
from linkstar_tracker.domain.vocabulary import LANGUAGES, Language

__all__ = ["Wording", "Words"]


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of one kind of exception."""

    severity: Severity
    name: Mapping[Language, str]
    action: Mapping[Language, str]


class Wording:
    """Words by code and stage of the watch. An action is kept in English; its other languages are found by that."""

    def __init__(self, words: Mapping[tuple[ExceptionCode, str], Words]) -> None:
        self._words = dict(words)
        self._by_action = {each.action["en"]: each for each in words.values()}

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> Wording:
        """Return the words that come with the package."""
        table = files("linkstar_tracker.domain").joinpath("exception_texts.csv").read_text("utf-8")
        return cls.from_rows(csv.DictReader(table.splitlines()))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> Wording:
        """Build the wording; a code or severity that does not exist is an error."""
        codes = {code.value: code for code in ExceptionCode}
        return cls({
            (codes[row["code"]], row["stage"]): Words(
                Severity.__members__[row["severity"].upper()],
                {language: row[language] for language in LANGUAGES},
                {language: row[f"action_{language}"] for language in LANGUAGES},
            )
            for row in rows
        })  # fmt: skip

    def of(self, code: ExceptionCode, stage: str = "") -> Words:
        """Return the words of a code, those of the stage where it has its own; raises KeyError for a code without a row."""
        return self._words.get((code, stage)) or self._words[code, ""]

    def told(self, code: ExceptionCode, action: str, language: Language) -> tuple[str, str]:
        """Return the name of an exception and what to do, in a language; an action nobody translated stays as it is."""
        words = self._by_action.get(action)
        if words is None:
            return self.of(code).name[language], action
        return words.name[language], words.action[language]
