"""The hop's one table."""
