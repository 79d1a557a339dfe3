"""Tables whose identifiers are never cut: where the terminal is too narrow, spare columns go, then each row is a block."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import IO

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.table import Table
from rich.text import Text

__all__ = ["Listing", "wide_console"]

WIDE = 5_000
"""Columns of a console that is no terminal."""
FOLDED = 30
"""Columns a cell that may be folded keeps at least."""


def wide_console(*, stderr: bool = False, file: IO[str] | None = None) -> Console:
    """A console as wide as its terminal; in a pipe or file so wide that nothing is folded."""
    console = Console(stderr=stderr, file=file)
    return console if console.file.isatty() else Console(stderr=stderr, file=file, width=WIDE)


class Listing:
    """Rows of cells, printed whole: `prose` wraps between words, `folds` anywhere, all else stays on one line.

    `spare` names what may be left out, the least important first; `right` what is aligned to the right.
    """

    def __init__(
        self, *columns: str, title: str | None = None, box: Box | None = None, prose: Collection[str] = (),
        folds: Collection[str] = (), spare: Sequence[str] = (), right: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.columns, self.title, self.box = columns, title, box
        self._prose, self._folds, self._spare, self._right = prose, folds, spare, right
        self.rows: list[tuple[Text, ...]] = []

    def add_row(self, *cells: str | Text) -> None:
        """Add one cell for each column; text is printed as it stands, without markup."""
        self.rows.append(tuple(cell if isinstance(cell, Text) else Text(cell) for cell in cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for left_out in range(len(self._spare) + 1):
            shown = [name for name in self.columns if name not in self._spare[:left_out]]
            if sum(map(self._least, shown)) + self._frame(len(shown)) <= options.max_width:
                yield self._table(shown)
                return
        yield from self._blocks()

    def _frame(self, columns: int) -> int:
        """Columns of the terminal that lines and gaps take."""
        return 3 * columns + 1 if self.box else 2 * columns

    def _cells(self, column: str) -> Iterator[Text]:
        place = self.columns.index(column)
        return (row[place] for row in self.rows)

    def _least(self, column: str) -> int:
        """The narrowest this column may become without cutting what must stay whole."""
        cells = list(self._cells(column))
        widest = max([cell_len(column), *(cell.cell_len for cell in cells)])
        if column in self._folds:
            return min(widest, FOLDED)
        if column in self._prose:
            words = [cell_len(word) for cell in cells for word in cell.plain.split()]
            return max([cell_len(column), min(widest, FOLDED), *words])
        return widest

    def _table(self, shown: Sequence[str]) -> Table:
        table = Table(title=self.title, box=self.box, pad_edge=False)
        for name in shown:
            wraps = name in self._prose or name in self._folds
            table.add_column(
                Text(name), overflow="fold", no_wrap=not wraps, min_width=self._least(name),
                justify="right" if name in self._right else "left",
            )  # fmt: skip
        for row in self.rows:
            table.add_row(*(cell for name, cell in zip(self.columns, row, strict=True) if name in shown))
        return table

    def _blocks(self) -> Iterator[ConsoleRenderable]:
        """Each row by itself, a line per cell: the identifier in it can still be copied whole."""
        if self.title:
            yield Text(self.title, style="italic", overflow="fold")
        for row in self.rows:
            for name, cell in zip(self.columns, row, strict=True):
                if cell.plain:
                    yield Text.assemble((f"{name}: ", "dim"), cell, overflow="fold")
            yield Text()
