"""LinkStar's returns service."""
