"""`python -m fuzz`: fuzzes the running product and ends with one line of JSON; status 0 only if nothing was found."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

from fuzz.file_doors import fuzz_files
from fuzz.findings import Findings
from fuzz.http_doors import fuzz_http
from fuzz.kafka_doors import fuzz_kafka
from fuzz.running import Running, running_stack

PARTS = ("kafka", "http", "files")


def main() -> int:
    """Run the fuzz; returns the exit status."""
    options = _options()
    began = time.monotonic()
    findings = Findings()
    print(f"seed {options.seed}; starting the product", flush=True)
    with running_stack() as running:
        report = _fuzzed(running, options, findings)
        for trace in running.tracebacks():
            findings.add("log: unexpected", trace)
    for name in PARTS:
        report.setdefault(name, "not_exercised")
    for found in findings.listed():
        print(f"FOUND {found['count']} x {found['kind']}\n      {findings.examples[str(found['kind'])]}", flush=True)
    report |= {"seed": options.seed, "seconds": round(time.monotonic() - began, 1), "findings": findings.listed()}
    print(json.dumps(report))
    return 1 if findings.counts else 0


def _fuzzed(running: Running, options: argparse.Namespace, findings: Findings) -> dict[str, Any]:
    asyncio.run(running.open_accounts())
    report: dict[str, Any] = {}
    if "kafka" in options.only:
        _tell(f"kafka: {options.records} records")
        kafka = fuzz_kafka(running, options.seed, options.records, options.orders, findings)
        report["kafka"] = asyncio.run(kafka)
        _tell(json.dumps(report["kafka"]))
    if "files" in options.only:
        _tell(f"files: {options.files} cases")
        report["files"] = asyncio.run(fuzz_files(running, options.seed, options.files, findings))
        _tell(json.dumps(report["files"]))
    if "http" in options.only:
        _tell(f"http: {options.examples} examples of each operation and kind")
        report["http"] = fuzz_http(running, options.seed, options.examples, findings)
        _tell(json.dumps(report["http"]))
    return report


def _tell(line: str) -> None:
    print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=108_000, help="damaged Kafka records over all topics")
    parser.add_argument("--orders", type=int, default=400, help="sound orders among them")
    parser.add_argument("--examples", type=int, default=100, help="HTTP requests of each operation and kind")
    parser.add_argument(
        "--files", type=int, default=500, help="order files to import; three times as many are read without the service"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
