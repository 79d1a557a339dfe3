"""The compatibility gate decides whether a new schema of an event may replace the old one under the same version.

Full and transitive: services deploy in any order and replays read old messages, so readers of either side must understand
writers of the other. What this module cannot judge is `unknown`, and unknown fails like breaking.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from linkstar_contracts.events import EVENTS
from linkstar_contracts.schemas import JsonSchema
from linkstar_contracts.topics import topics_of

__all__ = ["Change", "Verdict", "affected_services", "compare", "explain"]

Verdict = Literal["compatible", "breaking", "unknown"]

_SAYS_NOTHING = {"title", "description", "examples", "$id", "$schema", "$defs", "$comment"}
_LOWER = {"minimum", "exclusiveMinimum", "minLength", "minItems"}
_UPPER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems"}
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two schemas: where, what, and what it means."""

    path: str
    verdict: Verdict
    sentence: str


def compare(old: JsonSchema, new: JsonSchema) -> list[Change]:
    """Return every difference between two event schemas. No difference, no change."""
    return list(_Comparison(old, new).schemas("", old, new))


def affected_services(event_type: str) -> str:
    """Name who writes and who reads the event, from the topic registry."""
    topics = topics_of(EVENTS[event_type]) if event_type in EVENTS else ()
    writers = sorted({name for topic in topics for name in topic.producers}) or ["nobody"]
    readers = sorted({name for topic in topics for name in topic.consumers}) or ["subscribers"]
    return f"written by {', '.join(writers)}; read by {', '.join(readers)}"


def explain(event_type: str, change: Change) -> str:
    """Return one sentence for the person whose build this change stops."""
    return f"{event_type}: {change.verdict}: {change.sentence} ({affected_services(event_type)})"


@dataclass(frozen=True)
class _Comparison:
    """Walks two schemas side by side; each root resolves its own references."""

    old_root: JsonSchema
    new_root: JsonSchema

    def schemas(self, path: str, old: JsonSchema, new: JsonSchema) -> Iterator[Change]:
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        for keyword in sorted((old.keys() | new.keys()) - _SAYS_NOTHING):
            before, after = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
            if keyword == "properties":
                yield from self.properties(path, old, new)
            elif keyword == "required":
                yield from _required(path, old, new)
            elif keyword == "items" and before is not _ABSENT and after is not _ABSENT:
                yield from self.schemas(f"{path}[]", old["items"], new["items"])
            elif keyword == "anyOf" and before is not _ABSENT and after is not _ABSENT:
                yield from self.alternatives(path, old["anyOf"], new["anyOf"])
            elif before != after:
                yield from _keyword(path or "the event", keyword, before, after)

    def properties(self, path: str, old: JsonSchema, new: JsonSchema) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        come = sorted(after.keys() - before.keys())
        for name in sorted(before.keys() - after.keys()):
            renamed = next((other for other in come if self.same(before[name], after[other])), None)
            what = f"was renamed to `{renamed}`" if renamed else "was removed"
            come = [other for other in come if other != renamed]
            yield Change(_join(path, name), "breaking", f"field `{_join(path, name)}` {what}: readers still expect it")
        for name in come:
            yield _added(_join(path, name), name in new.get("required", ()), old.get("additionalProperties") is False)
        for name in sorted(before.keys() & after.keys()):
            yield from self.schemas(_join(path, name), before[name], after[name])

    def alternatives(self, path: str, old: list[JsonSchema], new: list[JsonSchema]) -> Iterator[Change]:
        if len(old) != len(new):
            sentence = f"`{path}` admits {len(new)} alternatives instead of {len(old)}"
            yield Change(path, "breaking", f"{sentence}: messages of the one side are unreadable to the other")
            return
        for before, after in zip(old, new, strict=True):
            yield from self.schemas(path, before, after)

    def same(self, old: JsonSchema, new: JsonSchema) -> bool:
        return not list(self.schemas("", old, new))


def _added(path: str, required: bool, closed: bool) -> Change:
    if required:
        return Change(path, "breaking", f"field `{path}` is new and required: messages of older writers lack it")
    order = "; deploy its reader before any writer, this door refuses unknown fields" if closed else ""
    return Change(path, "compatible", f"optional field `{path}` was added{order}")


def _keyword(path: str, keyword: str, old: Any, new: Any) -> Iterator[Change]:
    """Judge one keyword whose value differs."""
    if keyword in _LOWER | _UPPER:
        yield _bound(path, keyword, old, new)
    elif keyword in {"enum", "x-known-values"}:
        yield from _vocabulary(path, keyword, _or_empty(old), _or_empty(new))
    elif keyword in {"type", "const", "format", "default", "additionalProperties"}:
        sentence = (
            f"`{keyword}` of `{path}` changed from {_shown(old)} to {_shown(new)}: the same message means another thing"
        )
        yield Change(path, "breaking", sentence)
    else:
        sentence = f"`{keyword}` of `{path}` changed from {_shown(old)} to {_shown(new)}: the effect cannot be decided"
        yield Change(path, "unknown", sentence)


def _required(path: str, old: JsonSchema, new: JsonSchema) -> Iterator[Change]:
    """Fields of both sides that became required or optional; new and removed fields are judged by themselves."""
    kept = old.get("properties", {}).keys() & new.get("properties", {}).keys()
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(kept & (before ^ after)):
        became = "required: messages of older writers lack it" if name in after else "optional: older readers need it"
        yield Change(_join(path, name), "breaking", f"field `{_join(path, name)}` is now {became}")


def _bound(path: str, keyword: str, old: Any, new: Any) -> Change:
    narrowed = old is _ABSENT or (new is not _ABSENT and (new > old if keyword in _LOWER else new < old))
    effect = (
        "was narrowed: messages already written become unreadable"
        if narrowed
        else "was widened: older readers refuse what is now written"
    )
    return Change(path, "breaking", f"`{keyword}` of `{path}` {effect} ({_shown(old)} → {_shown(new)})")


def _vocabulary(path: str, keyword: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    is_open = keyword == "x-known-values"
    for value in (value for value in old if value not in new):
        yield Change(path, "breaking", f"value {_shown(value)} of `{path}` was removed: old messages still hold it")
    for value in (value for value in new if value not in old):
        effect = "an open vocabulary" if is_open else "a closed vocabulary: older readers refuse it"
        verdict: Verdict = "compatible" if is_open else "breaking"
        yield Change(path, verdict, f"value {_shown(value)} was added to `{path}`, {effect}")


def _resolved(schema: JsonSchema, root: JsonSchema) -> JsonSchema:
    """Follow a local reference; keywords beside it stand above the target's."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target: JsonSchema = root["$defs"][reference.removeprefix("#/$defs/")]
    return {**_resolved(target, root), **{name: value for name, value in schema.items() if name != "$ref"}}


def _or_empty(value: Any) -> Any:
    return [] if value is _ABSENT else value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else repr(value)
