"""`python -m linkstar_ingest run | migrate | replay`."""

from __future__ import annotations

from linkstar_ingest.app import build
from linkstar_runtime import main

if __name__ == "__main__":
    main(build)
