"""Every SQL statement of ingest, one module per group of tables."""
