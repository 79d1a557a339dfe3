"""Reads a rule document (YAML or JSON) into rules. All of it is taken or nothing; every fault is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar, cast

import yaml

from linkstar_contracts.text import clean_text
from linkstar_router.domain.rules.catalogue import Catalogue
from linkstar_router.domain.rules.conditions import Between, Condition
from linkstar_router.domain.rules.faults import BadRules, Fault, spelled_like
from linkstar_router.domain.rules.rule import EXTRAS, Actions, Rule, State, Surcharge
from linkstar_router.domain.rules.vocabulary import Unreadable, day_of, money, read_conditions

__all__ = ["MOST_RULES", "RuleSet", "parse_rules", "read_document"]

MOST_RULES = 200
_KEYS = ("id", "note", "state", "priority", "valid_from", "valid_to", "when", "then")
_ACTIONS = ("forbid", "allow", "require", "prefer", "surcharge", "ask_for", "hold")
_STATES = ("draft", "shadow", "active")
_Read = TypeVar("_Read")


class RuleSet(NamedTuple):
    """The rules of one document, in its order, with the canonical text they were read from and its hash."""

    rules: tuple[Rule, ...]
    text: str
    digest: str


class _OnceLoader(yaml.SafeLoader):
    """YAML in which a key stands once: the last of two would silently win."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                fix = "keep one of them; for either-or write two rules"
                raise BadRules([Fault("rules.key_twice", "", f"line {line}", f"{key!r} stands twice", fix)])
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_document(text: str) -> Any:
    """Return the content of a YAML or JSON text; raises BadRules where it is neither."""
    try:
        return yaml.load(text, _OnceLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, TypeError) as error:
        what = " ".join(str(error).split())[:300]
        fault = Fault("rules.not_yaml", "", "", f"this is neither YAML nor JSON: {what}", "mend the line named")
        raise BadRules([fault]) from None


def parse_rules(document: Any, catalogue: Catalogue, *, published: bool = False) -> RuleSet:
    """Return the rules of a document; raises BadRules with every fault.

    In a document that was `published` once, services that ceased to exist since are passed over.
    """
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise BadRules([Fault("rules.no_rules", "", "rules", "there is no list of rules", "begin with `rules:`")])
    _check_text(document)
    entries = document["rules"]
    faults: list[Fault] = [
        Fault("rules.unknown_key", "", str(key), f"there is no key {key!r}", "a document holds `rules:` and no more")
        for key in document.keys() - {"rules"}
    ]
    if len(entries) > MOST_RULES:
        what, fix = f"{len(entries)} rules are more than {MOST_RULES}", "join rules that do the same"
        faults.append(Fault("rules.too_many", "", "rules", what, fix))
    rules = [
        _Entry(entry, place, catalogue, faults, published).rule() for place, entry in enumerate(entries[:MOST_RULES], 1)
    ]
    faults += _repeated([rule.id for rule in rules if rule])
    if faults:
        raise BadRules(faults)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return RuleSet(tuple(rule for rule in rules if rule), text, blake2b(text.encode(), digest_size=6).hexdigest())


def _check_text(document: Any) -> None:
    try:
        json.dumps(document, ensure_ascii=False, default=str).encode()
    except (UnicodeEncodeError, TypeError, RecursionError):
        fix = "remove lone surrogates and keys that are no words, or correct the encoding"
        raise BadRules([Fault("rules.bad_text", "", "", "holds what is no text", fix)]) from None


def _repeated(ids: list[str]) -> Iterator[Fault]:
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield Fault("rules.id_twice", name, "id", "two rules have this id", "give each rule an id of its own")


class _Entry:
    """One entry of the list while it is read; what is wrong goes to `faults`."""

    def __init__(self, entry: Any, place: int, catalogue: Catalogue, faults: list[Fault], published: bool) -> None:
        self._entry: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
        self._place, self._catalogue, self._faults, self._published = place, catalogue, faults, published
        named = self._entry.get("id")
        self._id = named if isinstance(named, str) and named else f"#{place}"

    def rule(self) -> Rule | None:
        """Return the rule, or None when it has a fault."""
        before = len(self._faults)
        self._check_keys()
        conditions = (*self._conditions(), *self._validity())
        actions = self._actions()
        state, priority = self._entry.get("state", "active"), self._entry.get("priority", 0)
        if state not in _STATES:
            self._fault("rules.bad_value", "state", f"{state!r} is no state", spelled_like(str(state), _STATES))
        if not isinstance(priority, int) or isinstance(priority, bool) or abs(priority) > 10**6:
            self._fault("rules.bad_value", "priority", f"{priority!r} is no priority", "write a whole number")
        if len(self._faults) > before:
            return None
        return Rule(
            self._id, self._place, cast("State", state), priority, conditions, actions,
            str(self._entry.get("note", "")),
        )  # fmt: skip

    def _fault(self, code: str, field: str, what: str, fix: str) -> None:
        self._faults.append(Fault(code, self._id, field, what, fix))

    def _try(self, field: str, read: Callable[[], _Read]) -> _Read | None:
        try:
            return read()
        except Unreadable as unreadable:
            code, what, fix = unreadable.args
            self._fault(code, field, what, fix)
            return None

    def _check_keys(self) -> None:
        if not self._entry:
            self._fault("rules.not_a_rule", "", "a rule is a mapping", "write id:, when: and then:")
        elif not (self._id[0] != "#" and len(self._id) <= 40 and self._id.replace("-", "").replace("_", "").isalnum()):
            fix = "give it a short name of letters, digits and hyphens, such as no-air-batteries"
            self._fault("rules.no_id", "id", "the rule has no usable id", fix)
        for key in self._entry.keys() - set(_KEYS):
            self._fault("rules.unknown_key", str(key), f"there is no key {key!r}", spelled_like(str(key), _KEYS))

    def _conditions(self) -> Iterator[Condition]:
        when = self._entry.get("when", {})
        if not isinstance(when, dict):
            self._fault("rules.bad_value", "when", "`when` is no mapping", "write field: value lines below it")
            return
        for field, read in read_conditions(when):
            if isinstance(read, Unreadable):
                code, what, fix = read.args
                self._fault(code, f"when.{field}", what, fix)
            else:
                yield read

    def _validity(self) -> Iterator[Condition]:
        ends = {
            key: self._try(key, lambda key=key: day_of(self._entry[key]))  # type: ignore[misc]
            for key in ("valid_from", "valid_to")
            if self._entry.get(key) is not None
        }
        low, high = ends.get("valid_from"), ends.get("valid_to")
        if low is not None and high is not None and low > high:
            self._fault("rules.never_matches", "valid_to", "ends before valid_from", "swap the two dates")
        elif low is not None or high is not None:
            yield Between("day", low, high)

    def _actions(self) -> Actions:
        then = self._entry.get("then")
        if not isinstance(then, dict) or not then:
            fix = f"say what the rule does: {', '.join(_ACTIONS)}"
            self._fault("rules.no_action", "then", "the rule does nothing", fix)
            return Actions()
        for key in then.keys() - set(_ACTIONS):
            fix = spelled_like(str(key), _ACTIONS)
            self._fault("rules.unknown_action", f"then.{key}", f"there is no action {key!r}", fix)
        named = {key: self._services(f"then.{key}", then[key]) for key in _ACTIONS[:4] if key in then}
        return Actions(
            forbid=named.get("forbid", frozenset()), allow=named.get("allow") or None, require=named.get("require") or None,
            prefer=named.get("prefer", frozenset()), surcharge=self._surcharge(then.get("surcharge")),
            ask_for=self._extras(then.get("ask_for", [])), hold=self._hold(then),
        )  # fmt: skip

    def _services(self, field: str, value: Any) -> frozenset[str]:
        found: set[str] = set()
        for target in value if isinstance(value, list) else [value]:
            services = self._catalogue.named(target) if isinstance(target, str) else frozenset()
            if not services and not self._published:
                known = self._catalogue.services | {key.partition("/")[0] for key in self._catalogue.services}
                fix = spelled_like(str(target), known)
                self._fault("rules.unknown_service", field, f"there is no carrier or service {target!r}", fix)
            found |= services
        return frozenset(found)

    def _surcharge(self, value: Any) -> Surcharge | None:
        if value is None:
            return None
        field, keys = "then.surcharge", ("services", "amount", "percent")
        if not isinstance(value, dict) or "services" not in value or not value.keys() <= set(keys) or len(value) < 2:
            fix = "write surcharge: {services: [ups], amount: 1.50 USD} or {services: [ups], percent: 5}"
            self._fault("rules.bad_surcharge", field, "not a surcharge", fix)
            return None
        amount = self._try(field, lambda: money(value["amount"])) if "amount" in value else (0, "")
        percent = value.get("percent", 0)
        if not isinstance(percent, int) or isinstance(percent, bool) or not 0 <= percent <= 1000:
            self._fault(
                "rules.bad_surcharge", field, f"{percent!r} is no percentage", "write a whole number, 0 to 1000"
            )
            percent = 0
        return Surcharge(self._services(f"{field}.services", value["services"]), *(amount or (0, "")), percent * 100)

    def _extras(self, value: Any) -> tuple[str, ...]:
        words = value if isinstance(value, list) else [value]
        for word in words:
            if word not in EXTRAS:
                fix = spelled_like(str(word), EXTRAS)
                self._fault("rules.bad_value", "then.ask_for", f"{word!r} cannot be asked for", fix)
        return tuple(extra for extra in EXTRAS if extra in words)

    def _hold(self, then: Mapping[str, Any]) -> str:
        if "hold" not in then:
            return ""
        try:
            reason = clean_text(then["hold"])
        except (AttributeError, ValueError):
            reason = ""
        if not 1 <= len(reason) <= 120:
            fix = "give the reason in words, such as hold: call the customer first"
            self._fault("rules.bad_value", "then.hold", "holding needs a reason of 1 to 120 characters", fix)
            return ""
        return reason
