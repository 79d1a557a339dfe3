"""`python -m containers`: the integration suite on containers; says why it does not run where no Docker engine answers.

Ends with one line of JSON and pytest's own exit code; without an engine with code 0 and the reason as `skipped`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from containers.engine import IMAGES, ensure_image, silence, sweep, this_run

SELECTION = "integration or e2e"


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def run(arguments: list[str], images: dict[str, str]) -> tuple[int, dict[str, int]]:
    """Runs pytest on these images, and leaves no container behind even if it is killed."""
    chosen = {IMAGES[server][0]: image for server, image in images.items()}
    environment = {**os.environ, **chosen, "LINKSTAR_TEST_SERVERS": "containers", "LINKSTAR_TEST_RUN": this_run()}
    with TemporaryDirectory(prefix="linkstar-containers-") as folder:
        counts = Path(folder, "counts.json")
        environment["LINKSTAR_TEST_COUNTS"] = str(counts)
        command = [sys.executable, "-m", "pytest", "-m", SELECTION, "-p", "containers.counting", *arguments]
        try:
            code = subprocess.run(command, env=environment, check=False).returncode
        finally:
            if left := sweep(this_run()):
                say(f"removed containers that the tests left: {', '.join(left)}")
        return code, json.loads(counts.read_text()) if counts.exists() else {}


def main() -> int:
    """Run the suite; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m containers", description=__doc__, epilog="All arguments are handed to pytest."
    )
    _, arguments = parser.parse_known_args()
    began = time.monotonic()
    if reason := silence():
        say(f"SKIPPED, {reason}. Start one, or set DOCKER_HOST; `make test-integration` needs none.")
        print(json.dumps({"servers": "containers", "skipped_because": reason}))
        return 0
    sweep()
    images = {server: ensure_image(server, say) for server in IMAGES}
    say(f"running on {', '.join(images.values())}")
    code, counts = run(arguments, images)
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"servers": "containers", "images": images, **counts, "seconds": seconds}))
    return code


if __name__ == "__main__":
    sys.exit(main())
