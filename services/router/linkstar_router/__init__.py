"""LinkStar's router service."""
