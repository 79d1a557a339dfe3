"""Numbered SQL files of the schema `ingest`."""
