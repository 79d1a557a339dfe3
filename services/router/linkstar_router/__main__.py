"""`python -m linkstar_router run | migrate | replay`."""

from linkstar_router.app import build
from linkstar_runtime import main

if __name__ == "__main__":
    main(build)
