"""Numbered SQL files of the returns schema."""
