"""What was handed in, one JSON line per record and publication: the input an offline checker starts from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

__all__ = ["History", "Publication", "read_history"]


@dataclass(frozen=True, slots=True)
class Publication:
    """One record handed to the broker. Without `offset` its fate is unknown: it was handed in again afterwards."""

    kind: str
    order_id: str
    partition: int
    offset: int | None
    due_ms: int
    flaw: str = ""


class History:
    """Appends publications to a file; what `note` returned from has reached the operating system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")

    def note(self, publications: list[Publication]) -> None:
        """Append these lines."""
        self._file.write("".join(json.dumps(asdict(each)) + "\n" for each in publications))
        self._file.flush()

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_history(path: Path) -> Iterator[Publication]:
    """Yield every publication of the file."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Publication(**json.loads(line))
