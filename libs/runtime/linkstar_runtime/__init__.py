"""LinkStar's service runtime."""
