"""`linkstar orders import` over a real HTTP door that refuses the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from linkstar_cli.main import app


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        problem = {"code": "column_missing", "field": "file", "detail": "has no column name", "fix": "keep its header"}
        self.send_response(422)
        self.send_header("Content-Type", "application/problem+json")
        self.end_headers()
        self.wfile.write(json.dumps(problem).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def door() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Door) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_refused_file_is_named_with_what_is_missing(door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("INGEST_URL", door), ("API_KEY", "k"), ("HOME", str(tmp_path))):
        monkeypatch.setenv(f"LINKSTAR_{name}", value)
    (file := tmp_path / "march.csv").write_text("a,b\n1,2\n")
    shown = CliRunner().invoke(app, ["orders", "import", str(file), "--channel", "shopify"])
    assert shown.exit_code == 1
    assert "march.csv as shopify: has no column name" in shown.output.replace("\n", "")


def test_help_tells_the_status_of_refused_rows() -> None:
    assert "status 1" in CliRunner().invoke(app, ["orders", "import", "--help"]).output
