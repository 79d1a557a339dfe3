"""LinkStar's public contracts: read every topic with `parse_record`, write to the doors with the event classes."""

from __future__ import annotations

from linkstar_contracts.record import FieldFault, RecordError, parse_body, parse_record
from linkstar_contracts.topics import TOPICS

__all__ = ["TOPICS", "FieldFault", "RecordError", "parse_body", "parse_record"]
