"""`python -m linkstar_tracker run | migrate | replay`."""

from __future__ import annotations

from linkstar_runtime import main
from linkstar_tracker.app import build

main(build)
