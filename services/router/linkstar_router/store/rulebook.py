"""The rules in force, compiled once per version: read as a batch begins, so that sets are swapped between batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from linkstar_router.domain.rules.catalogue import Catalogue
from linkstar_router.domain.rules.compiled import NO_RULES, CompiledRules, compile_rules
from linkstar_router.domain.rules.document import parse_rules, read_document
from linkstar_router.store import rule_sets
from linkstar_router.store.rule_sets import Published
from linkstar_runtime.handling import Transaction

__all__ = ["Rulebook", "compiled"]

_REMEMBERED = 256


def compiled(published: Published, catalogue: Catalogue) -> CompiledRules:
    """Return a published set as a function; what was published is sound."""
    rules = parse_rules(read_document(published.document), catalogue, published=True)
    return compile_rules(rules.rules, published.name)


class Rulebook:
    """Compiled rule sets by tenant and version, none of which ever changes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[tuple[str, str], CompiledRules] = {}

    async def in_force(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, CompiledRules]:
        """Return the rules of those of these tenants that have some."""
        heads = await rule_sets.heads(tx, tenants)
        return {tenant: await self.version(tx, tenant, name) for tenant, name in heads.items()}

    async def version(self, tx: Transaction, tenant: str, name: str) -> CompiledRules:
        """Return a version that was once published; `none` stands for no rules at all."""
        if name == NO_RULES.version:
            return NO_RULES
        known = self._known.get((tenant, name))
        if known is None:
            published = await rule_sets.rule_set(tx, tenant, int(name.partition(".")[0]))
            if published is None or published.name != name:
                raise LookupError(f"rules {name} of {tenant} were never published")
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[tenant, name] = compiled(published, self._catalogue)
        return known
