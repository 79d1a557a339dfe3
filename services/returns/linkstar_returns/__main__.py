"""`python -m linkstar_returns run | migrate | replay`."""

from __future__ import annotations

from linkstar_returns.app import build
from linkstar_runtime import main

main(build)
