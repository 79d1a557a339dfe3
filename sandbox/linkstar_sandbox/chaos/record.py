"""What is kept of a run that failed: every record of every topic, and the tables as they were read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from linkstar_sandbox.reader.run_evidence import RunEvidence

__all__ = ["keep_evidence"]


def keep_evidence(directory: Path, run: RunEvidence, complaints: Sequence[str]) -> None:
    """Write `records.jsonl.gz`, `tables.json` and `violations.txt`."""
    with gzip.open(directory / "records.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as file:
        for record in run.topics.records:
            known: dict[str, Any] = {
                "topic": record.topic, "partition": record.partition, "offset": record.offset, "key": record.key,
                "headers": dict(record.headers), "value": record.value.decode("utf-8", "replace"),
            }  # fmt: skip
            file.write(json.dumps(known) + "\n")
    tables = {each.name: getattr(run, each.name) for each in fields(run) if each.name not in ("topics", "samples")}
    tables["versions"] = [[*name, version] for name, version in run.versions.items()]
    (directory / "tables.json").write_text(json.dumps(tables, default=_plain), "utf-8")
    (directory / "violations.txt").write_text("\n".join(complaints) + "\n", "utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return {name: getattr(value, name) for name in value.__slots__}
