"""LinkStar's public contracts."""
