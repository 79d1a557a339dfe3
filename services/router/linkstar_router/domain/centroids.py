"""Computes the ZIP3 centroids that the distance fallback uses: `python -m linkstar_router.domain.centroids > FILE`.

Centroid = median latitude and median longitude of the ZIP codes of a ZIP3, military ones left out.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from statistics import median

import zipcodes

__all__ = ["centroids", "main"]


def centroids() -> Iterator[tuple[str, Decimal, Decimal]]:
    """Yield `(zip3, latitude, longitude)` in the order of ZIP3, exact to the source's decimals."""
    points: dict[str, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for row in zipcodes.list_all():  # type: ignore[no-untyped-call]  # the package ships no types
        if row["zip_code_type"] != "MILITARY":
            points[row["zip_code"][:3]].append((Decimal(row["lat"]), Decimal(row["long"])))
    for zip3, known in sorted(points.items()):
        yield zip3, median(lat for lat, _ in known), median(lon for _, lon in known)


def main() -> None:
    """Write the table as CSV to standard output."""
    sys.stdout.write("zip3,latitude,longitude\n")
    sys.stdout.writelines(f"{zip3},{lat.normalize():f},{lon.normalize():f}\n" for zip3, lat, lon in centroids())


if __name__ == "__main__":
    main()
