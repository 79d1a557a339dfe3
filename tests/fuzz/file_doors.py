"""The door for order files: every row accepted or refused with a code, nothing half stored, whatever the file holds."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from typing import Any

import asyncpg
import httpx
from ingest_orders import NOW, PRODUCTS

from fuzz.findings import Findings
from fuzz.http_doors import problem_fault
from fuzz.order_files import FileCase, file_cases
from fuzz.running import Running
from linkstar_ingest.channels import CHANNELS
from linkstar_ingest.domain.drafts import OrderDraft, complete
from linkstar_ingest.domain.faults import Refusal
from linkstar_runtime.api_keys import create_key
from linkstar_sandbox.demo.seller import Seller

__all__ = ["fuzz_files", "read_files"]

TENANT = "files"
AT_ONCE = 6
IN_PROCESS = 3
"""How many files are read without the service for each one imported."""


async def fuzz_files(running: Running, seed: int, count: int, findings: Findings) -> dict[str, Any]:
    """Import `count` damaged files, read more of them without the service, and account for every order."""
    read = await asyncio.to_thread(read_files, seed + 1, count * IN_PROCESS, findings)
    async with running.database() as connection:
        running.keys[TENANT] = await create_key(connection, TENANT, ["*"])
    seller = Seller(running.stack.endpoints["services"], running.keys[TENANT])
    await seller.register_master_data()
    await seller.close()
    door = _Door(findings)
    async with running.client("ingest", TENANT) as client:
        queue = list(file_cases(seed, count))
        await asyncio.gather(*(door.work(client, queue) for _ in range(AT_ONCE)))
    async with running.database() as connection:
        await door.check_stored(connection)
    return {
        "cases": count + read["cases"], "imported": count, "tracebacks": findings.total("files: traceback"),
        "orders": door.orders, "accepted": door.accepted, "rejected": door.rejected, "refused_files": door.refused,
        "refused_when_read": read["refused"], "codes": len(door.codes),
    }  # fmt: skip


class _Door:
    """Imports files over HTTP and judges each report."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.orders = self.accepted = self.rejected = self.refused = 0
        self.codes: Counter[str] = Counter()

    async def work(self, client: httpx.AsyncClient, queue: list[FileCase]) -> None:
        """Import files until none is left."""
        while queue:
            case = queue.pop()
            query = {"channel": case.channel, "filename": f"{case.damage}.{case.form}"}
            answer = await client.post("/v1/imports", params=query, content=case.raw)
            if answer.status_code == 202:
                self._judge(case, await _finished(client, answer.json()["import_id"]))
            else:
                self._judge_refusal(case, answer)

    def _judge_refusal(self, case: FileCase, answer: httpx.Response) -> None:
        self.refused += 1
        fault = problem_fault(answer.status_code, answer.headers.get("content-type", ""), answer.content)
        if answer.status_code >= 500 or fault:
            kind = "files: traceback" if answer.status_code >= 500 else "files: uncoded"
            self._findings.add(kind, f"{_shown(case)} -> {answer.status_code} {answer.text[:300]}")
        else:
            self.codes[answer.json()["code"]] += 1

    def _judge(self, case: FileCase, report: dict[str, Any]) -> None:
        told = {name: value for name, value in report.items() if name != "errors"}
        decided = sum(report[name] for name in ("accepted", "duplicates", "rejected", "skipped"))
        self.orders += report["orders"]
        self.accepted += report["accepted"]
        self.rejected += report["rejected"]
        self.codes.update(error["code"] for error in report["errors"])
        if report["state"] != "done":
            self._findings.add(f"files: import {report['state']}", f"{_shown(case)} -> {report}")
        if decided != report["orders"]:
            self._findings.add("files: orders do not add up", f"{_shown(case)} -> {told}")
        if report["rejected"] and not report["errors"]:
            self._findings.add("files: rejected without a word", f"{_shown(case)} -> {told}")
        for error in report["errors"]:
            if not all(error[name] for name in ("row", "code", "field", "detail", "fix")):
                self._findings.add("files: uncoded", f"{_shown(case)} -> {error}")

    async def check_stored(self, connection: asyncpg.Connection[Any]) -> None:
        """As many orders as were accepted, and no file left behind."""
        stored = await connection.fetchval(
            "SELECT count(*) FROM ingest.sales_order WHERE tenant = $1 AND content IS NOT NULL", TENANT
        )
        left = await connection.fetchval("SELECT count(*) FROM ingest.import_file WHERE tenant = $1", TENANT)
        if stored != self.accepted:
            self._findings.add("files: half stored", f"{self.accepted} accepted, {stored} stored")
        if left:
            self._findings.add("files: file left behind", str(left))
        if not self.accepted or not self.rejected or not self.refused:
            self._findings.add("files: not_exercised", f"{self.accepted}, {self.rejected}, {self.refused}")


async def _finished(client: httpx.AsyncClient, import_id: str) -> dict[str, Any]:
    for _ in range(300):
        report: dict[str, Any] = (await client.get(f"/v1/imports/{import_id}")).json()
        if report["state"] != "processing":
            break
        await asyncio.sleep(0.2)
    return report


def read_files(seed: int, count: int, findings: Findings) -> dict[str, int]:
    """Read files as ingest reads them, without the service: orders or coded errors, never anything else."""
    refused = 0
    for case in file_cases(seed, count):
        try:
            file = CHANNELS[case.channel](case.raw)
            for draft in file.drafts:
                if isinstance(draft, OrderDraft):
                    complete(draft, TENANT, NOW, "US-NJ", PRODUCTS)
        except Refusal:
            refused += 1
        except Exception:  # noqa: BLE001 - whatever it is, it is the finding
            findings.add("files: traceback", f"{_shown(case)} {traceback.format_exc()[-1_200:]}")
    return {"cases": count, "refused": refused}


def _shown(case: FileCase) -> str:
    return f"{case.channel} {case.form} {case.damage} {case.raw[:300]!r}"
