"""Numbered SQL files of the tracker's schema."""
