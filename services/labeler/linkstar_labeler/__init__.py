"""LinkStar's labeler service."""
