"""Compiles a rule set to one function: facts in, one bit per matching rule out. Only validated constants enter its code."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from linkstar_router.domain.rules.conditions import AnyOf, Between, Condition, Flag, InPostcodes, OneOf
from linkstar_router.domain.rules.effects import Effects
from linkstar_router.domain.rules.facts import FIELDS, Facts
from linkstar_router.domain.rules.rule import Rule

__all__ = ["NO_RULES", "CompiledRules", "compile_rules", "matcher"]

_BEYOND = "\uffff"
"""Greater than whatever follows the end of a postcode range."""
_REMEMBERED = 4096


class CompiledRules:
    """The active rules of one version: which rules hold for an order, and what they mean together.

    Which rules hold for an order is asked of one compiled function; few combinations occur, and each is worked out once.
    """

    def __init__(self, rules: Sequence[Rule], version: str) -> None:
        self.version = version
        self.rules = tuple(rules)
        self.fields = frozenset(condition.field for rule in rules for condition in rule.conditions)
        self.match = matcher(self.rules)
        self._effects: dict[int, Effects] = {}

    def effects(self, matching: int) -> Effects:
        """Return what the rules of these bits mean together."""
        known = self._effects.get(matching)
        if known is None:
            if len(self._effects) >= _REMEMBERED:
                self._effects.clear()
            chosen = [rule for place, rule in enumerate(self.rules) if matching >> place & 1]
            known = self._effects[matching] = Effects(chosen)
        return known


def compile_rules(rules: Sequence[Rule], version: str) -> CompiledRules:
    """Return the active ones of these rules, compiled."""
    return CompiledRules([rule for rule in rules if rule.state == "active"], version)


def matcher(rules: Sequence[Rule]) -> Callable[[Facts], int]:
    """Return a function of an order's facts: bit n is set when rule n holds."""
    code = _Code()
    tests = [*code.by_country(list(enumerate(rules)))]
    used = sorted(code.fields, key=FIELDS.index)
    reads = [_assign(name, _item("facts", FIELDS.index(name))) for name in used]
    body = [*reads, _assign("matching", ast.Constant(0)), *tests, ast.Return(_name("matching"))]
    function = ast.FunctionDef("match", _arguments("facts"), body, [], None)
    outer = ast.FunctionDef("bind", _arguments(*code.constants), [function, ast.Return(_name("match"))], [], None)
    module = ast.fix_missing_locations(ast.Module([outer], []))
    namespace: dict[str, Any] = {"__builtins__": {}}
    exec(compile(module, "<rules>", "exec"), namespace)  # noqa: S102 - built from validated values only
    bound: Callable[[Facts], int] = namespace["bind"](**code.constants)
    return bound


def _only_country(rule: Rule) -> OneOf | None:
    """Return the condition that binds a rule to one country."""
    found = [each for each in rule.conditions if isinstance(each, OneOf) and each.field == "country"]
    return found[0] if len(found) == 1 and len(found[0].values) == 1 and not found[0].negated else None


class _Code:
    """The function under construction. Constants that are no literals are handed in by name."""

    def __init__(self) -> None:
        self.fields: set[str] = set()
        self.constants: dict[str, object] = {}

    def by_country(self, rules: Sequence[tuple[int, Rule]]) -> Iterator[ast.stmt]:
        """Return the tests of all rules; those of one country are asked for its orders only."""
        groups: dict[OneOf | None, list[ast.stmt]] = {}
        for place, rule in rules:
            home = _only_country(rule)
            rest = [condition for condition in rule.conditions if condition is not home]
            groups.setdefault(home, []).append(self.rule(1 << place, rest))
        for home, tests in groups.items():
            if home is None:
                yield from tests
            else:
                yield ast.If(self._test(home), tests, [])

    def rule(self, bit: int, conditions: Sequence[Condition]) -> ast.stmt:
        """Return `if <all conditions>: matching |= bit`; the conditions that fail oftenest are asked first."""
        add = ast.AugAssign(ast.Name("matching", ast.Store()), ast.BitOr(), ast.Constant(bit))
        tests = [self._test(condition) for condition in sorted(conditions, key=_cost)]
        if not tests:
            return add
        return ast.If(tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests), [add], [])

    def _test(self, condition: Condition) -> ast.expr:
        self.fields.add(condition.field)
        field = _name(condition.field)
        match condition:
            case OneOf(values=values, negated=negated):
                return self._one_of(field, values, negated)
            case Flag(value=value):
                return field if value else ast.UnaryOp(ast.Not(), field)
            case Between(low=low, high=high):
                return _between(field, low, high)
            case InPostcodes(ranges=ranges):
                tests = [_between(field, first, last + _BEYOND) for first, last in ranges]
                return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
            case AnyOf():
                return self._any_of(field, condition)

    def _one_of(self, field: ast.expr, values: frozenset[str], negated: bool) -> ast.expr:
        if len(values) == 1:
            (value,) = values
            return ast.Compare(field, [ast.NotEq() if negated else ast.Eq()], [ast.Constant(value)])
        return ast.Compare(field, [ast.NotIn() if negated else ast.In()], [self._constant(values)])

    def _any_of(self, field: ast.expr, condition: AnyOf) -> ast.expr:
        exact = frozenset(pattern.text for pattern in condition.patterns if not pattern.open_ended)
        begins = tuple(pattern.text for pattern in condition.patterns if pattern.open_ended)
        fits = _any_fits(exact, begins) if begins else exact.isdisjoint
        call = ast.Call(self._constant(fits), [field], [])
        wanted = bool(begins) != condition.negated
        return call if wanted else ast.UnaryOp(ast.Not(), call)

    def _constant(self, value: object) -> ast.expr:
        name = f"_{len(self.constants)}"
        self.constants[name] = value
        return _name(name)


def _any_fits(exact: frozenset[str], begins: tuple[str, ...]) -> Callable[[frozenset[str]], bool]:
    def fits(values: frozenset[str]) -> bool:
        return any(value in exact or value.startswith(begins) for value in values)

    return fits


def _cost(condition: Condition) -> int:
    """Rank conditions by how cheaply they end a test: places first, sets of words last."""
    match condition:
        case OneOf():
            return 0 if condition.field in ("country", "warehouse") else 1
        case Flag() | Between():
            return 2
        case InPostcodes():
            return 3
        case AnyOf():
            return 4


def _between(field: ast.expr, low: int | str | None, high: int | str | None) -> ast.expr:
    if low is None:
        return ast.Compare(field, [ast.LtE()], [ast.Constant(high)])
    if high is None:
        return ast.Compare(field, [ast.GtE()], [ast.Constant(low)])
    return ast.Compare(ast.Constant(low), [ast.LtE(), ast.LtE()], [field, ast.Constant(high)])


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _item(name: str, index: int) -> ast.expr:
    return ast.Subscript(_name(name), ast.Constant(index), ast.Load())


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _arguments(*names: str) -> ast.arguments:
    return ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])


NO_RULES = CompiledRules((), "none")
"""The version of a tenant that has no rules."""
