"""Numbered SQL migrations of the router's schema."""
