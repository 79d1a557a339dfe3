"""SQL stands where a reader looks for it: the store of a service, its migrations, the runtime."""

from __future__ import annotations

import re
from pathlib import PurePath

import pytest
from architecture.source_tree import by_member

SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+(\w+\s+)?SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|MERGE\s+INTO\s|"
    r"(CREATE|ALTER|DROP)\s+(TABLE|INDEX|SCHEMA|ROLE|DATABASE)\s|TRUNCATE\s|COPY\s+\w+\s+(FROM|TO)\s)"
)


SERVICES = by_member("services")


@pytest.mark.parametrize("service", SERVICES)
def test_services_keep_sql_in_their_store(service: str) -> None:
    elsewhere = [
        module
        for module in SERVICES[service]
        if not {"store", "store.py", "migrations"} & {*PurePath(module.name).parts}
    ]
    assert elsewhere
    assert not [
        f"{module.name}:{node.lineno}"
        for module in elsewhere for node in module.strings() if SQL.match(str(node.value))
    ]  # fmt: skip


@pytest.mark.parametrize(
    "statement", ["SELECT 1 FROM t", "\n  UPDATE orders o SET a = 1", "DELETE FROM x", "WITH a AS (…)"]
)
def test_rule_knows_sql(statement: str) -> None:
    assert SQL.match(statement)


@pytest.mark.parametrize("text", ["select a carrier", "Update your address", "With regards"])
def test_rule_knows_prose(text: str) -> None:
    assert not SQL.match(text)
