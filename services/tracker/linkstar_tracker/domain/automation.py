"""What sellers want done by itself when an exception opens or grows old: their rules, as they write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from linkstar_contracts.events import ActionKind, ExceptionCode, ResponsibleParty, Severity
from linkstar_contracts.text import CountryCode, SafeStr, Token
from linkstar_contracts.values import Money, Value, parse_money

__all__ = ["AutomationRule", "Occasion", "RuleDocument", "Then", "When"]


class Occasion(NamedTuple):
    """What rules judge: an exception, its parcel, and the instants at which something was heard of it, oldest first."""

    exception_id: str
    code: ExceptionCode
    severity: Severity
    party: ResponsibleParty
    opened_at: datetime
    ended_at: datetime | None
    carrier: str
    service: str
    origin: str
    country: str
    kind: str
    value: Money | None
    heard_at: tuple[datetime, ...]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _code(value: str) -> str:
    known = [each.value for each in ExceptionCode if each.value.startswith("track.")]
    if value not in known:
        raise ValueError(f"is no exception of parcels under way; use one of {', '.join(known)}")
    return value


def _amount(text: str) -> Money:
    number, _, currency = text.partition(" ")
    try:
        return parse_money(number, currency)
    except KeyError:
        raise ValueError("has no currency; write an amount such as 200.00 USD") from None


_Listed = BeforeValidator(_listed)
_Few, _Many = Field(max_length=10, strict=False), Field(max_length=50, strict=False)
_Code = Annotated[str, BeforeValidator(_code)]
_Severities = Literal["info", "warning", "critical"]
_Parties = Literal["carrier", "seller", "consignee", "customs", "weather", "platform", "unset"]
_Hours = Annotated[int, Field(ge=1, le=2160)]
_Amount = Annotated[str, SafeStr(40, 1)]
_BOUNDS = ("over", "at_least", "under", "up_to")


class _Band(Value):
    """Bounds of the declared value, each with its currency; a parcel in another currency never fits."""

    model_config = ConfigDict(extra="forbid")

    over: _Amount | None = None
    at_least: _Amount | None = None
    under: _Amount | None = None
    up_to: _Amount | None = None

    @model_validator(mode="after")
    def _leaves_something(self) -> _Band:
        amounts = {name: _amount(text) for name in _BOUNDS if (text := getattr(self, name)) is not None}
        if len({each.currency for each in amounts.values()}) != 1:
            raise ValueError("needs bounds in one currency; write over: 200.00 USD or the like")
        low, high = self._ends()
        if low is not None and high is not None and low > high:
            raise ValueError("no value lies between these bounds; swap them")
        return self

    def fits(self, value: Money | None) -> bool:
        """True for an amount of the same currency within the bounds."""
        texts = [text for name in _BOUNDS if (text := getattr(self, name)) is not None]
        if value is None or value.currency != _amount(texts[0]).currency:
            return False
        low, high = self._ends()
        return (low is None or value.amount_minor >= low) and (high is None or value.amount_minor <= high)

    def _ends(self) -> tuple[int | None, int | None]:
        """Return the least and the greatest amount that fit."""
        lows = [_minor(self.over, 1), _minor(self.at_least, 0)]
        highs = [_minor(self.under, -1), _minor(self.up_to, 0)]
        return (
            max((each for each in lows if each is not None), default=None),
            min((each for each in highs if each is not None), default=None),
        )


def _minor(text: str | None, step: int) -> int | None:
    return _amount(text).amount_minor + step if text is not None else None


class When(Value):
    """What must all hold; a word or a list of words, any of which will do. Nothing said, nothing asked."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[tuple[_Code, ...], _Listed, _Many] = ()
    severity: Annotated[tuple[_Severities, ...], _Listed, _Few] = ()
    party: Annotated[tuple[_Parties, ...], _Listed, _Few] = ()
    carrier: Annotated[tuple[Token, ...], _Listed, _Many] = ()
    service: Annotated[tuple[Token, ...], _Listed, _Many] = ()
    origin: Annotated[tuple[CountryCode, ...], _Listed, _Many] = ()
    country: Annotated[tuple[CountryCode, ...], _Listed, _Many] = ()
    kind: Literal["order", "return"] | None = None
    value: _Band | None = None
    age_hours: _Hours | None = None
    """Since the exception opened."""
    silent_hours: _Hours | None = None
    """Since the last scan, or the label where there is none."""

    def fits(self, occasion: Occasion) -> bool:
        """True when all that does not change with time holds."""
        wanted = (
            (self.code, occasion.code.value), (self.severity, occasion.severity.value), (self.party, occasion.party.value),
            (self.carrier, occasion.carrier), (self.service, occasion.service), (self.origin, occasion.origin),
            (self.country, occasion.country),
        )  # fmt: skip
        if any(words and word not in words for words, word in wanted):
            return False
        return self.kind in (None, occasion.kind) and (self.value is None or self.value.fits(occasion.value))

    def holds_from(self, occasion: Occasion) -> datetime | None:
        """Return the first instant at which all of it holds, if nothing more is heard of the parcel; None for never."""
        if not self.fits(occasion):
            return None
        at = occasion.opened_at + timedelta(hours=self.age_hours or 0)
        return _silent_from(occasion.heard_at, at, timedelta(hours=self.silent_hours)) if self.silent_hours else at


def _silent_from(heard: tuple[datetime, ...], at: datetime, silence: timedelta) -> datetime | None:
    """Return the first instant, not before `at`, that lies so long after whatever was heard last."""
    for place, each in enumerate(heard):
        moment = max(at, each + silence)
        if place + 1 == len(heard) or moment < heard[place + 1]:
            return moment
    return None


class Then(Value):
    """What follows. A rule knows no address, so it redirects nothing."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["reattempt", "hold", "intercept", "trace", "reship"] | None = None
    assignee: Token | None = None
    notify: Annotated[tuple[Token, ...], _Listed, _Few] = ()

    @model_validator(mode="after")
    def _does_something(self) -> Then:
        if not (self.action or self.assignee or self.notify):
            raise ValueError("the rule does nothing; say action, assignee or notify")
        return self

    @property
    def action_kind(self) -> ActionKind | None:
        """The action in the contract's terms."""
        return ActionKind(self.action) if self.action else None


class AutomationRule(Value):
    """One rule. `draft` is not looked at, `shadow` is recorded and does nothing."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
    note: Annotated[str, SafeStr(200)] = ""
    state: Literal["draft", "shadow", "active"] = "active"
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    when: When = When()
    then: Then


class RuleDocument(Value):
    """A seller's rules, as they are stored."""

    model_config = ConfigDict(extra="forbid")

    rules: Annotated[tuple[AutomationRule, ...], Field(max_length=200, strict=False)] = ()
    note: Annotated[str, SafeStr(200)] = ""

    @model_validator(mode="after")
    def _names_each_rule_once(self) -> RuleDocument:
        twice = _repeated(rule.id for rule in self.rules)
        if twice:
            raise ValueError(f"two rules are called {twice}; give each an id of its own")
        return self

    @property
    def ordered(self) -> tuple[AutomationRule, ...]:
        """The rules that are looked at: the highest priority first, then the first in the document."""
        heard = [rule for rule in self.rules if rule.state != "draft"]
        return tuple(sorted(heard, key=lambda rule: -rule.priority))

    @property
    def digest(self) -> str:
        """The same for the same document."""
        return blake2b(self.model_dump_json().encode(), digest_size=6).hexdigest()


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
