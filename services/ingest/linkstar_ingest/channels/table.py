"""An order file as a table, whatever it is saved as: delimited text, or an XLSX workbook."""

from __future__ import annotations

from linkstar_ingest.channels.delimited import read_delimited
from linkstar_ingest.channels.rows import Layout, Table
from linkstar_ingest.channels.workbook import is_workbook, read_workbook
from linkstar_ingest.domain.faults import Fault, Refusal

__all__ = ["MAX_FILE_BYTES", "read_table"]

MAX_FILE_BYTES = 16 * 1024 * 1024


def read_table(raw: bytes, layout: Layout, quoted: bool = True) -> Table:
    """Return the rows of an order file. `quoted=False` takes quotation marks in text as ordinary characters.

    Raises Refusal when the file as a whole is no such file.
    """
    if len(raw) > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES // 2**20} MiB"
        raise Refusal(Fault("file_too_large", "file", f"is larger than {limit}", "split it"))
    return read_workbook(raw, layout) if is_workbook(raw) else read_delimited(raw, layout, quoted)
