"""`python -m linkstar_router run | migrate | replay | quote`."""

from linkstar_router.app import build
from linkstar_runtime import main

if __name__ == "__main__":
    main(build)
