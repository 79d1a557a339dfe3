"""HTTP's doors: schemathesis over every operation of every service, damaged bodies, wrong keys, and a rival's data."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from ingest_orders import order_body
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fuzz.findings import Findings
from fuzz.mutations import Record, damaged_body
from fuzz.running import TENANTS, Running
from linkstar_runtime.problems import PROBLEM_RESPONSES

__all__ = ["fuzz_http", "problem_fault"]

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
CANARY = "ctl-rival"
OPS = (
    "/livez",
    "/readyz",
    "/startupz",
    "/metrics",
    "/openapi.json",
    "/",
    "/v1",
    "/v1/none",
    "/docs",
    "/v1/orders/../..",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")
_PROBLEM = Draft202012Validator(PROBLEM_RESPONSES["4XX"]["content"]["application/problem+json"]["schema"])
_QUOTE = {
    "warehouse": {"code": "US-NJ", "country": "US", "postcode": "08817", "timezone": "America/New_York"},
    "destination": {"country": "US", "postcode": "02108", "region": "MA", "city": "Boston", "residential": True},
    "parcels": order_body()["parcels"],
}  # fmt: skip
_WAREHOUSE = {"code": "US-FZ", "country": "US", "postcode": "08817", "timezone": "America/New_York"}
_PRODUCT = {
    "sku": "FZ", "weight": {"value": "1.5", "unit": "lb"}, "value": {"amount_minor": 1299, "currency": "USD"},
    "dimensions": {"length": "6", "width": "5", "height": "4", "unit": "in"}, "description": "Mug",
}  # fmt: skip
_AGREEMENT = {
    "carrier": "usps", "currency": "USD", "valid_from": "2026-01-01", "source": "fz", "as_of": "2026-01-01", "pool": "fz",
    "synthetic": True, "tiers": [{"from_shipments": 10, "basis_points": 100}, {"from_shipments": 99, "basis_points": 200}],
}  # fmt: skip
_SCAN = {"carrier": "usps", "tracking_number": "9400", "code": "03", "scanned_at": "2026-11-02T10:00:00Z"}
BODIES: dict[tuple[str, str], tuple[str, Any]] = {
    ("ingest", "/v1/orders"): ("POST", order_body("fz-http")),
    ("ingest", "/v1/orders?"): ("POST", {"orders": [order_body("fz-http-1"), order_body("fz-http-2")]}),
    ("ingest", "/v1/addresses/check"): ("POST", {"consignee": order_body()["consignee"], "residential": True}),
    ("ingest", "/v1/warehouses"): ("PUT", {"warehouses": [_WAREHOUSE]}),
    ("ingest", "/v1/products"): ("PUT", {"products": [_PRODUCT]}),
    ("ingest", "/v1/orders/ctl-demo-http/change"): ("POST", {"request_id": "c", "consignee": order_body()["consignee"]}),
    ("ingest", "/v1/orders/none/cancel"): ("POST", {"reason": "customer"}),
    ("router", "/v1/quotes"): ("POST", _QUOTE),
    ("router", "/v1/quotes?"): ("POST", {"quotes": [_QUOTE, _QUOTE]}),
    ("labeler", "/v1/wallet/topups"): ("POST", {"amount_minor": 100, "currency": "USD", "reference": "fz"}),
    ("labeler", "/v1/wallet/limits/USD"): ("PUT", {"credit_limit_minor": 100, "notice_below_minor": 50, "reason": "fz"}),
    ("labeler", "/v1/wallet/agreements"): ("POST", _AGREEMENT),
    ("labeler", "/v1/wallet/rebates"): ("POST", {"month": "2026-01"}),
    ("labeler", "/v1/invoices/policy/USD"): ("PUT", {"auto_up_to_minor": 50}),
    ("labeler", "/v1/unused-labels"): ("PUT", {"after_days": 300}),
    ("tracker", "/v1/scans"): ("POST", {"scans": [_SCAN, {**_SCAN, "place": {"city": "Boston"}}]}),
    ("returns", "/v1/returns"): ("POST", {"order_id": "ctl-demo-http", "request_id": "fz", "items": [{"sku": "MUG",
      "quantity": 1}]}),
}  # fmt: skip


def fuzz_http(running: Running, number: int, examples: int, findings: Findings) -> dict[str, Any]:
    """Send generated, damaged, unauthorised and foreign requests to every operation of every service."""
    asyncio.run(_seed_orders(running))
    judge = _Judge(findings)
    operations = 0
    for service in running.stack.plan.services:
        doors = _Doors(running, service, judge, Random(f"{number}|{service}"))
        operations += doors.generated(number, examples)
        doors.damaged(examples)
        doors.operational()
        doors.unauthorised()
        doors.foreign()
        print(f"http: {service} done, {judge.requests} requests", flush=True)
    return {
        "requests": judge.requests, "operations": operations, "server_errors": findings.total("http: server error"),
        "uncoded": findings.total("http: uncoded"), "cross_reads": findings.total("http: cross read"),
        "statuses": dict(sorted(judge.statuses.items())), "unsendable": judge.unsendable,
    }  # fmt: skip


async def _seed_orders(running: Running) -> None:
    """One order with a label for each seller, so that there is something to read, and to hide."""
    for tenant in TENANTS:
        async with running.client("ingest", tenant) as ingest, running.client("tracker", tenant) as tracker:
            (await ingest.post("/v1/orders", json=order_body(f"ctl-{tenant}-http"))).raise_for_status()
            for _ in range(300):
                if (await tracker.get(f"/v1/trackers/ctl-{tenant}-http")).status_code == httpx.codes.OK:
                    break
                await asyncio.sleep(0.2)


def problem_fault(status: int, content_type: str, content: bytes) -> str | None:
    """Say what is wrong with the answer to a refused request; None when it is a coded problem document."""
    if content_type.partition(";")[0] != "application/problem+json":
        return f"is {content_type or 'of no type'}"
    try:
        document = json.loads(content)
    except ValueError:
        return "is no JSON"
    fault = next(_PROBLEM.iter_errors(document), None)
    if fault is not None:
        return fault.message
    return None if document["status"] == status and document["code"] else "has another status, or no code"


class _Judge:
    """Looks at every answer, whoever sent the request."""

    def __init__(self, findings: Findings) -> None:
        self.findings, self.requests, self.unsendable = findings, 0, 0
        self.statuses: Counter[int] = Counter()

    def look(self, method: str, url: str, status: int, content_type: str, content: bytes, sent: str = "") -> None:
        """Note what no answer may be: a server error, a refusal without a code, a rival's data."""
        self.requests += 1
        self.statuses[status] += 1
        where = f"{method} {url} {sent[:600]} -> {status} {content[:400]!r}"
        if status >= 500 and not url.endswith("z"):
            self.findings.add("http: server error", where)
        if 400 <= status < 500 and method != "HEAD":
            fault = problem_fault(status, content_type, content)
            if fault:
                self.findings.add(f"http: uncoded: {fault}", where)
        if CANARY.encode() in content and CANARY not in url + sent:
            self.findings.add("http: cross read", where)


class _Doors:
    """The doors of one service."""

    def __init__(self, running: Running, service: str, judge: _Judge, rng: Random) -> None:
        self._running, self._service, self._judge, self._rng = running, service, judge, rng
        self._url = running.url(service)
        self._session = requests.Session()
        self._key = running.keys["demo"]

    def generated(self, number: int, examples: int) -> int:
        """Requests that fit each operation's description, and requests that do not. Returns the number of operations."""
        schema = schemathesis.openapi.from_url(f"{self._url}/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations()]
        for operation in operations:
            for mode in schemathesis.GenerationMode:
                cases = operation.as_strategy(generation_mode=mode)
                run = given(cases)(self._send)
                run = settings(
                    max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )(run)  # fmt: skip
                seed(number)(run)()
        return len(operations)

    def _send(self, case: Any) -> None:
        if case.path_parameters and self._rng.random() < 0.5:
            tenant = self._rng.choice(("demo", "demo", "rival"))
            suffix = self._rng.choice(("", "", "~R1", ".zpl", ".pdf", ".png", "~2"))
            for name in case.path_parameters:
                case.path_parameters[name] = f"ctl-{tenant}-http{suffix}"
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": f"fz-{self._rng.random()}"}
        try:
            response = case.call(base_url=self._url, session=self._session, headers=headers, timeout=60)
        except (requests.exceptions.RequestException, ValueError) as error:
            self._judge.unsendable += 1
            if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.Timeout):
                self._judge.findings.add("http: no answer", f"{case.as_curl_command()} {error}")
            return
        content_type = (response.headers.get("content-type") or [""])[0]
        sent = repr(case.body)
        self._judge.look(
            case.method, str(response.request.url), response.status_code, content_type, response.content, sent
        )
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            for one in getattr(failure, "exceptions", [failure]):
                kind = f"http: {type(one).__name__} {self._service} {case.method} {case.operation.path}"
                self._judge.findings.add(
                    kind, f"{one.title}: {one.message} {case.as_curl_command()[:600]} -> {response.content[:300]!r}"
                )

    def damaged(self, examples: int) -> None:
        """Good bodies with flipped bits, torn JSON and hostile values."""
        for (service, path), (method, body) in BODIES.items():
            if service == self._service:
                for _ in range(examples):
                    record = Record("", 0, None, json.dumps(body).encode(), (), "")
                    content = damaged_body(self._rng, record)
                    kinds = ("application/json",) * 8 + ("application/json; charset=utf-16", "text/plain", "")
                    self._ask(method, path.rstrip("?"), content, {"Content-Type": self._rng.choice(kinds)})

    def operational(self) -> None:
        """Health, metrics, the description and addresses nobody serves, by every method."""
        for path in OPS:
            for method in METHODS:
                self._ask(method, path, self._rng.choice((b"", b"{", b"{}", b"\xff" * 50)), {})

    def unauthorised(self) -> None:
        """Every operation without a key, with a broken and a platform key: refused before anything is read."""
        platform = self._running.keys["carrier"]
        wrong = (None, "", "Bearer", "Basic eDp5", f"Bearer {self._key[:-1]}0", f"Bearer {self._key[:-8]}deadbeef",
          self._key,
                 "Bearer ls_live_00000000_" + "0" * 43 + "_00000000", f"Bearer {platform}", "Bearer \xff\xfe")  # fmt: skip
        for method, path in self._operations():
            for value in wrong:
                headers = {} if value is None else {"Authorization": value.encode("latin-1")}
                status = self._ask(method, path.replace("{", "").replace("}", ""), b"{}", headers, key=None)
                platform_door = value == f"Bearer {platform}" and self._service == "tracker"
                if status < 400 and not platform_door:
                    self._judge.findings.add("http: entered without a key", f"{method} {path} {value!r}")

    def foreign(self) -> None:
        """A rival's ids under our key: unknown, each of them."""
        for method, path in self._operations():
            if "{" in path:
                for suffix in ("", "~R1", ".zpl", ".pdf"):
                    at = path[: path.index("{")] + f"{CANARY}-http{suffix}" + path[path.index("}") + 1 :]
                    body = b'{"request_id":"x","reason":"x"}'
                    status = self._ask(method, at, body, {"Content-Type": "application/json"})
                    if status < 400:
                        self._judge.findings.add("http: cross read", f"{method} {at} -> {status}")

    def _operations(self) -> Iterator[tuple[str, str]]:
        document = self._session.get(f"{self._url}/openapi.json", timeout=10).json()
        for path, methods in document["paths"].items():
            for method in methods:
                yield method.upper(), path

    def _ask(
        self, method: str, path: str, content: bytes | None, headers: dict[str, Any], key: str | None = "demo"
    ) -> int:
        own = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": f"fz-{self._rng.random()}"} if key else {}
        request = requests.Request(method, f"{self._url}{path}", data=content, headers={**own, **headers}).prepare()
        request.url = f"{self._url}{path}"
        response = self._session.send(request, timeout=60)
        content_type = response.headers.get("content-type", "")
        self._judge.look(
            method, f"{self._service}{path}", response.status_code, content_type, response.content, repr(content)
        )
        return response.status_code
