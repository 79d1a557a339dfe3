"""SQL of the example service."""
