"""LinkStar's tracker service."""
