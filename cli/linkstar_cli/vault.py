"""`linkstar vault`: the master keys that all personal data and credentials hang on."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from linkstar_cli.access import Access
from linkstar_cli.screen import CommandError, coded_errors, out
from linkstar_runtime.settings import VaultSettings
from linkstar_runtime.vault import Vault, VaultError

app = typer.Typer(no_args_is_help=True, help=__doc__)
_PAGE = 1_000


@dataclass(frozen=True)
class SecretColumn:
    """Where a service keeps secrets of tenants: `name` is the SQL of what each is sealed under."""

    table: str
    column: str
    name: str


SECRETS = (
    SecretColumn("labeler.carrier_account", "credentials", "carrier || '/' || account"),
    SecretColumn("labeler.manifest_document", "content", "'manifest/' || manifest_id"),
    SecretColumn("tracker.evidence_case", "key", "'case|' || shipment_id || '|' || number"),
    SecretColumn("tracker.tracking_account", "credentials", "'tracking|' || carrier || '|' || test"),
    SecretColumn("tracker.webhook_endpoint", "secret", "'webhook|' || endpoint_id"),
    SecretColumn("tracker.webhook_endpoint", "old_secret", "'webhook|' || endpoint_id"),
    SecretColumn("tracker.webhook_delivery", "body", "'webhook|' || endpoint_id || '|' || delivery_id"),
)


@app.callback()
def vault() -> None:
    """Make and exchange master keys."""


@app.command()
def create(file: Annotated[Path, typer.Argument(help="where the key shall lie; an existing file is kept")]) -> None:
    """Write a new random master key that only its owner can read."""
    existed = file.exists()
    Vault.create_master_key(file)
    out.print(f"{file}: {'was there already' if existed else 'a new master key'}", highlight=False)


@app.command()
def rewrap(
    key: Annotated[Path, typer.Option(help="the master key that wraps from now on")],
    other: Annotated[list[Path], typer.Option(help="a key that wrapped until now; may be repeated")],
) -> None:
    """Wrap every data key anew, so that the other keys are no longer needed. Services may run; a second run changes nothing.

    No consignee and no credential is opened. Ends with status 1 if something could not be unwrapped by any of the keys.
    """
    with coded_errors():
        found = asyncio.run(_rewrap(Access.find().database, _vault(key, other)))
    for what in ("orders' keys", "secrets"):
        told = ", ".join(f"{found[what, end]} {end}" for end in ("rewrapped", "already under this key", "unreadable"))
        out.print(f"{what}: {told}", highlight=False)
    if any(count for (_, end), count in found.items() if end == "unreadable"):
        raise typer.Exit(1)


def _vault(key: Path, other: list[Path]) -> Vault:
    try:
        return Vault.from_settings(VaultSettings(master_key_file=key, other_key_files=tuple(other)))
    except OSError as error:
        raise CommandError(
            "key-unreadable", f"{error.filename}: {error.strerror}", "Name files that can be read."
        ) from error
    except VaultError as error:
        raise CommandError(error.code, str(error), "See docs/secrets.md.") from error


async def _rewrap(database: str, keys: Vault) -> Counter[tuple[str, str]]:
    try:
        connection = await asyncpg.connect(database)
    except (OSError, asyncpg.PostgresError) as error:
        raise CommandError(
            "database-unreachable", f"No database: {error}", "See LINKSTAR_DATABASE__ADMIN_URL."
        ) from error
    found: Counter[tuple[str, str]] = Counter()
    try:
        await _rewrap_orders(connection, keys, found)
        for secrets in SECRETS:
            await _rewrap_secrets(connection, keys, secrets, found)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError) as error:
        raise CommandError(
            "no-vault", str(error), "Name the database's administrator in LINKSTAR_DATABASE__ADMIN_URL."
        ) from error
    finally:
        await connection.close()
    return found


async def _rewrap_orders(connection: asyncpg.Connection[Any], keys: Vault, found: Counter[tuple[str, str]]) -> None:
    """Page by page; a key that is destroyed meanwhile stays destroyed."""
    last = ("", "")
    while rows := await connection.fetch(
        """SELECT tenant, order_id, key_id, wrapped FROM vault.dek WHERE (tenant, order_id) > ($1, $2)
           ORDER BY tenant, order_id LIMIT $3""",
        *last, _PAGE,
    ):  # fmt: skip
        changed = []
        for tenant, order_id, key_id, wrapped in rows:
            try:
                new = keys.rewrap_key((tenant, order_id), key_id, wrapped)
            except VaultError:
                found["orders' keys", "unreadable"] += 1
                continue
            found["orders' keys", "rewrapped" if new else "already under this key"] += 1
            if new:
                changed.append((tenant, order_id, key_id, new))
        await connection.executemany(
            "UPDATE vault.dek SET wrapped = $4 WHERE tenant = $1 AND order_id = $2 AND key_id = $3", changed
        )
        last = (rows[-1]["tenant"], rows[-1]["order_id"])


async def _rewrap_secrets(
    connection: asyncpg.Connection[Any], keys: Vault, secrets: SecretColumn, found: Counter[tuple[str, str]]
) -> None:
    rows = await connection.fetch(
        f"SELECT tenant, {secrets.name} AS name, {secrets.column} AS sealed FROM {secrets.table} "  # noqa: S608 - our own names
        f"WHERE {secrets.column} IS NOT NULL"
    )
    for tenant, name, sealed in rows:
        try:
            new = keys.rewrap_secret(tenant, name, sealed)
        except VaultError:
            found["secrets", "unreadable"] += 1
            continue
        found["secrets", "rewrapped" if new else "already under this key"] += 1
        if new:
            await connection.execute(
                f"UPDATE {secrets.table} SET {secrets.column} = $1 "  # noqa: S608 - see above
                f"WHERE tenant = $2 AND {secrets.name} = $3 AND {secrets.column} = $4",
                new, tenant, name, sealed,
            )  # fmt: skip
