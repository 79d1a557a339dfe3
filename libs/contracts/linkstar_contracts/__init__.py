"""LinkStar's public contracts: read every topic with `parse_record`, write to the doors with the event classes."""

from __future__ import annotations

from linkstar_contracts.record import FieldFault, RecordError, parse_body, parse_record

__all__ = ["FieldFault", "RecordError", "parse_body", "parse_record"]
