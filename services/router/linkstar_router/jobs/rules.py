"""`python -m linkstar_router.jobs.rules FILE...`: checks rule documents, one JSON line each, for `linkstar rules check`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from linkstar_router.domain.rules.catalogue import shipped_catalogue
from linkstar_router.domain.rules.checking import check_rules
from linkstar_router.domain.rules.document import parse_rules, read_document
from linkstar_router.domain.rules.faults import BadRules

_LARGEST = 1_000_000


def main(files: Sequence[str]) -> int:
    """Print what is wrong with each file; return 1 when one of them could not be published."""
    verdicts = [_verdict(Path(file)) for file in files]
    for verdict in verdicts:
        sys.stdout.write(json.dumps(verdict, ensure_ascii=False) + "\n")
    return 0 if all(verdict["publishable"] for verdict in verdicts) else 1


def _verdict(file: Path) -> dict[str, Any]:
    catalogue, started = shipped_catalogue(), perf_counter()
    try:
        if file.stat().st_size > _LARGEST:
            raise ValueError(f"is larger than {_LARGEST} bytes")
        rules = parse_rules(read_document(file.read_text(encoding="utf-8")), catalogue)
    except BadRules as bad:
        return _refused(file, [fault._asdict() for fault in bad.faults])
    except (OSError, ValueError) as error:
        fix = "name a readable text file in UTF-8"
        return _refused(file, [{"code": "rules.unreadable", "rule": "", "field": "", "what": str(error), "fix": fix}])
    report = check_rules(rules, catalogue)
    return {
        "file": str(file), "rules": len(rules.rules), "digest": rules.digest, "publishable": not report.errors,
        "document": json.loads(rules.text), "faults": [],
        "findings": [finding._asdict() for finding in report.findings], "skipped": report.skipped,
        "seconds": round(perf_counter() - started, 4),
    }  # fmt: skip


def _refused(file: Path, faults: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "file": str(file), "rules": 0, "digest": "", "publishable": False, "document": None, "faults": faults,
        "findings": [], "skipped": [], "seconds": 0.0,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
