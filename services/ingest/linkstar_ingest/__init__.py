"""LinkStar's ingest service."""
